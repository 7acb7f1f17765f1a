/** REST by `fetch`: what grpc-gateway's users send and read. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { RequestError } from '../../base/errors.ts'
import type { LabelRequest, RangeRequest, ReportRequest } from '../../query/engine.ts'
import { DEFAULT_LIMITS } from '../contract.ts'
import { fakeEngine, STATS, startServer, type TestServer } from '../testing.ts'

const reports: ReportRequest[] = []
const ranges: RangeRequest[] = []
const labels: { name: string; request: LabelRequest }[] = []
let server: TestServer

before(async () => {
  server = await startServer({
    limits: { ...DEFAULT_LIMITS, messageSize: 1 << 16 },
    engine: fakeEngine({
      async profileTypes() {
        return { value: [], stats: STATS }
      },
      async labelValues(name, request) {
        labels.push({ name, request })
        return { value: [], stats: STATS }
      },
      async range(request) {
        ranges.push(request)
        if (request.query === 'busy') throw new RequestError('resource_exhausted', 'too many queries')
        const point = { timeNanos: 1_500_000_000n, value: 2n ** 60n, valuePerSecond: 0, durationNanos: 0n, count: 0 }
        const type = { type: '', unit: '' }
        return { value: [{ labels: [], points: [point], sampleType: type, periodType: type }], stats: STATS }
      },
      async report(request) {
        reports.push(request)
        const body = { kind: 'flamegraph_arrow', record: Uint8Array.of(255, 254), height: 0, trimmed: 0n } as const
        return { value: { body, unit: '', total: 0n, filtered: 0n, profiles: 0 }, stats: STATS }
      },
    }),
    scrape: {
      pools: () => [
        {
          name: 'job',
          targets: [
            {
              job: 'job',
              discoveredLabels: [],
              labels: [],
              scrapeUrl: 'http://127.0.0.1/',
              health: 'unknown',
              lastError: '',
              lastScrapeMs: null,
              lastScrapeDurationSeconds: 1.5,
              scrapeInterval: '10s',
              scrapeTimeout: '10s',
            },
          ],
        },
      ],
      dropped: () => [],
    },
  })
})
after(() => server.close())

async function get(path: string): Promise<{ status: number; json: unknown; headers: Headers }> {
  const response = await fetch(server.url + path)
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
  return { status: response.status, json: await response.json(), headers: response.headers }
}

test('defaults are emitted', async () => {
  assert.deepEqual((await get('/api/profiles/types')).json, { types: [] })
  assert.deepEqual((await get('/api/profiles/has_profile_data')).json, { hasData: false })
  assert.deepEqual((await get('/api/profiles/labels/job/values')).json, { labelValues: [], warnings: [] })
})

test('int64 is a string, times are RFC 3339, the stats are a header', async () => {
  const { json, headers } = await get(
    '/api/profiles/query_range?query=x&start=2026-01-02T03:04:05.5Z&end=2026-01-02T05:04:05%2B01:00&step=2.5s&sum_by=a&sum_by=b',
  )
  assert.deepEqual(json, {
    series: [
      {
        labelset: { labels: [] },
        samples: [
          {
            timestamp: '1970-01-01T00:00:01.500Z',
            value: '1152921504606846976',
            valuePerSecond: 0,
            duration: '0',
            count: 0,
          },
        ],
        periodType: { type: '', unit: '' },
        sampleType: { type: '', unit: '' },
      },
    ],
  })
  assert.deepEqual(ranges.at(-1), {
    query: 'x',
    range: { start: 1_767_323_045_500_000_000n, end: 1_767_326_645_000_000_000n },
    stepNanos: 2_500_000_000n,
    sumBy: ['a', 'b'],
    timesPeriod: true,
  })
  assert.deepEqual(JSON.parse(headers.get('decima-query-stats')!), STATS)
})

for (const [what, mode, report] of [
  ['names', 'MODE_MERGE', 'REPORT_TYPE_FLAMEGRAPH_ARROW'],
  ['numbers', '2', '5'],
] as const) {
  test(`dotted parameters, enums by ${what}`, async () => {
    const time = '&merge.start=1970-01-01T00:00:01Z&merge.end=1970-01-01T00:00:02.000000001Z'
    const more =
      '&nodeTrimThreshold=1.5&invert_call_stack=true&group_by.fields=function_name&group_by.fields=labels.a&unknown=1&also.unknown=2'
    const params = `?mode=${mode}&merge.query=${encodeURIComponent('cpu{a="b"}')}${time}&reportType=${report}${more}`
    const { json } = await get(`/api/profiles/query${params}`)
    assert.deepEqual(json, {
      flamegraphArrow: { record: '//4=', unit: '', height: 0, trimmed: '0' },
      total: '0',
      filtered: '0',
    })
    const { selection, trimPercent, invert, groupBy } = reports.at(-1)!
    const range = { start: 1_000_000_000n, end: 2_000_000_001n }
    assert.deepEqual(selection, { kind: 'merge', query: 'cpu{a="b"}', range })
    assert.deepEqual([trimPercent, invert, groupBy], [1.5, true, ['function_name', 'labels.a']])
  })
}

test('the label of a path, UTF-8 and slashes included', async () => {
  await get(`/api/profiles/labels/${encodeURIComponent('http/röute')}/values?match=a%3D%22b%22&match=c%3D%22d%22`)
  assert.deepEqual(labels.at(-1), {
    name: 'http/röute',
    request: { range: null, profileType: null, matchers: ['a="b"', 'c="d"'] },
  })
})

test('an unset message is null, an unset optional is not there', async () => {
  assert.deepEqual((await get('/api/targets?state=STATE_ACTIVE')).json, {
    targets: {
      job: {
        targets: [
          {
            discoveredLabels: { labels: [] },
            labels: { labels: [] },
            lastError: '',
            lastScrape: null,
            lastScrapeDuration: '1.500s',
            url: 'http://127.0.0.1/',
            health: 'HEALTH_UNKNOWN_UNSPECIFIED',
          },
        ],
      },
    },
  })
})

for (const [path, status, code, message] of [
  ['/api/nope', 404, 5, /^Not Found$/],
  ['/api/profiles/nope', 404, 5, /^Not Found$/],
  ['/api', 404, 5, /^Not Found$/],
  ['/api/profiles/series', 501, 12, /Series/],
  ['/api/profiles/writeraw', 501, 12, /^Method Not Allowed$/],
  ['/api/profiles/query_range?query=x', 400, 3, /^start: cannot be blank\.$/],
  ['/api/profiles/query_range?query=x&start=yesterday', 400, 3, /yesterday/],
  ['/api/profiles/query?merge=x', 400, 3, /merge/],
  ['/api/profiles/query?filter=x', 400, 3, /list of messages/],
  ['/api/profiles/query?query.a=x&mode.b=1', 400, 3, /mode/],
  ['/api/profiles/query_range?query=x&query=y', 400, 3, /^too many values for parameter "query"$/],
  ['/api/profiles/labels/%ff/values', 400, 3, /decode/],
  ['/api/profiles/query_range?query=busy&start=1970-01-01T00:00:01Z&end=1970-01-01T00:00:02Z', 429, 8, /too many/],
] as const) {
  test(`GET ${path} is ${status}`, async () => {
    const answer = await get(path)
    const json = answer.json as { code: number; message: string; details: unknown[] }
    assert.deepEqual([answer.status, json.code, json.details], [status, code, []])
    assert.match(json.message, message)
    assert.equal(answer.headers.get('retry-after'), status === 429 ? '1' : null)
  })
}

const push = (body: string) =>
  fetch(`${server.url}/api/profiles/writeraw`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  })

test('a push as JSON', async () => {
  const series = [
    {
      labels: { labels: [{ name: '__name__', value: 'cpu' }] },
      samples: [{ rawProfile: 'AQID' }, { raw_profile: 'BA==' }],
    },
  ]
  const response = await push(JSON.stringify({ series, somethingNew: 1 }))
  assert.deepEqual([response.status, await response.json()], [200, {}])
  assert.deepEqual(
    server.pushed.splice(0)[0]!.profiles.map(p => [...p.body]),
    [[1, 2, 3], [4]],
  )
})

test('a push that is no JSON, or too long', async () => {
  assert.equal((await push('{')).status, 400)
  assert.equal((await push('{"series": 5}')).status, 400)
  const long = await push(`{"series": "${'x'.repeat(1 << 16)}"}`)
  assert.deepEqual(
    [long.status, await long.json()],
    [413, { code: 8, message: 'the body is over --message-size-limit of 65536 bytes', details: [] }],
  )
})
