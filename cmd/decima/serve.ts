/**
 * `decima serve`: the parts in the order of the flow, started one after the other and stopped in reverse.
 *
 * The port is bound first, so that who looks while the log is replayed gets an answer; what needs the store waits for it.
 */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { openStore, type Store } from '../../frostdb/store.ts'
import type { Admin } from '../../pkg/api/contract.ts'
import { createServer } from '../../pkg/api/server.ts'
import { RequestError } from '../../pkg/base/errors.ts'
import { systemClock, systemDisk, systemRandom } from '../../pkg/base/system.ts'
import { formatConfig } from '../../pkg/config/format.ts'
import type { Ingest } from '../../pkg/ingest/contract.ts'
import { createIngest, createIngestCounters } from '../../pkg/ingest/ingest.ts'
import { createQueryPool, type QueryPool } from '../../pkg/query/pool.ts'
import { createLog } from '../../pkg/telemetry/log.ts'
import { createMetrics } from '../../pkg/telemetry/metrics.ts'
import { createReloadMetrics, createScrapeMetrics } from '../../pkg/telemetry/scrape-metrics.ts'
import { createSelfProfiler } from '../../pkg/telemetry/self-profile.ts'
import { createScrapeClient } from '../../scrape/fetch.ts'
import { createScrapeManager, type ScrapeManager } from '../../scrape/manager.ts'
import { OUTCOME_KINDS } from '../../scrape/outcome.ts'
import { buildPage } from '../../ui/build.ts'
import { parseListenAddress, reachableAddress } from './address.ts'
import { collectWhenQuiet } from './collect.ts'
import { flagRows, helpText } from './flag-text.ts'
import { parseFlags } from './flags.ts'
import { createGroup } from './group.ts'
import { machineMemory, resolveMemoryLimit } from './memory.ts'
import { createRequestMetrics } from './request-metrics.ts'
import { scrapeView } from './scrape-view.ts'
import { apiLimits, ingestLimits, readConfig } from './settings.ts'
import { createStoreMetrics } from './store-metrics.ts'
import { createThreads } from './threads.ts'
import { RUNTIME, VERSION } from './version.ts'
import { watchConfig } from './watch.ts'

const WAL_SEGMENT_BYTES = 64 << 20
const QUERIES_WAITING = 200

