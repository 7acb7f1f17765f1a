/** Queries against Maps and bigints: random profiles, times, labels and values, wherever they are stored. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type Table, tableFromIPC } from 'apache-arrow'
import fc from 'fast-check'
import { installLz4 } from '../../test/support/arrow.ts'
import {
  ask,
  askMerged,
  CPU,
  HEAP,
  memoryStore,
  type PictureProfile,
  reportRequest,
  SECOND,
  T0,
} from '../../test/support/memory-store.ts'
import { modelPaths, modelTree } from '../../test/support/model-tree.ts'
import { frameText, parseFrame, parseStackLine, type StackLine } from '../../test/support/stacks.ts'
import { stringAt } from '../profile/frames.ts'
import type { RangeSeries, Report } from './engine.ts'
import type { StackTree, Sums } from './result.ts'

before(installLz4)

const RUNS = { seed: 20_261_125, numRuns: 40 }

const frame = fc
  .tuple(fc.constantFrom('a', 'b', 'c', 'd', '0x10', '0x20'), fc.constantFrom('', '@x.go:1', '@x.go:2', '@y.go:1'))
  .map(([name, place]) => (name.startsWith('0x') ? name : name + place))
const stack = fc.array(frame, { maxLength: 6 }).map(frames => (frames.length === 0 ? '-' : frames.join(';')))
const small = fc.bigInt({ min: -50n, max: 1000n })
const huge = fc.bigInt({ min: -(2n ** 58n), max: 2n ** 58n })
const labels = fc.record(
  { job: fc.constantFrom('api', 'web'), pod: fc.constantFrom('1', '2', '3'), 'a.b': fc.constantFrom('x', '') },
  { requiredKeys: [] },
) as fc.Arbitrary<Record<string, string>>
const profile = fc.record<PictureProfile>({
  stacks: fc
    .oneof({ arbitrary: small, weight: 4 }, huge)
    .chain(() => fc.array(fc.tuple(stack, fc.oneof({ arbitrary: small, weight: 6 }, huge)), { maxLength: 8 }))
    .map(samples => samples.map(([s, value]) => `${s} ${value}`)),
  // Three hours around an hour's end; often two at the same moment.
  timeNanos: fc.integer({ min: -60, max: 60 }).map(n => T0 + BigInt(n) * 100n * SECOND + BigInt(n % 3)),
  labels,
  type: fc.constantFrom(CPU, CPU, HEAP),
  durationNanos: fc.constant(10n * SECOND),
  period: fc.constantFrom(0n, 1n, 7n, 10_000_000n),
})
type Placed = readonly [PictureProfile, number]
/** Profiles, each with the number of the source it goes to. */
const placed: fc.Arbitrary<Placed[]> = fc.array(
  fc.tuple(
    profile.map(p => ({ ...p, durationNanos: p.type === HEAP ? 0n : p.durationNanos })),
    fc.nat(4),
  ),
  { maxLength: 14 },
)

function inStore<T>(all: readonly Placed[], asked: (sources: ReturnType<typeof memoryStore>['sources']) => T): T {
  const of = (n: number) => all.filter(([, source]) => source === n).map(([p]) => p)
  const store = memoryStore([of(0), of(1)], [of(2), of(3), of(4)])
  try {
    return asked(store.sources)
  } finally {
    store.close()
  }
}

interface Wanted {
  readonly start: bigint
  readonly end: bigint
  readonly matchers: string
  readonly fits: (labels: Record<string, string>) => boolean
}
const wanted: fc.Arbitrary<Wanted> = fc
  .record({
    a: fc.integer({ min: -65, max: 65 }),
    b: fc.integer({ min: -65, max: 65 }),
    by: fc.constantFrom<[string, Wanted['fits']][]>(
      ['', () => true],
      ['job="api"', l => l['job'] === 'api'],
      ['job!="api"', l => l['job'] !== 'api'],
      ['pod=~"[12]"', l => ['1', '2'].includes(l['pod'] ?? '')],
      ['pod!~"[12]","a.b"=""', l => !['1', '2'].includes(l['pod'] ?? '') && (l['a.b'] ?? '') === ''],
    ),
  })
  .map(({ a, b, by: [matchers, fits] }) => ({
    start: T0 + BigInt(Math.min(a, b)) * 100n * SECOND,
    end: T0 + BigInt(Math.max(a, b)) * 100n * SECOND,
    matchers,
    fits,
  }))

