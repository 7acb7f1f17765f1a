import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RE2JS } from 're2js'
import { ask, askMerged, CPU, everywhere, profileOf, SECOND, T0 } from '../../test/support/memory-store.ts'
import type { RangeSeries } from './engine.ts'
import { labelsTest, momentOf, nanosOf } from './select.ts'

const range = { start: T0, end: T0 + 100n * SECOND }

/** Series whose names and values are what others stumble over; each weighs a power of two. */
const LABELS: readonly Readonly<Record<string, string>>[] = [
  { 'http.route': '/a/{id}' },
  { 'http.route': '/a"b\\c\nd' },
  { 'labels.job': 'x' },
  { __proto: 'p', constructor: 'c', toString: 't' },
  { größe: 'groß', '\u{1f525}': '\u{1f525}\u{1f525}' },
  { 'a b': ' ', 'a,b': '}', '"': '=~' },
  { value: '1', stack_id: '2', name: '3', timestamp: '4', time_nanos: '5' },
  {},
]
const profiles = LABELS.map((labels, i) =>
  profileOf([`main ${2 ** i}`], { labels, timeNanos: T0 + BigInt(i) * SECOND }),
)

const SELECTED: readonly (readonly [string, readonly number[]])[] = [
  ['', [0, 1, 2, 3, 4, 5, 6, 7]],
  ['"http.route"="/a/{id}"', [0]],
  ['"http.route"=~"/a.*"', [0, 1]],
  ['"http.route"="/a\\"b\\\\c\\nd"', [1]],
  ['"http.route"!~".+"', [2, 3, 4, 5, 6, 7]],
  ['"labels.job"="x"', [2]],
  ['labels_job="x"', []],
  ['job="x"', []],
  ['constructor="c"', [3]],
  ['toString=""', [0, 1, 2, 4, 5, 6, 7]],
  ['hasOwnProperty!=""', []],
  ['"größe"=~"gr.ß"', [4]],
  ['"\u{1f525}"=~".{2}"', [4]],
  ['"a b"=" "', [5]],
  ['"a,b"="}","\\""="=~"', [5]],
  ['value="1",stack_id="2",name="3",timestamp="4",time_nanos="5"', [6]],
  ['value="",constructor="","http.route"="","labels.job"="","größe"="","a b"=""', [7]],
]
for (const [matchers, wanted] of SELECTED) {
  test(`{${matchers.replaceAll('\n', ' ')}} selects ${wanted}`, () => {
    const query = `{__name__="${CPU}"${matchers === '' ? '' : `,${matchers}`}}`
    const total = wanted.reduce((n, i) => n + 2 ** i, 0)
    everywhere(profiles, sources => {
      const { tree } = askMerged(sources, 'function', { selection: { kind: 'merge', query, range } })
      assert.equal(
        tree.self.lo.reduce((a, b) => a + b, 0),
        total,
      )
    })
  })
}

test('grouped and summed by such names, parts carry them as written', () => {
  const by = ['http.route', 'größe', 'constructor', '__proto']
  const want: [string, string][][] = [
    [],
    [['http.route', '/a"b\\c\nd']],
    [['http.route', '/a/{id}']],
    [['größe', 'groß']],
    [
      ['constructor', 'c'],
      ['__proto', 'p'],
    ],
  ]
  const text = (labels: readonly { name: string; value: string }[]): string =>
    JSON.stringify(labels.map(l => [l.name, l.value]).sort())
  const sorted = want.map(labels => JSON.stringify([...labels].sort())).sort()
  everywhere(profiles, sources => {
    const { groups } = askMerged(sources, 'function', {
      selection: { kind: 'merge', query: CPU, range },
      groupBy: by.map(name => `labels.${name}`),
    })
    assert.deepEqual(groups.map(g => text(g.labels)).sort(), sorted)
    const { value } = ask<RangeSeries[]>(sources, {
      kind: 'range',
      request: { query: CPU, range, stepNanos: 0n, sumBy: by, timesPeriod: false },
    })
    assert.deepEqual(value.map(s => text(s.labels)).sort(), sorted)
  })
})

test('a pattern is tried once on each value, however many series, sources and groups have it', t => {
  const many = Array.from({ length: 40 }, (_, i) =>
    profileOf(['main 1'], { labels: { job: `job-${i % 3}`, pod: String(i) }, timeNanos: T0 + BigInt(i) }),
  )
  const tried = t.mock.method(RE2JS.prototype, 'test')
  const query = `${CPU}{job=~"job-[12]"}`
  everywhere(many, sources => {
    tried.mock.resetCalls()
    const merge = { selection: { kind: 'merge', query, range }, groupBy: ['labels.pod'] } as const
    assert.equal(askMerged(sources, 'function', merge).profiles, 26)
    // Once for the whole and once for the groups.
    assert.equal(tried.mock.callCount(), 2 * 3)
    tried.mock.resetCalls()
    ask(sources, { kind: 'range', request: { query, range, stepNanos: 0n, sumBy: [], timesPeriod: false } })
    assert.equal(tried.mock.callCount(), 3)
    tried.mock.resetCalls()
    ask(sources, { kind: 'labels', request: { range, profileType: query, matchers: [] } })
    assert.equal(tried.mock.callCount(), 3)
  })
})

test('an absent label is the empty string', () => {
  const fits = (op: '=' | '!=' | '=~' | '!~', value: string): boolean => labelsTest([{ name: 'x', op, value }])([])
  assert.deepEqual(
    [
      fits('=', ''),
      fits('!=', ''),
      fits('=', 'a'),
      fits('!=', 'a'),
      fits('=~', 'a?'),
      fits('!~', 'a?'),
      fits('=~', 'a'),
      fits('!~', 'a'),
    ],
    [true, false, false, true, true, false, false, true],
  )
})

test('a moment is milliseconds and what is over, before 1970 too', () => {
  for (const [nanos, ms, rest] of [
    [0n, 0, 0],
    [1n, 0, 1],
    [999_999n, 0, 999_999],
    [1_000_000n, 1, 0],
    [-1n, -1, 999_999],
    [-1_000_000n, -1, 0],
    [2n ** 63n - 1n, 9_223_372_036_854, 775_807],
  ] as const) {
    assert.deepEqual(momentOf(nanos), { ms, rest })
    assert.equal(nanosOf({ ms, rest }), nanos)
  }
})
