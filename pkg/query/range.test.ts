import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ask,
  CPU,
  everywhere,
  HEAP,
  NANOS,
  type PictureProfile,
  profileOf,
  SECOND,
  storeOf,
  T0,
} from '../../test/support/memory-store.ts'
import type { RangeRequest, RangeSeries } from './engine.ts'
import { NO_DATA, stepOf } from './range.ts'

const at = (seconds: number) => ({ timeNanos: T0 + BigInt(Math.round(seconds * 1000)) * 1_000_000n })
const request = (options: Partial<RangeRequest> = {}): RangeRequest => ({
  query: CPU,
  range: { start: T0 - 1000n * SECOND, end: T0 + 100_000n * SECOND },
  stepNanos: 10n * SECOND,
  sumBy: [],
  timesPeriod: false,
  ...options,
})

const askRange = (sources: Parameters<typeof ask>[0], options: Partial<RangeRequest>): readonly RangeSeries[] =>
  ask<readonly RangeSeries[]>(sources, { kind: 'range', request: request(options) }).value

/** A line per series and, below it, per point: seconds since T0, value, per second, duration, count. */
function picture(series: readonly RangeSeries[]): string[] {
  return series.flatMap(({ labels, points }) => [
    `{${labels.map(l => `${l.name}=${l.value}`).join(' ')}}`,
    ...points.map(p => {
      const seconds = Number(p.timeNanos - T0) / 1e9
      return `${seconds}s ${p.value} ${p.valuePerSecond}/s over ${Number(p.durationNanos) / 1e9}s #${p.count}`
    }),
  ])
}

function shows(profiles: readonly PictureProfile[], options: Partial<RangeRequest>, ...want: string[]): void {
  everywhere(profiles, sources => assert.deepEqual(picture(askRange(sources, options)), want))
}

test('a delta type is added up by step, points at the start of their step', () => {
  shows(
    [
      profileOf(['a 3', 'b 2'], at(0)),
      profileOf(['a 4'], at(9.999)),
      profileOf(['a 10'], at(10)),
      profileOf(['a 20'], at(35)),
      profileOf(['a 40', 'b 1', 'c 1'], { ...at(38), labels: { job: 'web' } }),
    ],
    {},
    '{}',
    '0s 9 0.9/s over 10s #3',
    '10s 10 1/s over 10s #1',
    '30s 62 6.2/s over 10s #4',
  )
})

test('a step of one moment takes the least duration there, else the step', () => {
  const web = { labels: { job: 'web' } }
  shows(
    [
      profileOf(['a 12'], { ...at(1), durationNanos: 4n * SECOND }),
      profileOf(['a 12'], { ...at(1), durationNanos: 3n * SECOND, ...web }),
      profileOf(['a 12'], { ...at(31), durationNanos: 4n * SECOND }),
      profileOf(['a 12'], { ...at(32), durationNanos: 3n * SECOND }),
    ],
    { stepNanos: 30n * SECOND },
    '{}',
    '0s 24 8/s over 3s #2',
    '30s 24 0.8/s over 30s #2',
  )
})

for (const order of [
  [0, 1],
  [1, 0],
]) {
  test(`a profile of nothing is a moment too, in order ${order}`, () => {
    const profiles = [
      profileOf(['a 0'], { ...at(0), durationNanos: 10n * SECOND }),
      profileOf(['a 30'], { ...at(10), durationNanos: 10n * SECOND }),
    ]
    shows(
      order.map(i => profiles[i]!),
      { stepNanos: 30n * SECOND },
      '{}',
      '0s 30 1/s over 30s #1',
    )
  })
}

test('nanoseconds over nanoseconds is a ratio', () => {
  shows(
    [profileOf([`a ${15n * SECOND}`], { ...at(0), type: NANOS })],
    { query: NANOS },
    '{}',
    '0s 15000000000 1.5/s over 10s #1',
  )
  everywhere([profileOf(['a 150'], at(0)), profileOf(['a 1'], { ...at(0.001), period: 5n })], sources => {
    const [series] = askRange(sources, { timesPeriod: true })
    assert.deepEqual(picture([series!]), ['{}', '0s 1500000005 0.1500000005/s over 10s #2'])
    assert.deepEqual(series!.sampleType, { type: 'cpu', unit: 'nanoseconds' })
    assert.deepEqual(series!.periodType, { type: 'cpu', unit: 'nanoseconds' })
  })
})

