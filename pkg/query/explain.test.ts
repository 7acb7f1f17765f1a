import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ask,
  CPU,
  everywhere,
  HEAP,
  memoryStore,
  profileOf,
  reportRequest,
  SECOND,
  T0,
} from '../../test/support/memory-store.ts'
import type { Answer, Explanation, NanoRange } from './engine.ts'
import type { QueryStats } from './result.ts'

type Sources = Parameters<typeof ask>[0]
const HOUR = 3600n * SECOND

/** Three hours of two jobs, so that a block has three row groups; the heap of one. */
const profiles = Array.from({ length: 36 }, (_, i) => {
  const timeNanos = T0 + BigInt(i) * 300n * SECOND
  return [
    profileOf([`main;read ${i + 1}`, `main;write ${i}`, '- 1'], { timeNanos, labels: { job: i % 2 ? 'api' : 'web' } }),
    profileOf(['main;alloc 5'], { timeNanos, type: HEAP, labels: { job: 'api' } }),
  ]
}).flat()

const all = { start: T0, end: T0 + 3n * HOUR }

const explained = (sources: Sources, query: string, range: NanoRange): Explanation =>
  ask<Explanation>(sources, { kind: 'explain', query, range }).value

const stats = (sources: Sources, query: string, range: NanoRange): QueryStats =>
  ask(sources, { kind: 'report', request: reportRequest({ selection: { kind: 'merge', query, range } }) }).stats

for (const [name, query, range] of [
  ['all', CPU, all],
  ['one job', `${CPU}{job="api"}`, all],
  ['one hour', CPU, { start: T0 + HOUR, end: T0 + 2n * HOUR - 1n }],
  ['one job of one hour', `${CPU}{job="web"}`, { start: T0 + HOUR, end: T0 + 2n * HOUR - 1n }],
  ['one profile', CPU, { start: T0, end: T0 }],
  ['another type', HEAP, all],
  ['no series', `${CPU}{job="none"}`, all],
  ['no profile', CPU, { start: T0 + 1n, end: T0 + 2n }],
] as const) {
  test(`what is explained is what a merge reads: ${name}`, () => {
    everywhere(profiles, (sources, placement) => {
      const plan = explained(sources, query, range)
      const read = stats(sources, query, range)
      assert.equal(read.rows, plan.totals.rows)
      assert.equal(read.bytes_read, plan.totals.bytes_read)
      assert.equal(read.bytes_skipped, plan.totals.bytes_skipped)
      const groups = plan.blocks.flatMap(b => b.row_groups)
      assert.equal(read.row_groups_read, groups.filter(g => g.action === 'read').length)
      assert.equal(read.row_groups_skipped, groups.filter(g => g.action === 'skip').length)
      assert.equal(read.blocks, { head: 0, block: 1, split: 2 }[placement])
      assert.equal(plan.blocks.length, sources.length)
      const matching = plan.blocks.reduce((n, b) => n + b.profiles, 0)
      assert.equal(plan.totals.rows === 0, matching === 0)
    })
  })
}

test('of a block only the hours and columns that are asked for are read', () => {
  const store = memoryStore([profiles], [])
  const range = { start: T0 + HOUR, end: T0 + 2n * HOUR - 1n }
  const { blocks, query, start, end } = explained(store.sources, CPU, range)
  assert.deepEqual({ query, start, end }, { query: CPU, start: String(range.start), end: String(range.end) })
  const [block] = blocks
  assert.deepEqual(
    block!.row_groups.map(g => `${g.index} ${g.action}: ${g.reason}`),
    [
      '0 skip: holds no row of the selection',
      '1 read: holds rows of the selection',
      '2 skip: holds no row of the selection',
    ],
  )
  assert.deepEqual(block!.columns, ['stack_id', 'value'])
  assert.equal(block!.series, 2)
  assert.equal(block!.profiles, 12)
  assert.equal(block!.min_time, String(T0))
  assert.equal(block!.max_time, String(T0 + 35n * 300n * SECOND))
  assert.deepEqual(
    explained(store.sources, `${CPU}{job="x"}`, range).blocks[0]!.row_groups.map(g => g.reason),
    Array(3).fill('no series fits'),
  )
  assert.deepEqual(
    explained(store.sources, CPU, { start: 0n, end: 1n }).blocks[0]!.row_groups.map(g => g.reason),
    Array(3).fill('no profile in the range'),
  )
  store.close()
})

test('the span of a block is told to the nanosecond', () => {
  everywhere([profileOf(['a 1'], { timeNanos: T0 + 7n })], sources => {
    const [source] = explained(sources, CPU, all).blocks
    assert.deepEqual([source!.min_time, source!.max_time], [String(T0 + 7n), String(T0 + 7n)])
  })
})

test('types, names and graphs read no row', () => {
  everywhere(profiles, sources => {
    const answers: Answer<unknown>[] = [
      ask(sources, { kind: 'types', range: all }),
      ask(sources, { kind: 'labels', request: { range: all, profileType: CPU, matchers: [] } }),
      ask(sources, {
        kind: 'range',
        request: { query: CPU, range: all, stepNanos: 0n, sumBy: ['job'], timesPeriod: true },
      }),
    ]
    for (const { stats } of answers) {
      assert.deepEqual([stats.rows, stats.bytes_read, stats.row_groups_read, stats.level], [0, 0, 0, 'raw'])
    }
  })
})

test('a diff reads both of its sides', () => {
  everywhere(profiles, sources => {
    const side = (job: string) => ({ kind: 'merge', query: `${CPU}{job="${job}"}`, range: all }) as const
    const selection = { kind: 'diff', base: side('api'), compare: side('web'), absolute: true } as const
    const { stats: both } = ask(sources, { kind: 'report', request: reportRequest({ selection }) })
    assert.equal(both.rows, stats(sources, side('api').query, all).rows + stats(sources, side('web').query, all).rows)
  })
})