/** Resolves with the exit code once the server has stopped. */
export async function serve(argv: readonly string[]): Promise<number> {
  const { flags, warnings, asked } = parseFlags(argv)
  if (asked !== null) {
    console.log(asked === 'help' ? helpText() : `decima ${VERSION} (${RUNTIME})`)
    return 0
  }
  const clock = systemClock
  const log = createLog({ level: flags.logLevel, format: flags.logFormat, clock })
  for (const warning of warnings) log.warn(warning)
  const memory = resolveMemoryLimit(flags.memoryLimit, machineMemory())
  let loaded = readConfig(flags.configPath)
  for (const warning of loaded.warnings) log.warn(warning)
  const storagePath = resolve(flags.storagePath)
  if (loaded.config.objectStorage !== null)
    log.warn('object_storage is checked, but blocks are not shipped in this version')
  log.info('Starting Decima', {
    version: VERSION,
    runtime: RUNTIME,
    pid: process.pid,
    storage_path: storagePath,
    memory_limit: memory.bytes,
  })

  const group = createGroup(log)
  const stopped = Promise.withResolvers<number>()
  const started = Promise.withResolvers<void>()
  const stopping = new AbortController()
  let exitCode = 0
  const stop = (code: number, why: string): void => {
    exitCode = Math.max(exitCode, code)
    if (stopping.signal.aborted) return
    stopping.abort()
    log.info('Stopping', { reason: why })
    // A start that is cut short leaves nothing behind that is not in the group.
    void started.promise.then(group.stop).then(() => {
      log.info('See you next time!')
      stopped.resolve(exitCode)
    })
  }

  const metrics = createMetrics()
  const counters = createIngestCounters()
  const profiler = createSelfProfiler(clock)
  const threads = createThreads(profiler)
  const reloads = createReloadMetrics(metrics)

  // Set once the store is open.
  let store: Store | null = null
  let pool: QueryPool | null = null
  let ingest: Ingest | null = null
  let scraping: ScrapeManager | null = null
  const ready = Promise.withResolvers<void>()
  let isReady = false

  const { dir: pageDir } = await buildPage()
  const admin: Admin = {
    ready: () => isReady,
    whenReady: () => ready.promise,
    flush: () => (store === null ? Promise.reject(starting()) : store.flush()),
    reload: () => reload('POST /-/reload'),
    quit: () => stop(0, 'POST /-/quit'),
    flags: () => flagRows(flags).map(({ name, value, fallback, help }) => ({ name, value, default: fallback, help })),
    config: () => formatConfig(loaded.config),
    version: () => ({ version: VERSION, revision: '', branch: '', buildDate: '', runtime: RUNTIME }),
    metrics: async () => {
      const { contentType, body } = await metrics.render()
      return { contentType, text: body }
    },
    selfProfile: (kind, seconds, signal) => {
      if (kind === 'heap') return profiler.heap()
      return kind === 'profile' ? profiler.cpu(seconds, signal) : profiler.allocs(seconds, signal)
    },
  }
  const server = createServer({
    address: flags.httpAddress,
    engine: {
      profileTypes: (...args) => engine().profileTypes(...args),
      labelNames: (...args) => engine().labelNames(...args),
      labelValues: (...args) => engine().labelValues(...args),
      range: (...args) => engine().range(...args),
      report: (...args) => engine().report(...args),
      explain: (...args) => engine().explain(...args),
    },
    ingest: { ingest: (...args) => (ingest === null ? Promise.reject(starting()) : ingest.ingest(...args)) },
    scrape: scrapeView(
      () => scraping?.view() ?? { active: [], dropped: [], droppedCount: 0 },
      () => loaded.config,
    ),
    admin,
    clock,
    log,
    limits: apiLimits(flags),
    pageDir,
    pagePaths: ['/targets'],
    pathPrefix: flags.pathPrefix,
    corsAllowedOrigins: flags.corsAllowedOrigins,
    enableLifecycle: flags.webEnableLifecycle,
    enableAdminApi: flags.webEnableAdminApi,
    observe: createRequestMetrics(metrics),
  })
  const engine = (): QueryPool => {
    if (pool === null) throw starting()
    return pool
  }

  async function reload(why: string): Promise<void> {
    log.info('Loading configuration file', { file: flags.configPath, reason: why })
    try {
      const fresh = readConfig(flags.configPath)
      for (const warning of fresh.warnings) log.warn(warning)
      loaded = fresh
      await scraping?.apply(fresh.config.scrapeConfigs)
      reloads.loaded(clock.now())
      log.info('Completed loading of configuration file', { file: flags.configPath })
    } catch (error) {
      reloads.failed()
      log.error('the configuration was not loaded, the old one stays in force', { error: (error as Error).message })
      throw error
    }
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(0, signal))
  process.on('SIGHUP', () => void reload('SIGHUP').catch(() => undefined))
  process.on('uncaughtException', error => {
    log.error('BUG: uncaught error', { error: error.message, stack: error.stack ?? '' })
  })
  process.on('unhandledRejection', error => {
    log.error('BUG: unhandled rejection', {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
  })

  try {
    const bound = await server.listen().catch(error => {
      throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
        ? new Error(`--http-address ${flags.httpAddress}: the port is in use by another process`)
        : error
    })
    group.add('server', () => server.close())
    log.info('Listening', { address: `${bound.host}:${bound.port}` })

    store = await openStore({
      disk: systemDisk,
      clock,
      random: systemRandom,
      log,
      storagePath,
      walSync: flags.storageWalSync,
      walSegmentBytes: WAL_SEGMENT_BYTES,
      activeMemory: flags.storageActiveMemory,
      blockDurationMs: flags.storageBlockDuration,
      minFreeBytes: flags.storageMinFreeBytes,
      keepAddresses: flags.storageKeepAddresses,
      replayProgress: () => stopping.signal.throwIfAborted(),
      flushHead: ({ view, ulid, directory }) =>
        threads.flush({
          view,
          options: { ulid, directory, serviceLabels: flags.serviceLabels, version: VERSION, createdMs: clock.now() },
        }),
      mendIndexes: blocks => threads.mend({ blocks }),
    })
    const opened = store
    group.add('store', () => opened.close())
    stopping.signal.throwIfAborted()
    createStoreMetrics(metrics, opened, counters)

    pool = createQueryPool({
      threads: Math.max(2, availableParallelism() - 1),
      maxWaiting: QUERIES_WAITING,
      spawn: threads.spawnQuery,
      clock,
      snapshot: () => opened.snapshot(),
    })
    const queries = pool
    group.add('queries', () => queries.close())

    const writePath = createIngest({
      writer: opened,
      clock,
      sampleLabels: new Set(flags.storageSampleLabels),
      retentionMs: flags.storageRetentionTime,
      counters,
    })
    ingest = writePath

    const address = parseListenAddress(flags.httpAddress)!
    scraping = createScrapeManager({
      clock,
      log,
      metrics: createScrapeMetrics(metrics, {
        outcomes: OUTCOME_KINDS,
        targets: () => (scraping?.view().active ?? []).map(({ job, health }) => ({ job, health })),
      }),
      ingest: {
        ingest: (body, meta) =>
          writePath.ingest([{ body, labels: meta.labels }], {
            source: 'scrape',
            startedMs: meta.startedMs,
            keepSampleTypes: meta.keepSampleTypes,
            durationNanos: meta.durationNanos,
            limits: meta.limits,
          }),
      },
      createClient: createScrapeClient,
      selfAddress: reachableAddress({ ...address, port: bound.port }),
      version: VERSION,
      allowLinkLocal: flags.scrapeAllowLinkLocal,
      limits: ingestLimits(flags),
    })
    const manager = scraping
    group.add('scraping', () => manager.stop())
    await manager.apply(loaded.config.scrapeConfigs)
    reloads.loaded(clock.now())
    const watch = watchConfig(
      flags.configPath,
      () => loaded.text,
      clock,
      () => void reload('the file changed').catch(() => undefined),
    )
    group.add('configuration watch', watch)

    group.add('garbage collection', collectWhenQuiet(clock))

    isReady = true
    ready.resolve()
    log.info('Server is ready to receive web requests.', { address: `${bound.host}:${bound.port}` })
  } catch (error) {
    if (!stopping.signal.aborted) {
      log.error('could not start', { error: (error as Error).message })
      stop(1, 'failed to start')
    }
  } finally {
    started.resolve()
  }
  return await stopped.promise
}

const starting = (): RequestError =>
  new RequestError('unavailable', 'the server is starting: the log is being replayed')