const selected = (all: readonly Placed[], type: string, { start, end, fits }: Wanted): PictureProfile[] =>
  all.map(([p]) => p).filter(p => p.type === type && p.timeNanos >= start && p.timeNanos <= end && fits(p.labels))

const samplesOf = (profiles: readonly PictureProfile[], timesPeriod: boolean): StackLine[] =>
  profiles.flatMap(p =>
    p.stacks.map(parseStackLine).map(({ stack, value }) => ({
      stack,
      value: timesPeriod && p.period !== 0n ? value * p.period : value,
    })),
  )

const nameOf = (text: string): string => {
  const { name, address } = parseFrame(text)
  return name === '' ? `0x${address.toString(16)}` : name
}

const sorted = (map: Map<string, string>): [string, string][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1))

/** The name of a node's function, of whatever places its frames were. */
const functionOf =
  ({ frames, strings, frame }: StackTree) =>
  (node: number): string => {
    const f = frame[node]!
    return frames.functionName[f]! < 0
      ? `0x${frames.address[f]!.toString(16)}`
      : stringAt(strings, frames.functionName[f]!)
  }
const frameOf = (tree: StackTree) => (node: number) => frameText(tree, tree.frame[node]!)

const valueAt = ({ lo, hi }: Sums, i: number): bigint =>
  hi === null ? BigInt(lo[i]!) : (BigInt(hi[i]!) << 32n) + BigInt(lo[i]!)

/** Path → total and self, what comes to nothing left out. */
function pathsOf(tree: StackTree, sums: Sums, label: (node: number) => string): [string, string][] {
  const path = ['']
  const total = Array.from({ length: tree.length }, (_, i) => valueAt(sums, i))
  for (let i = 1; i < tree.length; i++) {
    assert(tree.parent[i]! < i)
    path[i] = `${path[tree.parent[i]!]};${label(i)}`
  }
  assert.equal(new Set(path).size, tree.length, 'siblings are distinct')
  for (let i = tree.length - 1; i > 0; i--) total[tree.parent[i]!]! += total[i]!
  const out = new Map<string, string>()
  for (const [i, p] of path.entries()) {
    const self = valueAt(sums, i)
    if (total[i] !== 0n || self !== 0n) out.set(p, `${total[i]} ${self}`)
  }
  return sorted(out)
}

for (const level of ['function', 'frame'] as const) {
  test(`a merge of ${level}s is the tree of Maps`, () => {
    fc.assert(
      fc.property(placed, wanted, fc.boolean(), (all, want, timesPeriod) => {
        inStore(all, sources => {
          const selection = { kind: 'merge', query: `{__name__="${CPU}",${want.matchers}}`, range: want } as const
          const { tree, profiles } = askMerged(sources, level, { selection, timesPeriod })
          const chosen = selected(all, CPU, want)
          const model = modelTree(samplesOf(chosen, timesPeriod), level === 'function' ? nameOf : f => f)
          const label = level === 'function' ? functionOf(tree) : frameOf(tree)
          assert.deepEqual(pathsOf(tree, tree.self, label), sorted(modelPaths(model)))
          assert(profiles <= chosen.length && profiles > 0 === chosen.length > 0)
        })
      }),
      RUNS,
    )
  })
}

test('a diff has the trees of both its sides', () => {
  fc.assert(
    fc.property(placed, wanted, wanted, fc.boolean(), (all, a, b, timesPeriod) => {
      inStore(all, sources => {
        const side = (w: Wanted) => ({ kind: 'merge', query: `{__name__="${CPU}",${w.matchers}}`, range: w }) as const
        const selection = { kind: 'diff', base: side(a), compare: side(b), absolute: true } as const
        const { tree } = askMerged(sources, 'frame', { selection, timesPeriod })
        const label = frameOf(tree)
        for (const [sums, w] of [
          [tree.self, b],
          [tree.baseSelf!, a],
        ] as const) {
          const model = modelTree(samplesOf(selected(all, CPU, w), timesPeriod))
          assert.deepEqual(pathsOf(tree, sums, label), sorted(modelPaths(model)))
        }
      })
    }),
    RUNS,
  )
})

