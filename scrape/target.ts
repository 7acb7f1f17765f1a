/**
 * From what discovery found to what a scrape loop asks:
 *
 *   address + group labels + profile ──▶ discovered labels ──relabelling──▶ labels ──▶ target: URL, seconds, interval
 *
 * A discovered address becomes one target for each enabled profile. Relabelling may change all of it through the reserved
 * labels `__address__`, `__scheme__`, `__profile_path__`, `__param_<name>`, `__scrape_interval__`, `__scrape_timeout__`
 * and `__name__`. Labels that begin with `__` are not stored, but for `__name__`, the profile's name.
 */
import { type ProfilingTarget, type ScrapeConfig, SELF_TARGET, type TargetGroup } from '../pkg/config/types.ts'
import { formatDuration, parseDuration } from '../pkg/config/units.ts'
import { type Label, type Labels, labelValue, sortLabels } from '../pkg/labels/labels.ts'
import { relabel } from '../pkg/labels/relabel.ts'

export interface Target {
  readonly job: string
  readonly discoveredLabels: Labels
  /** Public labels and `__name__`. */
  readonly profileLabels: Labels
  readonly profileName: string
  /** Of a full scrape, `seconds` included. */
  readonly url: string
  /** What a full scrape asks for; null = a profile of a point in time. */
  readonly seconds: number | null
  readonly intervalMs: number
  /** Deadline of a scrape of a point in time. */
  readonly timeoutMs: number
  /** Deadline of a scrape over seconds: those and this. */
  readonly slackMs: number
  readonly keepSampleTypes: ProfilingTarget['keepSampleTypes']
  /** What it is, whenever it is asked: labels and URL. Its phase is a hash of this. */
  readonly identity: string
  /** Two targets with the same key are the same loop. */
  readonly key: string
}

export type MadeTarget =
  | { readonly kind: 'target'; readonly target: Target }
  | { readonly kind: 'dropped'; readonly discoveredLabels: Labels }
  | { readonly kind: 'failed'; readonly discoveredLabels: Labels; readonly reason: string }

const SHORTEST_INTERVAL_MS = 1000
/** What a profile of N seconds may take beyond them when the user did not give it more. */
const LEAST_SLACK_MS = 3000

export function makeTarget(
  address: string,
  group: TargetGroup,
  profile: ProfilingTarget,
  config: ScrapeConfig,
  selfAddress: string,
): MadeTarget {
  const discoveredLabels = discover(address === SELF_TARGET ? selfAddress : address, group, profile, config)
  const failed = (reason: string): MadeTarget => ({ kind: 'failed', discoveredLabels, reason })

  const labels = relabel(discoveredLabels, config.relabelRules)
  if (labels === null) return { kind: 'dropped', discoveredLabels }
  const values = new Map(labels.map(({ name, value }) => [name, value]))
  const text = (name: string) => values.get(name) ?? ''

  const intervalMs = parseDuration(text('__scrape_interval__'))
  if (intervalMs === null || intervalMs < SHORTEST_INTERVAL_MS)
    return failed(`scrape interval ${JSON.stringify(text('__scrape_interval__'))} is not a duration of at least 1s`)
  const timeoutMs = parseDuration(text('__scrape_timeout__'))
  if (timeoutMs === null || timeoutMs === 0)
    return failed(`scrape timeout ${JSON.stringify(text('__scrape_timeout__'))} is not a duration above 0`)
  const base = baseUrl(text('__scheme__'), text('__address__'))
  if (typeof base === 'string') return failed(base)
  if (text('__name__') === '') return failed('no __name__: relabelling removed the name of the profile')
  const bad = labels.find(({ name, value }) => !name.isWellFormed() || !value.isWellFormed())
  if (bad !== undefined) return failed(`label ${JSON.stringify(bad.name)} is not valid UTF-8`)

  setPathAndParams(base, text('__profile_path__'), labels, config)
  const seconds = profile.delta ? secondsOf(profile, base.searchParams.get('seconds'), intervalMs) : null
  if (Number.isNaN(seconds)) return failed('the parameter seconds is not a whole number above 0')
  if (seconds !== null) base.searchParams.set('seconds', String(seconds))

  const profileLabels = sortLabels([
    ...labels.filter(({ name }) => !name.startsWith('__') || name === '__name__'),
    { name: 'instance', value: text('__address__') },
  ])
  const identity = JSON.stringify([profileLabels.map(({ name, value }) => [name, value]), base.href])
  const slackMs = Math.max(LEAST_SLACK_MS, timeoutMs - intervalMs)
  return {
    kind: 'target',
    target: {
      job: config.jobName,
      discoveredLabels,
      profileLabels,
      profileName: text('__name__'),
      url: base.href,
      seconds,
      intervalMs,
      timeoutMs,
      slackMs,
      keepSampleTypes: profile.keepSampleTypes,
      identity,
      key: JSON.stringify([identity, seconds, intervalMs, timeoutMs, profile.keepSampleTypes]),
    },
  }
}

