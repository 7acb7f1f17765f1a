import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from './metrics.ts'
import { createReloadMetrics, createScrapeMetrics } from './scrape-metrics.ts'

/** The lines of one metric, its help left out. */
async function linesOf(metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> {
  const { body } = await metrics.render()
  return body.split('\n').filter(line => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)))
}

const event = { profileName: 'process_cpu', tookMs: 10_012, latenessMs: 2, bodyBytes: 24_000, samples: 300, error: '' }

test('counts scrapes by outcome, every outcome from the start', async () => {
  const metrics = createMetrics()
  const targets = () => [
    { job: 'api', health: 'up' },
    { job: 'api', health: 'up' },
    { job: 'web', health: 'down' },
  ]
  const scrape = createScrapeMetrics(metrics, { outcomes: ['scraped', 'timeout'], targets })
  scrape.scrapeEnded({ ...event, outcome: 'scraped' })
  assert.deepEqual(await linesOf(metrics, 'decima_scrapes_total'), [
    'decima_scrapes_total{outcome="scraped"} 1',
    'decima_scrapes_total{outcome="timeout"} 0',
  ])
  assert.deepEqual(await linesOf(metrics, 'decima_targets'), [
    'decima_targets{job="api",health="up"} 2',
    'decima_targets{job="web",health="down"} 1',
  ])
})

test("Parca's names carry the same values", async () => {
  const metrics = createMetrics()
  const scrape = createScrapeMetrics(metrics, { outcomes: [], targets: () => [] })
  scrape.scrapeEnded({ ...event, outcome: 'scraped' })
  scrape.scrapeEnded({ ...event, outcome: 'rejected', samples: 0, error: 'sample-limit 10 exceeded: 11 samples' })
  scrape.intervalPassed(10_000, 10_001)
  scrape.poolSynced('api', 3)
  scrape.poolReloaded(10_000, 4)
  const reload = createReloadMetrics(metrics)
  reload.loaded(1_700_000_000_000)
  const { body } = await metrics.render()
  for (const line of [
    'parca_target_samples_total 300',
    'decima_target_samples_total 300',
    'parca_target_interval_length_seconds_count{interval="10s"} 1',
    'parca_target_interval_length_seconds{quantile="0.5",interval="10s"} 10.001',
    'parca_target_reload_length_seconds_count{interval="10s"} 1',
    'parca_target_sync_length_seconds_count{scrape_job="api"} 1',
    'parca_target_scrape_pool_sync_total{scrape_job="api"} 1',
    'parca_target_scrapes_exceeded_sample_limit_total 1',
    'parca_target_scrapes_sample_out_of_order_total 0',
    'parca_config_last_reload_successful 1',
    'parca_config_last_reload_success_timestamp_seconds 1700000000',
    '# TYPE parca_target_samples_total counter',
  ])
    assert.ok(body.split('\n').includes(line), line)
})

test('every name has its place', async () => {
  const metrics = createMetrics()
  createScrapeMetrics(metrics, { outcomes: ['scraped'], targets: () => [] })
  const { body } = await metrics.render()
  const names = [...body.matchAll(/^# TYPE (\S+)/gm)].map(match => match[1]!)
  assert.equal(new Set(names).size, names.length)
  for (const name of names) assert.match(name, /^(decima|process|nodejs|parca)_/)
  assert.throws(() => metrics.counter({ name: 'other_total', help: '' }), /metric name/)
})
