/** QueryService by an independent gRPC client over cleartext HTTP/2: types, labels, ranges. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { RequestError } from '../../base/errors.ts'
import { DEFAULT_LIMITS } from '../contract.ts'
import { fakeEngine, STATS, startServer, type TestServer } from '../testing.ts'
import { type Any, ask, clientOf, refused } from '../testing-grpc.ts'

const at = (seconds: number) => ({ seconds: String(seconds), nanos: 0 })
const TYPE = { type: 'cpu', unit: 'nanoseconds' }

let server: TestServer
let query: Any

before(async () => {
  server = await startServer({
    engine: fakeEngine({
      async profileTypes(range) {
        const name = range === null ? 'all' : `${range.start}-${range.end}`
        const type = { name, sampleType: 'a', sampleUnit: 'b', periodType: 'c', periodUnit: 'd', delta: true }
        return { value: [type], stats: STATS }
      },
      async labelNames(request) {
        return { value: [JSON.stringify(request.profileType), ...request.matchers], stats: STATS }
      },
      async labelValues(name, request) {
        return { value: [name, String(request.range?.end)], stats: STATS }
      },
      async range(request) {
        if (request.query === 'none') throw new RequestError('not_found', 'whatever the engine says')
        if (request.query === 'crash') throw new TypeError('a bug')
        if (request.query === 'huge') {
          const labels = Array.from({ length: 200 }, (_, i) => ({ name: `l${i}`, value: 'x'.repeat(30_000) }))
          return { value: [{ labels, points: [], sampleType: TYPE, periodType: TYPE }], stats: STATS }
        }
        const point = { timeNanos: -1n, value: -(2n ** 63n), valuePerSecond: 0.25, durationNanos: 10n, count: 3 }
        return {
          value: [
            {
              labels: [{ name: 'sum_by', value: request.sumBy.join() }],
              points: [point, { ...point, timeNanos: request.stepNanos }],
              sampleType: { type: 'cpu', unit: 'nanoseconds' },
              periodType: TYPE,
            },
          ],
          stats: STATS,
        }
      },
    }),
    limits: { ...DEFAULT_LIMITS, messageSize: 4 << 20 },
  })
  query = clientOf(server.host, 'parca.query.v1alpha1.QueryService')
})
after(async () => {
  query.close()
  await server.close()
})

test('profile types: the range counts only when both ends are given', async () => {
  const { value, trailers } = await ask(query, 'ProfileTypes', { start: at(1), end: at(2) })
  assert.deepEqual(value.types, [
    {
      name: '1000000000-2000000000',
      sample_type: 'a',
      sample_unit: 'b',
      period_type: 'c',
      period_unit: 'd',
      delta: true,
    },
  ])
  assert.deepEqual(JSON.parse(trailers['decima-query-stats']), STATS)
  assert.equal((await ask(query, 'ProfileTypes', { end: at(2) })).value.types[0].name, 'all')
  assert.equal((await ask(query, 'ProfileTypes', { start: at(0), end: at(2) })).value.types[0].name, 'all')
})

test('labels, values, has profile data', async () => {
  const labels = await ask(query, 'Labels', { match: ['job="x"'], profile_type: 'cpu:a:b:c:d' })
  assert.deepEqual(labels.value.label_names, ['"cpu:a:b:c:d"', 'job="x"'])
  const values = await ask(query, 'Values', { label_name: 'http.route', start: at(1), end: at(3) })
  assert.deepEqual(values.value.label_values, ['http.route', '3000000000'])
  assert.deepEqual((await ask(query, 'HasProfileData', {})).value, { has_data: true })
})

test('a range keeps int64 and times before 1970', async () => {
  const { value, trailers } = await ask(query, 'QueryRange', {
    query: 'x',
    start: at(1),
    end: at(2),
    step: { seconds: 5, nanos: 1 },
    sum_by: ['job', 'pod'],
  })
  assert.deepEqual(value.series, [
    {
      labelset: { labels: [{ name: 'sum_by', value: 'job,pod' }] },
      samples: [
        {
          timestamp: { seconds: '-1', nanos: 999_999_999 },
          value: '-9223372036854775808',
          value_per_second: 0.25,
          duration: '10',
          count: 3,
        },
        {
          timestamp: { seconds: '5', nanos: 1 },
          value: '-9223372036854775808',
          value_per_second: 0.25,
          duration: '10',
          count: 3,
        },
      ],
      period_type: TYPE,
      sample_type: { type: 'cpu', unit: 'nanoseconds' },
    },
  ])
  assert.deepEqual(JSON.parse(trailers['decima-query-stats']), STATS)
})

const NO_DATA =
  'No data found for the query, try a different query or time range or no data has been written to be queried yet.'
for (const [what, method, request, want] of [
  ['nothing in the range', 'QueryRange', { query: 'none', start: at(1), end: at(2) }, ['NOT_FOUND', NO_DATA]],
  [
    'a range without a query',
    'QueryRange',
    { start: at(1), end: at(2) },
    ['INVALID_ARGUMENT', 'query: cannot be blank.'],
  ],
  ['a range without an end', 'QueryRange', { query: 'x', start: at(1) }, ['INVALID_ARGUMENT', 'end: cannot be blank.']],
  [
    'a range backwards',
    'QueryRange',
    { query: 'x', start: at(2), end: at(1) },
    ['INVALID_ARGUMENT', 'start: must not be after end.'],
  ],
  ['a handler that throws', 'QueryRange', { query: 'crash', start: at(1), end: at(2) }, ['INTERNAL', 'a bug']],
  ['values of no label', 'Values', {}, ['INVALID_ARGUMENT', 'label_name: cannot be blank.']],
  ['series', 'Series', {}, ['UNIMPLEMENTED', 'Series is not implemented']],
] as const) {
  test(`refused: ${what}`, async () => assert.deepEqual(await refused(query, method, request), want))
}

test('an answer over the message limit is RESOURCE_EXHAUSTED', async () => {
  const [code] = await refused(query, 'QueryRange', { query: 'huge', start: at(1), end: at(2) })
  assert.equal(code, 'RESOURCE_EXHAUSTED')
})
