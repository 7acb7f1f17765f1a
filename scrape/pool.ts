/**
 * The targets of one job: keeps a scrape loop for each, starts and stops loops as what is discovered changes, and leaves
 * alone those that stay. A group that changed is relabelled again; the others are not.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { Log } from '../pkg/base/ports.ts'
import type { ScrapeConfig, TargetGroup } from '../pkg/config/types.ts'
import type { Labels } from '../pkg/labels/labels.ts'
import type { DroppedTargetView, ProfileLimits, ScrapeMetrics, TargetView } from './contract.ts'
import type { ScrapeClient } from './fetch.ts'
import { type LoopPorts, type ScrapeLoop, startScrapeLoop } from './loop.ts'
import { makeTarget, type Target } from './target.ts'

export interface PoolPorts extends Omit<LoopPorts, 'settings'> {
  /** `host:port` of this server, for the reserved target `self`. */
  readonly selfAddress: string
}

/** What one configuration means for a pool. */
export interface PoolSettings {
  readonly config: ScrapeConfig
  readonly client: ScrapeClient
  readonly limits: ProfileLimits
}

export interface ScrapePool {
  /** Brings the loops in line with `groups`. Of calls that wait for one that runs the last one counts. */
  sync(groups: readonly TargetGroup[]): Promise<void>
  /** A changed configuration: loops whose target stays go on, and use it from their next scrape. */
  reload(settings: PoolSettings, groups: readonly TargetGroup[]): Promise<void>
  views(): TargetView[]
  dropped(): { readonly remembered: readonly DroppedTargetView[]; readonly count: number }
  stop(): Promise<void>
}

interface Entry {
  readonly loop: ScrapeLoop
  discoveredLabels: Labels
}

interface Wanted {
  readonly targets: Map<string, Target>
  readonly dropped: Labels[]
  droppedCount: number
  endpoints: number
}

/** Thousands of targets give way to scrapes after as many as these. */
const TARGETS_PER_TURN = 100
const LOOPS_PER_TURN = 200

export function createScrapePool(first: PoolSettings, ports: PoolPorts): ScrapePool {
  const { clock, log, metrics } = ports
  let settings = first
  const loops = new Map<string, Entry>()
  const stopping = new Set<Promise<void>>()
  /** Shown instead of loops while there are more targets than `target_limit`. */
  let refused: TargetView[] = []
  let wanted: Wanted = { targets: new Map(), dropped: [], droppedCount: 0, endpoints: 0 }
  let running: Promise<void> | null = null
  let next: readonly TargetGroup[] | null = null
  let stopped = false

  function sync(groups: readonly TargetGroup[]): Promise<void> {
    next = groups
    running ??= drain().finally(() => {
      running = null
    })
    return running
  }

  async function drain(): Promise<void> {
    while (next !== null && !stopped) {
      const groups = next
      next = null
      const started = clock.monotonic()
      const found = await makeTargets(groups, settings.config, ports)
      if (stopped || next !== null) continue
      await apply(found)
      metrics.poolSynced(settings.config.jobName, clock.monotonic() - started)
    }
  }

  async function apply(found: Wanted): Promise<void> {
    wanted = found
    const limit = settings.config.limits.targets ?? 0
    const tooMany = limit > 0 && found.endpoints > limit
    const keep = tooMany ? new Map<string, Target>() : found.targets
    let changed = 0
    for (const [key, entry] of loops) {
      if (keep.has(key)) continue
      if (++changed % LOOPS_PER_TURN === 0) await turn()
      end(key, entry)
    }
    for (const [key, target] of keep) {
      if (stopped) return
      const entry = loops.get(key)
      if (entry !== undefined) {
        entry.discoveredLabels = target.discoveredLabels
        continue
      }
      if (++changed % LOOPS_PER_TURN === 0) await turn()
      loops.set(key, { loop: startScrapeLoop(target, loopPorts), discoveredLabels: target.discoveredLabels })
    }
    refused = tooMany ? [...found.targets.values()].map(target => refusedView(target, found.endpoints, limit)) : []
    if (tooMany)
      log.warn('target limit exceeded', { job: settings.config.jobName, targets: found.endpoints, target_limit: limit })
  }

  function end(key: string, entry: Entry): void {
    loops.delete(key)
    const ended = entry.loop.stop().finally(() => stopping.delete(ended))
    stopping.add(ended)
  }

  const loopPorts: LoopPorts = { ...ports, settings: () => settings }

  return {
    sync,
    async reload(changed, groups) {
      const started = clock.monotonic()
      settings = changed
      await sync(groups)
      metrics.poolReloaded(settings.config.intervalMs, clock.monotonic() - started)
    },
    views() {
      const out = refused.slice()
      for (const { loop, discoveredLabels } of loops.values()) out.push({ ...loop.view(), discoveredLabels })
      return out
    },
    dropped: () => ({
      remembered: wanted.dropped.map(discoveredLabels => ({ job: settings.config.jobName, discoveredLabels })),
      count: wanted.droppedCount,
    }),
    async stop() {
      stopped = true
      await running
      for (const [key, entry] of loops) end(key, entry)
      await Promise.all(stopping)
    },
  }
}

/** Every target of `groups`, equal ones once. */
async function makeTargets(
  groups: readonly TargetGroup[],
  config: ScrapeConfig,
  ports: { readonly selfAddress: string; readonly log: Log; readonly metrics: ScrapeMetrics },
): Promise<Wanted> {
  const profiles = config.profiles.filter(profile => profile.enabled)
  const remember = config.limits.keepDroppedTargets ?? Number.POSITIVE_INFINITY
  const found: Wanted = { targets: new Map(), dropped: [], droppedCount: 0, endpoints: 0 }
  const failures = new Map<string, number>()
  let seen = 0
  for (const group of groups) {
    for (const address of group.targets) {
      if (++seen % TARGETS_PER_TURN === 0) await turn()
      let live = false
      for (const profile of profiles) {
        const made = makeTarget(address, group, profile, config, ports.selfAddress)
        if (made.kind === 'target') {
          live ||= !found.targets.has(made.target.key)
          found.targets.set(made.target.key, made.target)
        } else if (made.kind === 'dropped') {
          if (found.droppedCount++ < remember) found.dropped.push(made.discoveredLabels)
        } else {
          failures.set(made.reason, (failures.get(made.reason) ?? 0) + 1)
        }
      }
      if (live) found.endpoints++
    }
  }
  for (const [reason, count] of failures) {
    ports.metrics.targetsFailed(config.jobName, count)
    ports.log.error('target cannot be made', { job: config.jobName, targets: count, error: reason })
  }
  return found
}

function refusedView(target: Target, endpoints: number, limit: number): TargetView {
  return {
    job: target.job,
    discoveredLabels: target.discoveredLabels,
    labels: target.profileLabels,
    scrapeUrl: target.url,
    health: 'down',
    lastError: `target_limit exceeded: ${endpoints} targets, limit ${limit}`,
    lastScrapeMs: null,
    lastScrapeDurationSeconds: 0,
    intervalMs: target.intervalMs,
    timeoutMs: target.timeoutMs,
    profiledSeconds: 0,
    watchedSeconds: 0,
  }
}
