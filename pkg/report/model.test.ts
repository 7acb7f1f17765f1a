/** The reports against a tree of Maps and bigints, on random stacks. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type Table, tableFromIPC } from 'apache-arrow'
import fc from 'fast-check'
import { installLz4 } from '../../test/support/arrow.ts'
import { type ModelNode, modelPaths, modelTree } from '../../test/support/model-tree.ts'
import { buildTree, type Level, mergedOf, parseFrame, type StackLine } from '../../test/support/stacks.ts'
import type { ReportKind, ReportRequest } from '../query/engine.ts'
import type { StackTree } from '../query/result.ts'
import { report } from './report.ts'
import { scale, sumAt, sumOf, totals } from './sums.ts'

before(installLz4)

const frameText = fc
  .tuple(fc.constantFrom('a', 'b', 'c', 'd', '0x10', '0x20'), fc.constantFrom('', '@x.go:1', '@x.go:2', '@y.go:1'))
  .map(([name, place]) => (name.startsWith('0x') ? name : name + place))
const stack = fc.array(frameText, { maxLength: 7 })
const small = fc.bigInt({ min: -50n, max: 1000n })
const huge = fc.bigInt({ min: -(2n ** 57n), max: 2n ** 57n }) // 50 of them stay within int64
const samplesOf = (value: fc.Arbitrary<bigint>): fc.Arbitrary<StackLine[]> =>
  fc.array(fc.record({ stack, value }), { maxLength: 25 })
const samples = fc.oneof(samplesOf(small), samplesOf(huge))
const positive = fc.oneof(
  samplesOf(fc.bigInt({ min: 0n, max: 1000n })),
  samplesOf(fc.bigInt({ min: 0n, max: 2n ** 57n })),
)

const nameOf = (frame: string): string => {
  const { name, address } = parseFrame(frame)
  return name === '' ? `0x${address.toString(16)}` : name
}
const withNoStack = (lines: readonly StackLine[]): StackLine[] =>
  lines.map(({ stack, value }) => ({ stack: stack.length === 0 ? ['[no stack]'] : stack, value }))

const merge = { kind: 'merge', query: '', range: { start: 0n, end: 1n } } as const

function request(kind: ReportKind, options: Partial<ReportRequest> = {}): ReportRequest {
  return {
    selection: { kind: 'diff', base: merge, compare: merge, absolute: true },
    report: kind,
    timesPeriod: false,
    trimPercent: 0,
    groupBy: [],
    invert: false,
    filters: [],
    sandwichFunction: null,
    ...options,
  }
}

function rowsOf(tree: StackTree, kind: 'flamegraph_arrow' | 'web_flamegraph', options?: Partial<ReportRequest>): Table {
  const { body } = report(mergedOf(tree), request(kind, options))
  assert(body.kind === kind)
  return tableFromIPC(body.record)
}

/** Path → two of the columns, where one is not 0. */
function paths(table: Table, name: string, first: string, second: string): Map<string, string> {
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
  return out
}

const sorted = (map: Map<string, string>): [string, string][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1))

for (const level of ['frame', 'function'] as const satisfies Level[]) {
  const flat = (lines: StackLine[]): StackLine[] =>
    level === 'frame' ? lines : lines.map(({ stack, value }) => ({ stack: stack.map(nameOf), value }))

  test(`both flame graphs are the tree of Maps, from a tree of ${level}s`, () => {
    fc.assert(
      fc.property(samples, lines => {
        const tree = buildTree(flat(lines), null, level)
        const want = sorted(modelPaths(modelTree(withNoStack(lines), nameOf)))
        assert.deepEqual(sorted(paths(rowsOf(tree, 'web_flamegraph'), 'name', 'total', 'self')), want)
        assert.deepEqual(sorted(paths(rowsOf(tree, 'flamegraph_arrow'), 'function_name', 'cumulative', 'flat')), want)
      }),
      { numRuns: 150 },
    )
  })
}

test('inverted, it is the tree of the reversed stacks', () => {
  fc.assert(
    fc.property(samples, lines => {
      const reversed = lines.map(({ stack, value }) => ({ stack: stack.toReversed(), value }))
      assert.deepEqual(
        sorted(
          paths(rowsOf(buildTree(lines, null, 'frame'), 'web_flamegraph', { invert: true }), 'name', 'total', 'self'),
        ),
        sorted(modelPaths(modelTree(withNoStack(reversed), nameOf))),
      )
    }),
    { numRuns: 100 },
  )
})

test('a diff with itself is nothing; swapping its sides turns the sign', () => {
  const diffs = (base: StackLine[], compare: StackLine[], absolute: boolean): Map<string, string> => {
    const selection = { kind: 'diff', base: merge, compare: merge, absolute } as const
    const table = rowsOf(buildTree(compare, base, 'frame'), 'flamegraph_arrow', { selection })
    return new Map([...paths(table, 'function_name', 'diff', 'diff')].map(([path, v]) => [path, v.split(' ')[0]!]))
  }
  fc.assert(
    fc.property(positive, positive, fc.boolean(), (a, b, absolute) => {
      assert.equal(diffs(a, a, absolute).size, 0)
      const turned = new Map([...diffs(b, a, absolute)].map(([path, v]) => [path, String(-BigInt(v))]))
      // Rounding goes along the tree, whose order is that of the compare side first: by at most one for each node.
      const forth = diffs(a, b, absolute)
      for (const path of new Set([...forth.keys(), ...turned.keys()])) {
        const off = BigInt(forth.get(path) ?? 0) - BigInt(turned.get(path) ?? 0)
        assert(absolute ? off === 0n : off >= -64n && off <= 64n, `${path}: ${off}`)
      }
    }),
    { numRuns: 100 },
  )
})