test('the groups of a merge add up to the whole, each the tree of its own profiles', () => {
  fc.assert(
    fc.property(placed, wanted, fc.subarray(['job', 'pod', 'a.b', 'none'], { minLength: 1 }), (all, want, by) => {
      inStore(all, sources => {
        const selection = { kind: 'merge', query: `{__name__="${CPU}",${want.matchers}}`, range: want } as const
        const { groups } = askMerged(sources, 'function', { selection, groupBy: by.map(l => `labels.${l}`) })
        const keyOf = (l: Record<string, string>): string => by.map(n => `${n}=${l[n] ?? ''}`).join()
        const parts = Map.groupBy(selected(all, CPU, want), p => keyOf(p.labels))
        assert.equal(groups.length, parts.size)
        for (const { labels, tree } of groups) {
          const key = keyOf(Object.fromEntries(labels.map(l => [l.name, l.value])))
          const model = modelTree(samplesOf(parts.get(key)!, false), nameOf)
          assert.deepEqual(pathsOf(tree, tree.self, functionOf(tree)), sorted(modelPaths(model)))
        }
      })
    }),
    RUNS,
  )
})

test('the order of the sources changes nothing', () => {
  fc.assert(
    fc.property(placed, wanted, fc.boolean(), (all, want, timesPeriod) => {
      inStore(all, sources => {
        const selection = { kind: 'merge', query: `{__name__="${CPU}",${want.matchers}}`, range: want } as const
        const asked = (order: typeof sources) => {
          const { tree, groups, ...rest } = askMerged(order, 'frame', {
            selection,
            timesPeriod,
            groupBy: ['labels.pod'],
          })
          return {
            ...rest,
            period: 0n,
            paths: pathsOf(tree, tree.self, frameOf(tree)),
            groups: groups.length,
          }
        }
        assert.deepEqual(asked(sources.toReversed()), asked(sources))
        const range = (order: typeof sources, type: string) => {
          const request = { query: type, range: want, stepNanos: 1000n * SECOND, sumBy: ['pod'], timesPeriod: false }
          try {
            const { value } = ask<RangeSeries[]>(order, { kind: 'range', request })
            return value
          } catch (error) {
            return (error as Error).message
          }
        }
        for (const type of [CPU, HEAP]) assert.deepEqual(range(sources.toReversed(), type), range(sources, type))
      })
    }),
    RUNS,
  )
})

/** Series text → time → value, as a graph of delta profiles has them. */
function modelRange(profiles: readonly PictureProfile[], step: bigint, by: readonly string[], timesPeriod: boolean) {
  const series = new Map<string, Map<bigint, bigint>>()
  for (const p of profiles) {
    const key = by.map(n => `${n}=${p.labels[n] ?? ''}`).join()
    const points = series.get(key) ?? new Map<bigint, bigint>()
    series.set(key, points)
    const time = (p.timeNanos / step) * step
    const value = samplesOf([p], timesPeriod).reduce((n, s) => n + s.value, 0n)
    points.set(time, (points.get(time) ?? 0n) + value)
  }
  return series
}

test('the points of a graph are the totals of merges over their steps', () => {
  const step = fc.constantFrom(SECOND, 7n * SECOND, 100n * SECOND, 3600n * SECOND, 250_000_001n)
  const some = fc.subarray(['job', 'pod', 'a.b'])
  fc.assert(
    fc.property(placed, wanted, step, some, fc.boolean(), (all, want, stepNanos, sumBy, timesPeriod) => {
      const model = modelRange(selected(all, CPU, want), stepNanos, sumBy, timesPeriod)
      const leaves = [...model.values()].flatMap(points => [...points.values()]).some(v => BigInt.asIntN(64, v) !== v)
      inStore(all, sources => {
        const query = `{__name__="${CPU}",${want.matchers}}`
        const request = { query, range: want, stepNanos, sumBy, timesPeriod }
        const asked = () => ask<RangeSeries[]>(sources, { kind: 'range', request }).value
        if (model.size === 0) return assert.throws(asked, { code: 'not_found' })
        if (leaves) return assert.throws(asked, { code: 'out_of_range' })
        const got = new Map(
          asked().map(({ labels, points }) => [
            sumBy.map(n => `${n}=${labels.find(l => l.name === n)?.value ?? ''}`).join(),
            points.map(p => [p.timeNanos, p.value]),
          ]),
        )
        assert.deepEqual(
          got,
          new Map([...model].map(([key, points]) => [key, [...points].sort(([a], [b]) => (a < b ? -1 : 1))])),
        )
        const total = [...model.values()].flatMap(p => [...p.values()]).reduce((n, v) => n + v, 0n)
        const { tree } = askMerged(sources, 'function', {
          selection: { kind: 'merge', query, range: want },
          timesPeriod,
        })
        let merged = 0n
        for (let i = 0; i < tree.length; i++) merged += valueAt(tree.self, i)
        assert.equal(merged, total)
      })
    }),
    RUNS,
  )
})