test('the counts of samples are answered as they are unless periods are asked for', () => {
  everywhere([profileOf(['a 150'], at(0))], sources => {
    const [series] = askRange(sources, {})
    assert.deepEqual(picture([series!]), ['{}', '0s 150 15/s over 10s #1'])
    assert.deepEqual(series!.sampleType, { type: 'samples', unit: 'count' })
  })
})

test('summed by labels, with a series for those that have none of them', () => {
  const labels = [{ job: 'api', pod: '1' }, { job: 'api', pod: '2' }, { job: 'web', pod: '1' }, { zone: 'x' }] as const
  const profiles = labels.map((l, i) => profileOf([`a ${10 ** i}`], { ...at(i), labels: l }))
  shows(
    profiles,
    { sumBy: ['job'] },
    '{}',
    '0s 1000 100/s over 10s #1',
    '{job=api}',
    '0s 11 1.1/s over 10s #2',
    '{job=web}',
    '0s 100 10/s over 10s #1',
  )
  shows(
    profiles,
    { sumBy: ['pod', 'job', 'nowhere'], query: `${CPU}{job!=""}` },
    '{job=api pod=1}',
    '0s 1 0.1/s over 10s #1',
    '{job=api pod=2}',
    '0s 10 1/s over 10s #1',
    '{job=web pod=1}',
    '0s 100 10/s over 10s #1',
  )
})

test('a point type shows, for each step and series, the last profile in it', () => {
  const heap = (seconds: number, value: number, pod = '1') =>
    profileOf([`a ${value}`, 'b 1'], { ...at(seconds), type: HEAP, labels: { job: 'api', pod } })
  shows(
    [
      heap(8.999, 200),
      heap(0, 100),
      heap(9, 300),
      heap(9, 4000),
      heap(10, 500),
      heap(55, 8, '2'),
      heap(12, 7, '2'),
      heap(0, 10_000),
      heap(8.999, 9),
    ],
    { query: HEAP, sumBy: ['job'] },
    '{job=api pod=1}',
    '9s 4302 4302/s over 0s #3',
    '10s 501 501/s over 0s #1',
    '{job=api pod=2}',
    '12s 8 8/s over 0s #1',
    '55s 9 9/s over 0s #1',
  )
})

test('of a point type the last profile counts to the nanosecond', () => {
  const heap = (nanos: bigint, value: number) =>
    profileOf([`a ${value}`], { timeNanos: T0 + nanos, type: HEAP, labels: {} })
  everywhere([heap(5n, 1), heap(7n, 2), heap(6n, 4)], sources => {
    const [series] = askRange(sources, { query: HEAP })
    assert.deepEqual(series!.points, [
      { timeNanos: T0 + 7n, value: 2n, valuePerSecond: 2, durationNanos: 0n, count: 3 },
    ])
  })
})

test('both ends are in the range, to the nanosecond', () => {
  const moment = T0 + 123_456_789n
  const profiles = [-1n, 0n, 1n].map((d, i) => profileOf([`a ${10 ** i}`], { timeNanos: moment + d }))
  for (const [start, end, total] of [
    [moment, moment, 10n],
    [moment - 1n, moment, 11n],
    [moment, moment + 1n, 110n],
  ] as const) {
    everywhere(profiles, sources => {
      const [series] = askRange(sources, { range: { start, end } })
      assert.deepEqual(
        series!.points.map(p => p.value),
        [total],
      )
    })
  }
})

test('steps need not be whole milliseconds', () => {
  const profiles = [0n, 1_499n, 1_500n, 4_000_000n].map((d, i) =>
    profileOf([`a ${10 ** i}`], { timeNanos: T0 + d, durationNanos: 1n }),
  )
  everywhere(profiles, sources => {
    const [series] = askRange(sources, { stepNanos: 1500n })
    const first = (T0 / 1500n) * 1500n
    const want = new Map<bigint, bigint>()
    for (const [i, d] of [0n, 1_499n, 1_500n, 4_000_000n].entries()) {
      const time = ((T0 + d) / 1500n) * 1500n
      want.set(time, (want.get(time) ?? 0n) + 10n ** BigInt(i))
    }
    assert.equal(series!.points[0]!.timeNanos, first)
    assert.deepEqual(new Map(series!.points.map(p => [p.timeNanos, p.value])), want)
  })
})

