/** What a thread keeps from query to query must never show in an answer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appendWrites, createHead, headCounts, viewHead } from '../../frostdb/head/head.ts'
import { headSource, type SeriesCache } from '../../frostdb/scan/head-source.ts'
import { noReads, type Source } from '../../frostdb/scan/source.ts'
import { CPU, memoryStore, profileOf, reportRequest, SECOND, T0, writeOf } from '../../test/support/memory-store.ts'
import { formatTree, lines } from '../../test/support/stacks.ts'
import type { Report } from './engine.ts'
import { createExecutor, type Executor } from './execute.ts'
import type { Merged } from './result.ts'

const range = { start: T0, end: T0 + 1000n * SECOND }

function executorOf(level: 'function' | 'frame', monotonic = () => 0): Executor {
  const report = (merged: Merged) => merged as unknown as Report
  return createExecutor({ needsFrames: () => level === 'frame', report }, monotonic)
}

function treeOf(executor: Executor, sources: readonly Source[], query = CPU): string {
  const request = reportRequest({ selection: { kind: 'merge', query, range } })
  const { value } = executor.execute({ kind: 'report', request }, sources, noReads(), 0)
  return formatTree((value as Merged).tree).replace(/ +total/g, ' total')
}

for (const level of ['function', 'frame'] as const) {
  test(`a head that grows between queries is read to its new end, by ${level}`, () => {
    const executor = executorOf(level)
    const head = createHead(2_000_000, { keepAddresses: false })
    const cache: SeriesCache = new Map()
    const view = () => headSource(viewHead(head, headCounts(head)), cache)
    const write = (second: number, ...stacks: string[]) =>
      appendWrites(head, [
        writeOf(profileOf(stacks, { timeNanos: T0 + BigInt(second) * SECOND, labels: { at: String(second) } })),
      ])
    write(0, 'main;a 1')
    const early = view()
    assert.equal(
      treeOf(executor, [early]),
      lines('root total 1  self 0', '  main total 1  self 0', '    a total 1  self 1'),
    )
    write(1, 'main;b 2', 'x 4')
    assert.equal(
      treeOf(executor, [view()]),
      lines(
        'root total 7  self 0',
        '  main total 3  self 0',
        '    a total 1  self 1',
        '    b total 2  self 2',
        '  x total 4  self 4',
      ),
    )
    assert.equal(treeOf(executor, [view()], `${CPU}{at="1"}`).split('\n')[0], 'root total 6  self 0')
    // A view from before still shows what it showed.
    assert.equal(
      treeOf(executor, [early]),
      lines('root total 1  self 0', '  main total 1  self 0', '    a total 1  self 1'),
    )
  })

  test(`sources come, go and come back, by ${level}`, () => {
    const executor = executorOf(level)
    const one = memoryStore([[profileOf(['main;a 1', 'z 2'])]], [])
    const two = memoryStore([], [[profileOf(['q;main 4', 'main;a 8', 'z 16'])]])
    const both = lines(
      'root total 31  self 0',
      '  main total 9  self 0',
      '    a total 9  self 9',
      '  q total 4  self 0',
      '    main total 4  self 4',
      '  z total 18  self 18',
    )
    const onlyOne = lines(
      'root total 3  self 0',
      '  main total 1  self 0',
      '    a total 1  self 1',
      '  z total 2  self 2',
    )
    assert.equal(treeOf(executor, one.sources), onlyOne)
    assert.equal(treeOf(executor, [...two.sources, ...one.sources]), both)
    assert.equal(treeOf(executor, []), 'root total 0  self 0')
    assert.equal(treeOf(executor, [...one.sources, ...two.sources]), both)
    assert.equal(treeOf(executor, one.sources), onlyOne)
    one.close()
    two.close()
  })
}

test('an answer says how long it took, from when the question came', () => {
  const executor = executorOf('function', () => 1234.5678)
  const { stats } = executor.execute({ kind: 'types', range: null }, [], { ...noReads(), cacheHits: 3 }, 1000)
  assert.deepEqual(stats, {
    blocks: 0,
    row_groups_read: 0,
    row_groups_skipped: 0,
    bytes_read: 0,
    bytes_skipped: 0,
    requests: 0,
    cache_hits: 3,
    rows: 0,
    ms: 234.568,
    level: 'raw',
  })
})