test('a graph of a point type has the last total of every series and step', () => {
  fc.assert(
    fc.property(placed, wanted, (all, want) => {
      const stepNanos = 1000n * SECOND
      const model = new Map<string, { time: bigint; value: bigint; moments: Set<bigint> }>()
      for (const p of selected(all, HEAP, want)) {
        const series = ['a.b', 'job', 'pod'].map(n => `${n}=${p.labels[n] ?? ''}`).join()
        const key = `${series} ${p.timeNanos / stepNanos}`
        const value = samplesOf([p], false).reduce((n, s) => n + s.value, 0n)
        const known = model.get(key)
        const moments = (known?.moments ?? new Set<bigint>()).add(p.timeNanos)
        if (known === undefined || known.time < p.timeNanos) model.set(key, { time: p.timeNanos, value, moments })
        else if (known.time === p.timeNanos) known.value += value
      }
      if ([...model.values()].some(({ value }) => BigInt.asIntN(64, value) !== value)) return
      inStore(all, sources => {
        const query = `{__name__="${HEAP}",${want.matchers}}`
        const request = { query, range: want, stepNanos, sumBy: [], timesPeriod: true }
        const asked = () => ask<RangeSeries[]>(sources, { kind: 'range', request }).value
        if (model.size === 0) return assert.throws(asked, { code: 'not_found' })
        const got = asked().flatMap(({ labels, points }) => {
          const series = ['a.b', 'job', 'pod'].map(n => `${n}=${labels.find(l => l.name === n)?.value ?? ''}`).join()
          return points.map(p => [`${series} ${p.timeNanos / stepNanos}`, [p.timeNanos, p.value, p.count]] as const)
        })
        assert.deepEqual(new Map(got), new Map([...model].map(([key, m]) => [key, [m.time, m.value, m.moments.size]])))
      })
    }),
    RUNS,
  )
})

/** Path → two of the columns, where one is not 0. */
function arrowPaths(table: Table, [name, first, second]: readonly [string, string, string]): [string, string][] {
  const out = new Map<string, string>()
  const path: string[] = []
  for (let r = 0; r < table.numRows; r++) {
    const parent = table.getChild('parent')!.get(r) as number
    const raw = table.getChild(name)!.get(r) as string | Uint8Array | null
    const address = table.getChild(name === 'name' ? 'address' : 'location_address')!.get(r) as bigint
    const text =
      raw === null ? `0x${address.toString(16)}` : typeof raw === 'string' ? raw : Buffer.from(raw).toString()
    path[r] = parent < 0 ? '' : `${path[parent]};${text}`
    const values = [first, second].map(c => BigInt(table.getChild(c)!.get(r)))
    if (values.some(v => v !== 0n)) out.set(path[r]!, values.join(' '))
  }
  return sorted(out)
}

test('the bytes of both flame graphs decode to the tree of Maps', () => {
  fc.assert(
    fc.property(placed, wanted, (all, want) => {
      const lines = samplesOf(selected(all, CPU, want), false)
      const named = lines.map(l => ({ ...l, stack: l.stack.length === 0 ? ['[no stack]'] : l.stack }))
      const paths = sorted(modelPaths(modelTree(named, nameOf)))
      if (paths.some(([, values]) => values.split(' ').some(v => BigInt.asIntN(64, BigInt(v)) !== BigInt(v)))) return
      inStore(all, sources => {
        const selection = { kind: 'merge', query: `{__name__="${CPU}",${want.matchers}}`, range: want } as const
        for (const [report, columns] of [
          ['web_flamegraph', ['name', 'total', 'self']],
          ['flamegraph_arrow', ['function_name', 'cumulative', 'flat']],
        ] as const) {
          const { value } = ask<Report>(sources, { kind: 'report', request: reportRequest({ selection, report }) })
          assert(value.body.kind === report)
          assert.deepEqual(arrowPaths(tableFromIPC(value.body.record), columns), paths)
        }
      })
    }),
    RUNS,
  )
})