test('trimming loses no value: what goes is counted, what stays is as it was', () => {
  fc.assert(
    fc.property(
      samplesOf(fc.bigInt({ min: 1n, max: 1000n })),
      fc.integer({ min: 1, max: 60 }),
      (lines, trimPercent) => {
        const tree = buildTree(lines, null, 'frame')
        const { body } = report(mergedOf(tree), request('flamegraph_arrow', { trimPercent }))
        assert(body.kind === 'flamegraph_arrow')
        const table = tableFromIPC(body.record)
        const at = (column: string, r: number): bigint => BigInt(table.getChild(column)!.get(r))
        let flat = 0n
        const children = new Map<number, bigint>()
        for (let r = 0; r < table.numRows; r++) {
          flat += at('flat', r)
          const parent = Number(at('parent', r))
          children.set(parent, (children.get(parent) ?? 0n) + at('cumulative', r))
        }
        assert.equal(flat + body.trimmed, sumOf(tree.self))
        assert.equal(at('cumulative', 0), children.get(0) ?? 0n)
        const whole = modelPaths(modelTree(withNoStack(lines), nameOf))
        for (const [path, values] of paths(table, 'function_name', 'cumulative', 'flat')) {
          if (path !== '') assert.equal(values, whole.get(path))
        }
      },
    ),
    { numRuns: 100 },
  )
})

test('the parts of a partition sum up to the whole', () => {
  fc.assert(
    fc.property(samples, samples, (a, b) => {
      const part = (lines: StackLine[]): Map<string, string> =>
        paths(rowsOf(buildTree(lines, null, 'frame'), 'web_flamegraph'), 'name', 'total', 'self')
      const sum = new Map<string, string>()
      for (const map of [part(a), part(b)]) {
        for (const [path, values] of map) {
          const [t = 0n, s = 0n] = values.split(' ').map(BigInt)
          const [u = 0n, v = 0n] = (sum.get(path) ?? '0 0').split(' ').map(BigInt)
          sum.set(path, `${t + u} ${s + v}`)
        }
      }
      const nonZero = new Map([...sum].filter(([, values]) => values !== '0 0'))
      assert.deepEqual(sorted(part([...a, ...b])), sorted(nonZero))
    }),
    { numRuns: 100 },
  )
})

test('rows of functions: every sample once for each function of its stack', () => {
  fc.assert(
    fc.property(samples, lines => {
      const { body } = report(mergedOf(buildTree(lines, null, 'frame')), request('top'))
      assert(body.kind === 'top')
      const want = new Map<string, { cumulative: bigint; flat: bigint }>()
      for (const { stack, value } of withNoStack(lines)) {
        const names = stack.map(nameOf)
        for (const name of new Set(names)) {
          const row = want.get(name) ?? { cumulative: 0n, flat: 0n }
          row.cumulative += value
          if (names.at(-1) === name) row.flat += value
          want.set(name, row)
        }
      }
      const got = body.rows.map(r => [r.functionName || `0x${r.address.toString(16)}`, r.cumulative, r.flat] as const)
      const rows = [...want].map(([name, r]) => [name, r.cumulative, r.flat] as const)
      const isThere = ([, c, f]: readonly [string, bigint, bigint]): boolean => c !== 0n || f !== 0n
      const byName = (a: readonly unknown[], b: readonly unknown[]): number => (a[0]! < b[0]! ? -1 : 1)
      assert.deepEqual(got.filter(isThere).sort(byName), rows.filter(isThere).sort(byName))
    }),
    { numRuns: 100 },
  )
})

test('sums are exact at any size', () => {
  const walk = (node: ModelNode): bigint[] => [node.total, ...[...node.children.values()].flatMap(walk)]
  fc.assert(
    fc.property(samplesOf(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), lines => {
      const tree = buildTree(lines, null, 'frame')
      const got = totals(tree, tree.self)
      const byValue = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)
      assert.deepEqual(
        Array.from({ length: tree.length }, (_, i) => sumAt(got, i)).sort(byValue),
        walk(modelTree(lines)).sort(byValue),
      )
    }),
    { numRuns: 100 },
  )
})

test('scaled sums come to the total asked for, none off by more than one', () => {
  fc.assert(
    fc.property(samples, fc.bigInt({ min: 1n, max: 2n ** 61n }), (lines, to) => {
      const { self, length } = buildTree(lines, null, 'frame')
      const total = sumOf(self)
      fc.pre(total > 0n && to >= total)
      const scaled = scale(self, total, to)
      assert.equal(sumOf(scaled), to)
      for (let i = 0; i < length; i++) {
        const exact = (sumAt(self, i) * to) / total
        const off = sumAt(scaled, i) - exact
        assert(off >= -2n && off <= 2n, `${sumAt(scaled, i)} for ${exact}`)
      }
    }),
    { numRuns: 200 },
  )
})
