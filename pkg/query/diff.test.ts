import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  askMerged,
  CPU,
  everywhere,
  HEAP,
  memoryStore,
  NANOS,
  profileOf,
  SECOND,
  T0,
} from '../../test/support/memory-store.ts'
import { formatTree, lines } from '../../test/support/stacks.ts'
import type { DiffSelection, MergeSelection, SingleSelection } from './engine.ts'
import type { StackTree } from './result.ts'

type Side = MergeSelection | SingleSelection
const all = { start: T0, end: T0 + 100n * SECOND }
const of = (query: string, range = all): MergeSelection => ({ kind: 'merge', query, range })
const diff = (base: Side, compare: Side): DiffSelection => ({ kind: 'diff', base, compare, absolute: true })

const plain = (picture: string): string => picture.replace(/ +total/g, ' total')
const sameTree = (tree: StackTree, ...want: string[]): void =>
  assert.equal(plain(formatTree(tree)), plain(lines(...want)))

const profiles = [
  profileOf(['main;read 3', 'main;gc 1'], { labels: { job: 'api' } }),
  profileOf(['main;read 5', 'main;write 2', '- 1'], { labels: { job: 'web' } }),
  profileOf(['main;read 10'], { labels: { job: 'api' }, timeNanos: T0 + 10n * SECOND }),
  profileOf(['main;write 20', 'main;read -1'], { labels: { job: 'web' }, timeNanos: T0 + 10n * SECOND }),
]

test('a diff has the sums of both sides in one tree', () => {
  everywhere(profiles, sources => {
    const selection = diff(of(`${CPU}{job="api"}`), of(`${CPU}{job="web"}`))
    const merged = askMerged(sources, 'function', { selection })
    sameTree(
      merged.tree,
      'root       total 27  self 1  base 14 0',
      '  main     total 26  self 0  base 14 0',
      '    gc     total 0  self 0  base 1 1',
      '    read   total 4  self 4  base 13 13',
      '    write  total 22  self 22  base 0 0',
    )
    assert.equal(merged.profiles, 4)
    sameTree(
      askMerged(sources, 'frame', { selection: diff(selection.compare, selection.base) }).tree,
      'root       total 14  self 0  base 27 1',
      '  main     total 14  self 0  base 26 0',
      '    gc     total 1  self 1  base 0 0',
      '    read   total 13  self 13  base 4 4',
      '    write  total 0  self 0  base 22 22',
    )
  })
})

test('a side may be one profile, and must then be there', () => {
  const at: SingleSelection = { kind: 'single', query: `${CPU}{job="web"}`, timeMs: Number(T0 / 1_000_000n) }
  everywhere(profiles, sources => {
    sameTree(
      askMerged(sources, 'function', { selection: diff(at, of(`${CPU}{job="api"}`, { start: T0, end: T0 })) }).tree,
      'root       total 4  self 0  base 8 1',
      '  main     total 4  self 0  base 7 0',
      '    gc     total 1  self 1  base 0 0',
      '    read   total 3  self 3  base 5 5',
      '    write  total 0  self 0  base 2 2',
    )
    for (const selection of [diff({ ...at, timeMs: 5 }, of(CPU)), diff(of(CPU), { ...at, timeMs: 5 })]) {
      assert.throws(() => askMerged(sources, 'function', { selection }), { code: 'not_found' })
    }
  })
})

test('a side of nothing is zero everywhere', () => {
  everywhere(profiles, sources => {
    const some = of(`${CPU}{job="api"}`, { start: T0, end: T0 })
    const none = of(`${CPU}{job="none"}`)
    sameTree(
      askMerged(sources, 'function', { selection: diff(none, some) }).tree,
      'root      total 4  self 0  base 0 0',
      '  main    total 4  self 0  base 0 0',
      '    gc    total 1  self 1  base 0 0',
      '    read  total 3  self 3  base 0 0',
    )
    sameTree(askMerged(sources, 'function', { selection: diff(none, none) }).tree, 'root  total 0  self 0  base 0 0')
  })
})

test('the sides may lie in sources that number everything differently', () => {
  const early = [profileOf(['x;y;z 1', 'main;read 2', 'q 3', 'main;gc 4'])]
  const late = [profileOf(['main;gc 10', 'main;read 20', 'a;b;c;d 30'], { timeNanos: T0 + 50n * SECOND })]
  const want = [
    'root       total 60  self 0  base 10 0',
    '  a        total 30  self 0  base 0 0',
    '    b      total 30  self 0  base 0 0',
    '      c    total 30  self 0  base 0 0',
    '        d  total 30  self 30  base 0 0',
    '  main     total 30  self 0  base 6 0',
    '    gc     total 10  self 10  base 4 4',
    '    read   total 20  self 20  base 2 2',
    '  q        total 0  self 0  base 3 3',
    '  x        total 0  self 0  base 1 0',
    '    y      total 0  self 0  base 1 0',
    '      z    total 0  self 0  base 1 1',
  ]
  const selection = diff(of(CPU, { start: T0, end: T0 }), of(CPU, { start: T0 + SECOND, end: T0 + 99n * SECOND }))
  for (const store of [
    memoryStore([early], [late]),
    memoryStore([late], [early]),
    memoryStore([early, late], []),
    memoryStore([], [late, early]),
  ]) {
    for (const level of ['function', 'frame'] as const) {
      sameTree(askMerged(store.sources, level, { selection }).tree, ...want)
    }
    store.close()
  }
})

test('each side is multiplied by its own periods; a wide side widens both', () => {
  const big = 2n ** 61n
  const cpu = [
    profileOf([`a ${big}`, 'b 1'], { period: 4n }),
    profileOf(['a 3', 'b -5'], { period: 7n, timeNanos: T0 + 20n * SECOND }),
  ]
  const selection = diff(of(CPU, { start: T0, end: T0 }), of(CPU, { start: T0 + 1n, end: all.end }))
  everywhere(cpu, sources => {
    sameTree(
      askMerged(sources, 'function', { selection, timesPeriod: true }).tree,
      `root  total -14  self 0  base ${big * 4n + 4n} 0`,
      `  a   total 21  self 21  base ${big * 4n} ${big * 4n}`,
      '  b   total -35  self -35  base 4 4',
    )
  })
})

test('two profile types of one unit can be compared, others not', () => {
  const two = [
    profileOf(['a 3'], { period: 10n }),
    profileOf(['a 25'], { type: NANOS }),
    profileOf(['a 1'], { type: HEAP }),
  ]
  everywhere(two, sources => {
    const merged = askMerged(sources, 'function', { selection: diff(of(NANOS), of(CPU)), timesPeriod: true })
    sameTree(merged.tree, 'root  total 30  self 0  base 25 0', '  a   total 30  self 30  base 25 25')
    assert.deepEqual(merged.valueType, { type: 'cpu', unit: 'nanoseconds' })
    for (const [base, compare, timesPeriod, message] of [
      [NANOS, CPU, false, /"nanoseconds" and "count"/],
      [CPU, HEAP, true, /"nanoseconds" and "bytes"/],
    ] as const) {
      assert.throws(() => askMerged(sources, 'function', { selection: diff(of(base), of(compare)), timesPeriod }), {
        code: 'invalid_argument',
        message,
      })
    }
  })
})
