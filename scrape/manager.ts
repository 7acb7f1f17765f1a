/**
 * The scrape manager: a pool and its discoveries for each job of the configuration in force. A new configuration ends the
 * pools of jobs that are gone, starts those of new jobs, and tells the others what changed; loops of unchanged targets go on.
 *
 * What discoveries emit is merged by source and passed to the pool at once, but no more often than every five seconds.
 */
import { hostname } from 'node:os'
import type { Clock, Log } from '../pkg/base/ports.ts'
import type { ScrapeConfig, ScrapeLimits, TargetGroup } from '../pkg/config/types.ts'
import type { DroppedTargetView, Ingest, ProfileLimits, ScrapeMetrics, TargetsView, TargetView } from './contract.ts'
import type { Discovery } from './discovery/contract.ts'
import { staticDiscovery } from './discovery/static.ts'
import type { ScrapeClient, ScrapeClientOptions } from './fetch.ts'
import { createScrapePool, type PoolSettings, type ScrapePool } from './pool.ts'
import { hash32 } from './schedule.ts'

export interface ScrapeManagerOptions {
  readonly clock: Clock
  readonly log: Log
  readonly metrics: ScrapeMetrics
  readonly ingest: Ingest
  readonly createClient: (options: ScrapeClientOptions) => ScrapeClient
  /** `host:port` of this server, for the reserved target `self`. */
  readonly selfAddress: string
  readonly version: string
  readonly allowLinkLocal: boolean
  /** Where a job sets none. */
  readonly limits: ProfileLimits
  /** Sets replicas apart; the name of the machine when left out. */
  readonly seed?: string
}

export interface ScrapeManager {
  /** Puts a configuration in force; resolves once its static targets have loops. Calls take effect in order. */
  apply(configs: readonly ScrapeConfig[]): Promise<void>
  view(): TargetsView
  /** Aborts open scrapes, waits for bodies that are being stored. Safe to call twice. */
  stop(): Promise<void>
}

interface Job {
  readonly pool: ScrapePool
  settings: PoolSettings
  text: string
  feed: Feed
}

/** Changes of a job's targets reach its loops no more often than this. */
const SYNC_PAUSE_MS = 5000

export function createScrapeManager(options: ScrapeManagerOptions): ScrapeManager {
  const { clock, log } = options
  const seed = hash32(options.seed ?? hostname())
  const jobs = new Map<string, Job>()
  let queue: Promise<void> = Promise.resolve()
  let stopped = false

  function inOrder(act: () => Promise<void>): Promise<void> {
    const done = queue.then(act)
    queue = done.catch(() => {})
    return done
  }

  function settingsOf(config: ScrapeConfig): PoolSettings {
    const { version, allowLinkLocal } = options
    const client = options.createClient({ http: config.http, version, allowLinkLocal })
    return { config, client, limits: mergeLimits(config.limits, options.limits) }
  }

  async function put(configs: readonly ScrapeConfig[]): Promise<void> {
    const names = new Set(configs.map(config => config.jobName))
    await Promise.all([...jobs].filter(([name]) => !names.has(name)).map(([name]) => endJob(name)))
    for (const config of configs) {
      const job = jobs.get(config.jobName)
      if (job === undefined) await startJob(config)
      else if (job.text !== textOf(config)) await changeJob(job, config)
    }
  }

  async function startJob(config: ScrapeConfig): Promise<void> {
    const settings = settingsOf(config)
    const pool = createScrapePool(settings, { ...options, seed })
    const feed = startFeed(discoveriesOf(config), groups => pool.sync(groups), clock, log)
    jobs.set(config.jobName, { pool, settings, text: textOf(config), feed })
    await feed.first
  }

  async function changeJob(job: Job, config: ScrapeConfig): Promise<void> {
    const old = job.settings
    const sameHttp = JSON.stringify(old.config.http) === JSON.stringify(config.http)
    const fresh = settingsOf(config)
    const settings = sameHttp ? { ...fresh, client: old.client } : fresh
    job.feed.stop()
    job.settings = settings
    job.text = textOf(config)
    let reloaded = false
    job.feed = startFeed(
      discoveriesOf(config),
      groups => {
        if (reloaded) return job.pool.sync(groups)
        reloaded = true
        return job.pool.reload(settings, groups)
      },
      clock,
      log,
    )
    await job.feed.first
    void (sameHttp ? fresh.client : old.client).retire()
  }

  async function endJob(name: string): Promise<void> {
    const job = jobs.get(name)!
    jobs.delete(name)
    job.feed.stop()
    await job.pool.stop()
    await job.settings.client.close()
  }

  return {
    apply: configs => inOrder(() => (stopped ? Promise.resolve() : put(configs))),
    view() {
      const active: TargetView[] = []
      const dropped: DroppedTargetView[] = []
      let droppedCount = 0
      for (const { pool } of jobs.values()) {
        active.push(...pool.views())
        const { remembered, count } = pool.dropped()
        dropped.push(...remembered)
        droppedCount += count
      }
      return { active, dropped, droppedCount }
    },
    stop() {
      stopped = true
      return inOrder(async () => {
        await Promise.all([...jobs.keys()].map(endJob))
      })
    },
  }
}

