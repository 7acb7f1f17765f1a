/**
 * `profiling_config`: which profiles a job takes. Five are built in, as in Parca; what the file writes about one of them
 * changes that much of it and leaves the rest, so `process_cpu` stays a delta profile when only its path is given.
 * A profile of one's own is taken only when it says `enabled: true`.
 */
import type { MapReader } from './reader.ts'
import type { ProfilingTarget, QueryParam } from './types.ts'
import { formatDuration } from './units.ts'

const builtIn = (name: string, path: string, delta: boolean): ProfilingTarget => ({
  name,
  enabled: true,
  path: `/debug/pprof/${path}`,
  delta,
  seconds: null,
  keepSampleTypes: null,
})

export const DEFAULT_PROFILES: readonly ProfilingTarget[] = [
  builtIn('memory', 'allocs', false),
  builtIn('block', 'block', false),
  builtIn('goroutine', 'goroutine', false),
  builtIn('mutex', 'mutex', false),
  builtIn('process_cpu', 'profile', true),
]

/** Built-in profiles first, then the file's own, in its order. */
export function readProfiles(job: MapReader): ProfilingTarget[] {
  const section = job.map('profiling_config')
  const prefix = section?.text('path_prefix', '') ?? ''
  const written = section?.map('pprof_config') ?? null
  section?.finish()
  const names = new Set([...DEFAULT_PROFILES.map(p => p.name), ...(written?.entries() ?? []).map(([name]) => name)])
  return [...names].map(name => {
    const defaults = DEFAULT_PROFILES.find(p => p.name === name) ?? null
    const profile = readProfile(name, defaults, written?.map(name) ?? null)
    if (defaults === null) checkOwn(profile, written!)
    return { ...profile, path: joinPath(prefix, profile.path) }
  })
}

function readProfile(name: string, defaults: ProfilingTarget | null, entry: MapReader | null): ProfilingTarget {
  const base = defaults ?? { name, enabled: false, path: '', delta: false, seconds: null, keepSampleTypes: null }
  if (entry === null) return base
  const keep = entry.maps('keep_sample_type').map(item => {
    const kept = { type: item.text('type', ''), unit: item.text('unit', '') }
    if (kept.type === '') item.error('type', 'keep_sample_type needs a type')
    item.finish()
    return kept
  })
  const profile: ProfilingTarget = {
    name,
    enabled: entry.bool('enabled', base.enabled),
    path: entry.text('path', base.path) || base.path,
    delta: entry.bool('delta', base.delta),
    seconds: entry.count('seconds', base.seconds) || null,
    keepSampleTypes: keep.length > 0 ? keep : base.keepSampleTypes,
  }
  entry.finish()
  return profile
}

function checkOwn(profile: ProfilingTarget, written: MapReader): void {
  const { name, enabled, path } = profile
  if (name === '') written.error(name, 'a profile needs a name')
  if (enabled && path === '') written.error(name, `profile ${name} needs a path`)
  const saysEnabled = written.map(name)?.has('enabled') ?? false
  if (!saysEnabled) written.warn(name, `profile ${name} is not scraped: it does not say enabled: true`)
}

/** The prefix, then the path, without doubled slashes or dots, as Parca joins them. */
function joinPath(prefix: string, path: string): string {
  if (path === '') return ''
  if (prefix === '') return path.startsWith('/') ? path : `/${path}`
  const parts: string[] = []
  for (const part of `${prefix}/${path}`.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

/** Seconds a delta profile is asked for when nothing else is said: the whole seconds of the interval, never below 1. */
export function secondsOf(profile: ProfilingTarget, params: readonly QueryParam[], intervalMs: number): number {
  const written = Number(params.find(p => p.name === 'seconds')?.values[0])
  return profile.seconds ?? (written > 0 ? written : Math.max(1, Math.floor(intervalMs / 1000)))
}

/** Times that do not fit each other work out, but not as they read. */
export function warnOfProfileTimes(
  job: MapReader,
  profiles: readonly ProfilingTarget[],
  params: readonly QueryParam[],
  { intervalMs, timeoutMs }: { readonly intervalMs: number; readonly timeoutMs: number },
): void {
  for (const profile of profiles) {
    if (!profile.enabled || !profile.delta) continue
    const seconds = secondsOf(profile, params, intervalMs)
    if (seconds * 1000 > intervalMs) {
      const message = `${profile.name} takes ${seconds}s, longer than the scrape_interval ${formatDuration(intervalMs)}: scrapes will be late`
      job.warn('scrape_interval', message)
    }
    if (job.has('scrape_timeout') && seconds * 1000 >= timeoutMs) {
      const message = `scrape_timeout ${formatDuration(timeoutMs)} is too short for ${profile.name}, which takes ${seconds}s: it gets more time`
      job.warn('scrape_timeout', message)
    }
  }
}
