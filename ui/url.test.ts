import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_STATE, decodeState, encodeState, formatSpanOfTime, type PageState, parseSpanOfTime } from './url.ts'

const instant = fc.integer({ min: 0, max: 4e12 })
const interval = fc.tuple(instant, fc.integer({ min: 1, max: 1e10 })).map(([from, size]) => ({ from, to: from + size }))
const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const anyState: fc.Arbitrary<PageState> = fc.record(
  {
    type: text,
    selector: text,
    range: fc.oneof(
      interval.map(i => ({ kind: 'absolute' as const, ...i })),
      fc.integer({ min: 1, max: 1e6 }).map(s => ({ kind: 'relative' as const, ms: s * 1000 })),
    ),
    span: fc.option(interval, { nil: null }),
    sumBy: text,
    zoom: text,
    search: text,
    picked: text,
    view: fc.constantFrom('flame', 'table', 'both'),
    flipped: fc.boolean(),
    sort: fc.constantFrom('self', 'total', 'name'),
    ascending: fc.boolean(),
    utc: fc.boolean(),
    down: fc.boolean(),
  },
  { noNullPrototype: true },
)

test('every state comes back from its address', () => {
  fc.assert(
    fc.property(anyState, state => {
      assert.deepEqual(decodeState(encodeState(state)), state)
    }),
  )
})

test('a lone surrogate does not break the address', () => {
  assert.equal(decodeState(encodeState({ ...DEFAULT_STATE, search: 'a\ud800' })).search, 'a\ufffd')
})

test('the default state has no query', () => assert.equal(encodeState(DEFAULT_STATE), ''))

test('an address reads like what it means', () => {
  const address = encodeState({
    ...DEFAULT_STATE,
    type: 'process_cpu:cpu:nanoseconds:cpu:nanoseconds:delta',
    selector: 'job="api", pod=~"web-.*"',
    range: { kind: 'relative', ms: 3_600_000 },
    span: { from: 1000, to: 2000 },
    zoom: '7.k3f2~37',
    view: 'flame',
  })
  assert.equal(
    address,
    '?v=1&type=process_cpu:cpu:nanoseconds:cpu:nanoseconds:delta&q=job=%22api%22,+pod=~%22web-.*%22&range=1h&span=1000-2000&z=7.k3f2~37&view=flame',
  )
})

test('a long selector stays under 2 KB', () => {
  const selector = Array.from({ length: 20 }, (_, i) => `label_${i}=~"value-${i}-(a|b|c)"`).join(', ')
  const address = encodeState({
    ...DEFAULT_STATE,
    selector,
    search: 'x'.repeat(200),
    zoom: '120.1z141z3~9999@1-999999',
  })
  assert.ok(address.length < 2048, `${address.length} characters`)
})

for (const broken of [
  '?range=0s',
  '?range=-5m',
  '?range=1e9h',
  '?from=5&to=4',
  '?from=abc&to=7',
  '?from=99999999999999999&to=99999999999999999999',
  '?span=9-3',
  '?span=1-2-3',
  '?span=x',
  '?view=poster',
  '?sort=colour',
  '?v=77&unknown=1',
  '?%E0%A4%A',
]) {
  test(`${broken} reads as the defaults`, () => assert.deepEqual(decodeState(broken), DEFAULT_STATE))
}

for (const [written, ms] of [
  ['90m', 5_400_000],
  ['1h30m', 5_400_000],
  ['1H 30M', 5_400_000],
  ['2w', 14 * 86_400_000],
  ['45s', 45_000],
  ['', null],
  ['90', null],
  ['1.5h', null],
  ['999999999w', null],
] as const) {
  test(`length ${JSON.stringify(written)}`, () => assert.equal(parseSpanOfTime(written), ms))
}

test('lengths are written with the largest units', () => {
  assert.equal(formatSpanOfTime(5_400_000), '1h30m')
  assert.equal(formatSpanOfTime(7 * 86_400_000), '7d')
  assert.equal(formatSpanOfTime(61_000), '1m1s')
})