function discoveriesOf(config: ScrapeConfig): readonly Discovery[] {
  return [staticDiscovery(config.staticGroups)]
}

function mergeLimits(job: ScrapeLimits, flags: ProfileLimits): ProfileLimits {
  return {
    bodySize: job.bodySize ?? flags.bodySize,
    samples: job.samples ?? flags.samples,
    stackDepth: job.stackDepth ?? flags.stackDepth,
    labels: job.labels ?? flags.labels,
    labelNameLength: job.labelNameLength ?? flags.labelNameLength,
    labelValueLength: job.labelValueLength ?? flags.labelValueLength,
    strings: job.strings ?? flags.strings,
    stringLength: job.stringLength ?? flags.stringLength,
  }
}

/** Configurations are plain data: equal texts are equal configurations. */
function textOf(config: ScrapeConfig): string {
  return JSON.stringify(config)
}

interface Feed {
  /** Resolves once the first groups have reached the pool. */
  readonly first: Promise<void>
  stop(): void
}

/** Runs `discoveries`, merges what they emit and passes all groups to `sync`, at once and then at most every five seconds. */
function startFeed(
  discoveries: readonly Discovery[],
  sync: (groups: readonly TargetGroup[]) => Promise<void>,
  clock: Clock,
  log: Log,
): Feed {
  const stopped = new AbortController()
  const { signal } = stopped
  const groups = new Map<string, TargetGroup>()
  const firstDone = Promise.withResolvers<void>()
  let dirty = false
  let pumping = false

  async function pump(): Promise<void> {
    if (pumping) return
    pumping = true
    while (dirty && !signal.aborted) {
      dirty = false
      try {
        await sync([...groups.values()])
      } catch (error) {
        log.error('targets cannot be put in force', { error: String(error) })
      }
      firstDone.resolve()
      await clock.sleep(SYNC_PAUSE_MS, signal)
    }
    pumping = false
  }

  for (const discovery of discoveries) {
    const emit = (emitted: readonly TargetGroup[]) => {
      if (signal.aborted) return
      for (const group of emitted) {
        const key = `${discovery.name} ${group.source}`
        if (group.targets.length > 0) groups.set(key, group)
        else groups.delete(key)
      }
      dirty = true
      void pump()
    }
    discovery.run(emit, signal).catch(error => {
      log.error('discovery ended', { discovery: discovery.name, error: String(error) })
      firstDone.resolve()
    })
  }
  return {
    first: firstDone.promise,
    stop() {
      stopped.abort()
      firstDone.resolve()
    },
  }
}
