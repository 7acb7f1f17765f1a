/** What is scraped, as Parca's service and as Prometheus's route tell it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ScrapeView } from '../contract.ts'
import { startServer, type TestServer } from '../testing.ts'
import { ask, clientOf } from '../testing-grpc.ts'

const scrape: ScrapeView = {
  pools: () => [
    {
      name: 'api',
      targets: [
        {
          job: 'api',
          discoveredLabels: [{ name: '__address__', value: '127.0.0.1:80' }],
          labels: [{ name: '__name__', value: 'memory' }],
          scrapeUrl: 'http://127.0.0.1:80/debug/pprof/heap',
          health: 'down',
          lastError: 'refused',
          lastScrapeMs: 1_500.25,
          lastScrapeDurationSeconds: 0.75,
          scrapeInterval: '10s',
          scrapeTimeout: '10s',
        },
      ],
    },
  ],
  dropped: () => [{ job: 'api', discoveredLabels: [{ name: 'gone', value: 'yes' }] }],
}

let server: TestServer
before(async () => {
  server = await startServer({ scrape })
})
after(() => server.close())

test('targets by state', async () => {
  const client = clientOf(server.host, 'parca.scrape.v1alpha1.ScrapeService')
  const any = (await ask(client, 'Targets', {})).value.targets
  assert.deepEqual(any.api.targets[0], {
    discovered_labels: { labels: [{ name: '__address__', value: '127.0.0.1:80' }] },
    labels: { labels: [{ name: '__name__', value: 'memory' }] },
    last_error: 'refused',
    last_scrape: { seconds: '1', nanos: 500_250_000 },
    last_scrape_duration: { seconds: '0', nanos: 750_000_000 },
    url: 'http://127.0.0.1:80/debug/pprof/heap',
    health: 'HEALTH_BAD',
  })
  const count = async (state: string) => (await ask(client, 'Targets', { state })).value.targets.api.targets.length
  assert.deepEqual([any.api.targets.length, await count('STATE_ACTIVE'), await count('STATE_DROPPED')], [2, 1, 1])
  client.close()
})

test('as Prometheus has it: one entry per target and profile type', async () => {
  const get = async (query: string) => {
    const { data } = (await (await fetch(`${server.url}/api/v1/targets${query}`)).json()) as {
      data: { activeTargets: object[]; droppedTargets: object[]; droppedTargetCounts: object }
    }
    return data
  }
  assert.deepEqual(await get(''), {
    activeTargets: [
      {
        discoveredLabels: { __address__: '127.0.0.1:80' },
        labels: { __name__: 'memory' },
        scrapePool: 'api',
        scrapeUrl: 'http://127.0.0.1:80/debug/pprof/heap',
        globalUrl: 'http://127.0.0.1:80/debug/pprof/heap',
        lastError: 'refused',
        lastScrape: '1970-01-01T00:00:01.500Z',
        lastScrapeDuration: 0.75,
        health: 'down',
        scrapeInterval: '10s',
        scrapeTimeout: '10s',
      },
    ],
    droppedTargets: [{ discoveredLabels: { gone: 'yes' }, scrapePool: 'api' }],
    droppedTargetCounts: { api: 1 },
  })
  const counts = async (query: string) => {
    const { activeTargets, droppedTargets } = await get(query)
    return [activeTargets.length, droppedTargets.length]
  }
  assert.deepEqual(await counts('?state=active'), [1, 0])
  assert.deepEqual(await counts('?state=dropped'), [0, 1])
  assert.deepEqual(await counts('?scrapePool=other'), [0, 0])
})