/** The URL of a scrape that asks for `seconds`. */
export function requestUrl(target: Target, seconds: number | null): string {
  if (seconds === target.seconds) return target.url
  const url = new URL(target.url)
  url.searchParams.set('seconds', String(seconds))
  return url.href
}

/** Labels before relabelling: the target's own, then the group's, then what the job says. */
function discover(address: string, group: TargetGroup, profile: ProfilingTarget, config: ScrapeConfig): Labels {
  const labels: Label[] = [
    { name: '__address__', value: address },
    { name: '__profile_path__', value: profile.path },
    { name: '__name__', value: profile.name },
    ...group.labels,
    { name: 'job', value: config.jobName },
    { name: '__scheme__', value: config.scheme },
    { name: '__scrape_interval__', value: formatDuration(config.intervalMs) },
    { name: '__scrape_timeout__', value: formatDuration(config.timeoutMs) },
  ]
  for (const { name, values } of config.params) labels.push({ name: `__param_${name}`, value: values[0]! })
  return sortLabels(labels)
}

/** The URL without path, or what is wrong. */
function baseUrl(scheme: string, address: string): URL | string {
  if (address === '') return 'no address'
  if (scheme !== 'http' && scheme !== 'https') return `invalid scheme: ${JSON.stringify(scheme)}`
  const url = /[/?#@\\\s]/.test(address) ? null : URL.parse(`${scheme}://${address}`)
  if (url === null) return `${JSON.stringify(address)} is not a valid hostname`
  return url
}

/** A `__param_` label takes the place of the first value of that parameter; a path may bring a query of its own. */
function setPathAndParams(url: URL, path: string, labels: Labels, config: ScrapeConfig): void {
  const question = path.indexOf('?')
  const own = question < 0 ? path : path.slice(0, question)
  url.pathname = own.startsWith('/') ? own : `/${own}`
  const params = new URLSearchParams(question < 0 ? '' : path.slice(question + 1))
  for (const { name, values } of config.params) {
    const first = labelValue(labels, `__param_${name}`) || values[0]!
    params.delete(name)
    for (const value of [first, ...values.slice(1)]) params.append(name, value)
  }
  for (const { name, value } of labels)
    if (name.startsWith('__param_') && !config.params.some(param => `__param_${param.name}` === name))
      params.set(name.slice('__param_'.length), value)
  params.sort()
  url.search = params.toString()
}

/** What the profile says, else what a parameter says, else the interval; NaN when the parameter is no number. */
function secondsOf(profile: ProfilingTarget, param: string | null, intervalMs: number): number {
  if (profile.seconds !== null && profile.seconds > 0) return profile.seconds
  if (param === null) return Math.max(1, Math.floor(intervalMs / 1000))
  return /^[1-9]\d{0,5}$/.test(param) ? Number(param) : Number.NaN
}
