/** One entry of `scrape_configs`: a job, with its defaults, its discoveries and its rules. */
import { sortLabels } from '../labels/labels.ts'
import {
  RELABEL_ACTIONS,
  RELABEL_DEFAULTS,
  type RelabelAction,
  type RelabelRule,
  validateRule,
} from '../labels/rule.ts'
import { readHttpClient } from './http.ts'
import { readProfiles, warnOfProfileTimes } from './profiles.ts'
import type { MapReader } from './reader.ts'
import { didYouMean } from './suggest.ts'
import type { ScalarNode } from './tree.ts'
import type { QueryParam, ScrapeConfig, ScrapeLimits, TargetGroup } from './types.ts'
import { formatDuration } from './units.ts'

const DEFAULT_INTERVAL_MS = 10_000
/** Added to the interval where no timeout is written. */
const TIMEOUT_SLACK_MS = 3_000
const SHORTEST_INTERVAL_MS = 1_000

/** Prometheus's other discoveries, by the word before `_sd_configs`. */
const OTHER_DISCOVERIES = [
  ...['azure', 'consul', 'digitalocean', 'dns', 'docker', 'dockerswarm', 'ec2', 'eureka', 'file', 'gce', 'hetzner'],
  ...['http', 'ionos', 'kubernetes', 'kuma', 'lightsail', 'linode', 'marathon', 'nerve', 'nomad', 'openstack'],
  ...['ovhcloud', 'puppetdb', 'scaleway', 'serverset', 'stackit', 'triton', 'uyuni', 'vultr'],
]

export function readScrapeConfig(job: MapReader, file: string): ScrapeConfig {
  const jobName = job.text('job_name', '')
  if (jobName === '') job.error('job_name', 'job_name is empty')
  const intervalMs = job.duration('scrape_interval', DEFAULT_INTERVAL_MS)
  if (intervalMs < SHORTEST_INTERVAL_MS)
    job.error('scrape_interval', `scrape_interval ${formatDuration(intervalMs)} is below 1s`)
  const timeoutMs = job.duration('scrape_timeout', 0) || intervalMs + TIMEOUT_SLACK_MS
  // Parca copies it to a field that no server reads.
  job.bool('normalized_addresses', false)

  const scheme = job.oneOf('scheme', ['http', 'https'], 'http')
  const params = readParams(job)
  const profiles = readProfiles(job)
  warnOfProfileTimes(job, profiles, params, { intervalMs, timeoutMs })
  const relabelRules = job.maps('relabel_configs').map(readRelabelRule)
  const staticGroups = job
    .maps('static_configs')
    .map((group, i) => readStaticGroup(group, `static/${i}`, relabelRules.length > 0))
  for (const name of OTHER_DISCOVERIES)
    job.refuse(`${name}_sd_configs`, `${name}_sd_configs is not available in this version`)
  const limits = readLimits(job)
  const http = readHttpClient(job, file)
  job.finish()
  return { jobName, intervalMs, timeoutMs, scheme, params, profiles, relabelRules, staticGroups, limits, http }
}

function readParams(job: MapReader): QueryParam[] {
  const params = job.map('params')
  if (params === null) return []
  return params.entries().flatMap(([name]) => {
    const values = params.texts(name).map(value => value.source)
    return values.length === 0 ? [] : [{ name, values }]
  })
}

function readStaticGroup(group: MapReader, source: string, relabelled: boolean): TargetGroup {
  const targets = group.texts('targets').map(node => {
    const target = node.text ?? ''
    // With relabelling the address may become one later, so only then is another text fine.
    if (target === '') group.problems.error(node.place, 'a target must not be empty')
    else if (target.includes('/') && !relabelled)
      group.problems.error(node.place, `${JSON.stringify(target)} is not a valid hostname`)
    return target
  })
  const labels = group.map('labels')
  const pairs = (labels?.entries() ?? []).map(([name, { value, keyPlace }]) => {
    if (name === '') group.problems.error(keyPlace, 'a label name must not be empty')
    if (value.kind !== 'scalar')
      group.problems.error(value.place, `the value of label ${JSON.stringify(name)} must be text`)
    return { name, value: value.kind === 'scalar' ? labelText(value) : '' }
  })
  group.finish()
  return { source, targets, labels: sortLabels(pairs) }
}

/** As written: `null` and `true` are words, only `~` and nothing are empty. */
function labelText({ text, source }: ScalarNode): string {
  return text ?? (source === '~' ? '' : source)
}

function readRelabelRule(section: MapReader): RelabelRule {
  const action = section.text('action', RELABEL_DEFAULTS.action).toLowerCase() as RelabelAction
  const rule: RelabelRule = {
    action,
    sourceLabels: section.texts('source_labels').map(node => node.source),
    // The empty string is a setting, not "left out": text() takes only null for that.
    separator: section.text('separator', RELABEL_DEFAULTS.separator),
    regex: section.text('regex', RELABEL_DEFAULTS.regex),
    modulus: section.count('modulus', RELABEL_DEFAULTS.modulus),
    targetLabel: section.text('target_label', RELABEL_DEFAULTS.targetLabel),
    replacement: section.text('replacement', RELABEL_DEFAULTS.replacement),
  }
  section.finish()
  const wrong = validateRule(rule)
  if (wrong !== null) {
    const hint = wrong.key === 'action' ? didYouMean(action, RELABEL_ACTIONS) : ''
    section.error(wrong.key, `${wrong.message}${hint}`)
  }
  return rule
}

function readLimits(job: MapReader): ScrapeLimits {
  return {
    bodySize: job.size('body_size_limit', null),
    samples: job.count('sample_limit', null),
    stackDepth: job.count('stack_depth_limit', null),
    labels: job.count('label_limit', null),
    labelNameLength: job.size('label_name_length_limit', null),
    labelValueLength: job.size('label_value_length_limit', null),
    strings: job.count('string_limit', null),
    stringLength: job.size('string_length_limit', null),
    targets: job.count('target_limit', null),
    keepDroppedTargets: job.count('keep_dropped_targets', null),
  }
}