for (const [span, step] of [
  [0n, 1n],
  [198n, 1n],
  [199n, 2n],
  [396n, 2n],
  [3600n, 19n],
  [86_400n, 437n],
  [30n * 86_400n, 13_091n],
] as const) {
  test(`without a step ${span} s are shown by ${step} s`, () => {
    const range = { start: T0 + 1n, end: T0 + 1n + span * SECOND }
    const derived = stepOf(request({ stepNanos: 0n, range }))
    assert.equal(derived, step * SECOND)
    assert(range.end / derived - range.start / derived + 1n <= 200n)
  })
}

test('a step is a microsecond or more', () => {
  assert.equal(stepOf(request({ stepNanos: 1n })), 1000n)
  assert.equal(stepOf(request({ stepNanos: 1001n })), 1001n)
})

test('negative values and sums beyond 2^53 are exact', () => {
  const big = 2n ** 62n
  shows(
    [profileOf([`a ${big}`, 'b 1'], at(0)), profileOf([`a ${big - 2n}`], at(1)), profileOf(['a -5'], at(11))],
    {},
    '{}',
    `0s ${2n ** 63n - 1n} ${Number(2n ** 63n) / 10}/s over 10s #3`,
    '10s -5 -0.5/s over 10s #1',
  )
})

test('a sum that leaves int64 on the way and comes back is exact', () => {
  const big = 2n ** 62n
  const values = [big, big, big, -big, -big, 7n]
  shows(
    values.map((v, i) => profileOf([`a ${v}`], at(i))),
    {},
    '{}',
    `0s ${big + 7n} ${Number(big) / 10}/s over 10s #6`,
  )
})

for (const [name, profiles, timesPeriod, value] of [
  ['sum', [profileOf([`a ${2n ** 62n}`], at(0)), profileOf([`a ${2n ** 62n}`], at(1))], false, 2n ** 63n],
  ['negative sum', [profileOf([`a -${2n ** 63n}`], at(0)), profileOf(['a -1'], at(1))], false, -(2n ** 63n) - 1n],
  ['product', [profileOf([`a ${2n ** 62n}`], { ...at(0), period: 1000n })], true, 2n ** 62n * 1000n],
] as const) {
  test(`a ${name} beyond int64 is out of range, with the number`, () => {
    everywhere(profiles, sources => {
      assert.throws(
        () => askRange(sources, { timesPeriod }),
        (e: { code?: string; message: string }) => e.code === 'out_of_range' && e.message.includes(` ${value},`),
      )
    })
  })
}

test('nothing found is said in the words of Parca', () => {
  for (const options of [
    { query: HEAP },
    { query: `${CPU}{job="web"}` },
    { range: { start: 0n, end: T0 - 1n } },
  ] satisfies Partial<RangeRequest>[]) {
    everywhere([profileOf(['a 1'], at(0))], sources => {
      assert.throws(() => askRange(sources, options), { code: 'not_found', message: NO_DATA })
    })
  }
  assert.throws(() => askRange([], {}), { code: 'not_found', message: NO_DATA })
})

test('thousands of points keep their order and their sums', () => {
  const profiles = Array.from({ length: 3000 }, (_, i) => {
    const second = (i * 7919) % 3000
    return profileOf([`a ${second + 1}`], { ...at(second), labels: { pod: String(second % 3) } })
  })
  const store = storeOf(profiles, 'head')
  const series = askRange(store.sources, { stepNanos: SECOND, sumBy: ['pod'] })
  assert.deepEqual(
    series.map(s => s.points.map(p => [p.timeNanos, p.value])),
    [0, 1, 2].map(pod =>
      Array.from({ length: 1000 }, (_, i) => [T0 + BigInt(3 * i + pod) * SECOND, BigInt(3 * i + pod + 1)]),
    ),
  )
  store.close()
})
