/** What the tests of this folder build on: configurations, counters that count, a write path that remembers. */
import type { Log } from '../pkg/base/ports.ts'
import type { ProfilingTarget, ScrapeConfig, TargetGroup } from '../pkg/config/types.ts'
import { sortLabels } from '../pkg/labels/labels.ts'
import type { ProfileLimits, ScrapeEvent, ScrapeMetrics } from './contract.ts'

export const cpu: ProfilingTarget = {
  name: 'process_cpu',
  enabled: true,
  path: '/debug/pprof/profile',
  delta: true,
  seconds: null,
  keepSampleTypes: null,
}
export const allocs: ProfilingTarget = { ...cpu, name: 'memory', path: '/debug/pprof/allocs', delta: false }

export function group(targets: readonly string[] = [], labels: Readonly<Record<string, string>> = {}): TargetGroup {
  return {
    source: 'static/0',
    targets,
    labels: sortLabels(Object.entries(labels).map(([name, value]) => ({ name, value }))),
  }
}

export function aConfig(changes: Partial<ScrapeConfig> = {}): ScrapeConfig {
  return {
    jobName: 'api',
    intervalMs: 10_000,
    timeoutMs: 13_000,
    scheme: 'http',
    params: [],
    profiles: [cpu, allocs, { ...cpu, name: 'mine', enabled: false }],
    relabelRules: [],
    staticGroups: [],
    limits: {
      bodySize: null,
      samples: null,
      stackDepth: null,
      labels: null,
      labelNameLength: null,
      labelValueLength: null,
      strings: null,
      stringLength: null,
      targets: null,
      keepDroppedTargets: null,
    },
    http: { basicAuth: null, authorization: null, tls: null, followRedirects: true, enableHttp2: true, headers: [] },
    ...changes,
  }
}

export const someLimits: ProfileLimits = {
  bodySize: 1 << 20,
  samples: 0,
  stackDepth: 0,
  labels: 0,
  labelNameLength: 0,
  labelValueLength: 0,
  strings: 0,
  stringLength: 0,
}

export interface Counters extends ScrapeMetrics {
  readonly events: ScrapeEvent[]
  readonly failed: Map<string, number>
  syncs: number
}

export function countingMetrics(): Counters {
  const counters: Counters = {
    events: [],
    failed: new Map(),
    syncs: 0,
    scrapeEnded: event => void counters.events.push(event),
    intervalPassed() {},
    poolSynced: () => void counters.syncs++,
    poolReloaded() {},
    targetsFailed: (job, count) => void counters.failed.set(job, (counters.failed.get(job) ?? 0) + count),
  }
  return counters
}

/** A log that keeps the lines at info and above as `message key=value`. */
export function rememberingLog(): Log & { readonly lines: string[] } {
  const lines: string[] = []
  const write = (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
    void lines.push([message, ...Object.entries(fields).map(([key, value]) => `${key}=${value}`)].join(' '))
  return { lines, debug() {}, info: write, warn: write, error: write }
}
