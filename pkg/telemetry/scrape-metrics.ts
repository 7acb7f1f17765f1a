/** Metrics of scraping, and of reloading the configuration, with the names Parca has for them. */
import type { Metrics } from './metrics.ts'

export interface ScrapeMetricsOptions {
  /** Every outcome there is: each is served from the start, as zero. */
  readonly outcomes: readonly string[]
  /** What is being scraped now, one entry per target and profile type. */
  readonly targets: () => Iterable<{ readonly job: string; readonly health: string }>
}

const DURATIONS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120]
const LATENESS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]
const SIZES = [1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 26]

export function createScrapeMetrics(metrics: Metrics, options: ScrapeMetricsOptions) {
  const scrapes = metrics.counter({
    name: 'decima_scrapes_total',
    help: 'Scrapes by how they ended.',
    labels: ['outcome'],
  })
  for (const outcome of options.outcomes) scrapes.inc({ outcome }, 0)
  const duration = metrics.histogram({
    name: 'decima_scrape_duration_seconds',
    help: 'From a request to its answer.',
    labels: ['profile'],
    buckets: DURATIONS,
  })
  const lateness = metrics.histogram({
    name: 'decima_scrape_lateness_seconds',
    help: 'How much later than it could have a request started.',
    buckets: LATENESS,
  })
  const bodyBytes = metrics.histogram({
    name: 'decima_scrape_body_bytes',
    help: 'Size of profiles as received.',
    buckets: SIZES,
  })
  const samples = metrics.counter({
    name: 'decima_target_samples_total',
    help: 'Samples of scraped profiles.',
    alias: 'parca_target_samples_total',
  })
  const interval = metrics.summary({
    name: 'decima_target_interval_length_seconds',
    help: 'Actual intervals between scrapes.',
    labels: ['interval'],
    alias: 'parca_target_interval_length_seconds',
  })
  const reload = metrics.summary({
    name: 'decima_target_reload_length_seconds',
    help: 'How long a changed configuration took to be in force in a job.',
    labels: ['interval'],
    alias: 'parca_target_reload_length_seconds',
  })
  const sync = metrics.summary({
    name: 'decima_target_sync_length_seconds',
    help: 'How long it took to bring the targets of a job in line with what was discovered.',
    labels: ['scrape_job'],
    alias: 'parca_target_sync_length_seconds',
  })
  const syncs = metrics.counter({
    name: 'decima_target_scrape_pool_sync_total',
    help: 'How often the targets of a job were brought in line with what was discovered.',
    labels: ['scrape_job'],
    alias: 'parca_target_scrape_pool_sync_total',
  })
  const failed = metrics.counter({
    name: 'decima_targets_failed_total',
    help: 'Discovered targets that none could be made of.',
    labels: ['job'],
  })
  const rejectedBy = (what: string, help: string) =>
    metrics.counter({
      name: `decima_target_scrapes_${what}_total`,
      help,
      alias: `parca_target_scrapes_${what}_total`,
    })
  const exceeded = rejectedBy('exceeded_sample_limit', 'Scrapes that hit the sample limit.')
  rejectedBy('sample_duplicate_timestamp', 'Always 0: profiles of the same time are kept.')
  rejectedBy('sample_out_of_order', 'Always 0: profiles are taken in any order.')
  rejectedBy('sample_out_of_bounds', 'Always 0: a scrape outside the retention takes its own time.')
  metrics.gauge({
    name: 'decima_targets',
    help: 'Targets, one for each profile type, by job and health.',
    labels: ['job', 'health'],
    collect(gauge) {
      gauge.reset()
      for (const { job, health } of options.targets()) gauge.inc({ job, health })
    },
  })

  return {
    scrapeEnded(event: {
      readonly profileName: string
      readonly outcome: string
      readonly tookMs: number
      readonly latenessMs: number
      readonly bodyBytes: number
      readonly samples: number
      readonly error: string
    }): void {
      scrapes.inc({ outcome: event.outcome })
      duration.observe({ profile: event.profileName }, event.tookMs / 1000)
      lateness.observe(event.latenessMs / 1000)
      if (event.bodyBytes > 0) bodyBytes.observe(event.bodyBytes)
      samples.inc(event.samples)
      if (event.error.includes('sample-limit') || event.error.includes('sample_limit')) exceeded.inc()
    },
    intervalPassed(configuredMs: number, actualMs: number): void {
      interval.observe({ interval: `${configuredMs / 1000}s` }, actualMs / 1000)
    },
    poolSynced(job: string, tookMs: number): void {
      syncs.inc({ scrape_job: job })
      sync.observe({ scrape_job: job }, tookMs / 1000)
    },
    poolReloaded(configuredMs: number, tookMs: number): void {
      reload.observe({ interval: `${configuredMs / 1000}s` }, tookMs / 1000)
    },
    targetsFailed(job: string, count: number): void {
      failed.inc({ job }, count)
    },
  }
}

/** Counts how loading the configuration went. */
export function createReloadMetrics(metrics: Metrics) {
  const successful = metrics.gauge({
    name: 'decima_config_last_reload_successful',
    help: '1 when the last load of the configuration succeeded.',
    alias: 'parca_config_last_reload_successful',
  })
  const timestamp = metrics.gauge({
    name: 'decima_config_last_reload_success_timestamp_seconds',
    help: 'Unix time of the last successful load of the configuration.',
    alias: 'parca_config_last_reload_success_timestamp_seconds',
  })
  return {
    loaded(atMs: number): void {
      successful.set(1)
      timestamp.set(atMs / 1000)
    },
    failed(): void {
      successful.set(0)
    },
  }
}
