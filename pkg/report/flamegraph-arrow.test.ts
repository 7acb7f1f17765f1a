import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { tableFromIPC as flechette } from '@uwdata/flechette'
import { type Table, tableFromIPC } from 'apache-arrow'
import { installLz4 } from '../../test/support/arrow.ts'
import { buildTree, diffTree, lines, stackTree } from '../../test/support/stacks.ts'
import type { StackTree } from '../query/result.ts'
import { flamegraphArrow } from './flamegraph-arrow.ts'
import { groupTrees, withNoStack } from './groups.ts'

before(installLz4)

const text = (v: unknown): string =>
  v === null ? 'null' : v instanceof Uint8Array ? Buffer.from(v).toString() : String(v)

/** The rows of an answer, one a line: row, parent, depth, name, then the numbers. */
function picture(record: Uint8Array, ...columns: string[]): string {
  const table = tableFromIPC(record)
  return Array.from({ length: table.numRows }, (_, r) =>
    ['parent', 'function_name', ...columns].map(c => {
      const v = table.getChild(c)!.get(r)
      return v !== null && typeof v === 'object' && 'toJSON' in v ? `[${Array.from(v as Iterable<number>)}]` : text(v)
    }),
  )
    .map((cells, r) => `${r} ← ${cells.join(' ')}`)
    .join('\n')
}

const types = (table: Table): string[] =>
  table.schema.fields.map(f => `${f.name} ${f.type}${f.nullable ? ' nullable' : ''}`)

test('columns, their order and types', () => {
  const { record } = flamegraphArrow(stackTree(['main;serve 3', 'main;gc 1']), null, 0)
  assert.deepEqual(types(tableFromIPC(record)), [
    'labels_only Bool',
    'location_address Uint64',
    'mapping_file Dictionary<Uint8, Binary>',
    'mapping_build_id Dictionary<Uint8, Binary>',
    'location_line Uint8',
    'inlined Bool nullable',
    'function_startline Uint8',
    'function_name Dictionary<Uint8, Binary>',
    'function_system_name Dictionary<Uint8, Binary>',
    'function_file_name Dictionary<Uint8, Binary>',
    'children List<Uint32>',
    'parent Int32',
    'cumulative Uint8',
    'flat Uint8',
    'diff Int8',
    'timestamp Int64',
    'depth Uint8',
    'value_offset Uint8',
  ])
})

test('rows are breadth first, siblings by cumulative and then by name', () => {
  const tree = stackTree(['main;serve;read 3', 'main;b 1', 'main;serve;write 300', 'main;a 1', 'main 2'])
  const { record, height, trimmed } = flamegraphArrow(tree, null, 0)
  assert.equal(
    picture(record, 'children', 'cumulative', 'flat', 'depth', 'value_offset'),
    lines(
      '0 ← -1 null [1] 307 0 0 0',
      '1 ← 0 main [2,3,4] 307 2 1 0',
      '2 ← 1 serve [5,6] 303 0 2 0',
      '3 ← 1 a null 1 1 2 303',
      '4 ← 1 b null 1 1 2 304',
      '5 ← 2 write null 300 300 3 0',
      '6 ← 2 read null 3 3 3 300',
    ),
  )
  assert.equal(height, 4)
  assert.equal(trimmed, 0n)
})

test('an empty tree is its root', () => {
  const { record, height } = flamegraphArrow(stackTree([]), null, 0)
  assert.equal(picture(record, 'children', 'cumulative', 'location_address'), '0 ← -1 null null 0 0')
  assert.equal(height, 1)
  assert.equal(flechette(record).numRows, 1)
})

test('a child goes when it has no more than its share of the parent', () => {
  const tree = stackTree(['main;serve;read 10', 'main;serve;write 90', 'main;gc 9', 'init 1'])
  const { record, trimmed } = flamegraphArrow(tree, null, 10)
  assert.equal(
    picture(record, 'cumulative', 'flat'),
    lines('0 ← -1 null 109 0', '1 ← 0 main 109 0', '2 ← 1 serve 100 0', '3 ← 2 write 90 90'),
  )
  assert.equal(trimmed, 10n + 9n + 1n)
})

test('what vanished stays visible in a diff, and trims by what it was', () => {
  const tree = diffTree(['main;old;deep 50', 'main;old;tiny 1', 'main;same 50'], ['main;new 50', 'main;same 50'])
  const { record } = flamegraphArrow(tree, null, 5)
  assert.equal(
    picture(record, 'cumulative', 'flat', 'diff'),
    lines(
      '0 ← -1 null 100 0 -1',
      '1 ← 0 main 100 0 -1',
      '2 ← 1 new 50 50 50',
      '3 ← 1 same 50 50 0',
      '4 ← 1 old 0 0 -51',
      '5 ← 4 deep 0 0 -50',
    ),
  )
})

test('negative values are signed and trim by their size', () => {
  const { record } = flamegraphArrow(stackTree(['main;freed -200', 'main;held 100', 'main;dust -1']), null, 1)
  assert.equal(
    picture(record, 'cumulative', 'flat'),
    lines('0 ← -1 null -101 0', '1 ← 0 main -101 0', '2 ← 1 held 100 100', '3 ← 1 freed -200 -200'),
  )
  assert.match(types(tableFromIPC(record)).join(), /cumulative Int16,flat Int16,diff Int8/)
})

test('widths grow with the largest value', () => {
  for (const [value, unsigned, signed] of [
    [126n, 'Uint8', 'Int8'],
    [254n, 'Uint8', 'Int16'],
    [255n, 'Uint16', 'Int16'],
    [65534n, 'Uint16', 'Int32'],
    [65535n, 'Uint32', 'Int32'],
    [2n ** 32n - 1n, 'Uint64', 'Int64'],
    [2n ** 62n + 1n, 'Uint64', 'Int64'],
  ] as const) {
    const tree = buildTree([{ stack: ['main'], value }], [{ stack: ['main'], value: 0n }], 'function')
    const table = tableFromIPC(flamegraphArrow(tree, null, 0).record)
    assert.equal(String(table.getChild('cumulative')!.type), unsigned)
    assert.equal(String(table.getChild('diff')!.type), signed)
    assert.equal(BigInt(table.getChild('cumulative')!.get(1)), value)
    assert.equal(BigInt(table.getChild('diff')!.get(1)), value)
    assert.equal(
      BigInt(
        flechette(flamegraphArrow(tree, null, 0).record, { useBigInt: true })
          .getChild('flat')!
          .at(1),
      ),
      value,
    )
  }
})

test('a sum that leaves int64 is refused with the number', () => {
  const tree = buildTree(
    [
      { stack: ['a'], value: 2n ** 63n - 1n },
      { stack: ['b'], value: 1n },
    ],
    null,
    'function',
  )
  assert.throws(() => flamegraphArrow(tree, null, 0), {
    name: 'RequestError',
    code: 'out_of_range',
    message: /9223372036854775808/,
  })
})

test('a label set is a row of its own above its stacks', () => {
  const groups = [
    { labels: [{ name: 'pod', value: 'b' }], tree: withNoStack(stackTree(['main;serve 1', '- 1'])) },
    { labels: [{ name: 'pod', value: 'a' }], tree: stackTree(['main;serve 3']) },
    { labels: [], tree: stackTree(['main 7']) },
  ]
  const { tree, labels } = groupTrees(groups, ['pod', 'zone'])
  const { record } = flamegraphArrow(tree, labels, 0)
  assert.equal(
    picture(record, 'labels_only', 'cumulative', 'labels.pod', 'labels.zone'),
    lines(
      '0 ← -1 null false 12 null null',
      '1 ← 0 main false 7 null null',
      '2 ← 0 null true 3 a null',
      '3 ← 0 null true 2 b null',
      '4 ← 2 main false 3 a null',
      '5 ← 3 [no stack] false 1 b null',
      '6 ← 3 main false 1 b null',
      '7 ← 4 serve false 3 a null',
      '8 ← 6 serve false 1 b null',
    ),
  )
  assert.deepEqual(types(tableFromIPC(record)).slice(18), [
    'labels.pod Dictionary<Uint8, Binary>',
    'labels.zone Dictionary<Uint8, Binary>',
  ])
})

test('frames bring their place, and null where they have none', () => {
  const { record } = flamegraphArrow(stackTree(['bin!main@m.go:7;~bin!fast@m.go:9;0xbeef 3']), null, 0)
  assert.equal(
    picture(record, 'mapping_file', 'function_file_name', 'location_line', 'location_address', 'inlined'),
    lines(
      '0 ← -1 null null null 0 0 null',
      '1 ← 0 main bin m.go 7 0 false',
      '2 ← 1 fast bin m.go 9 0 true',
      '3 ← 2 null null null 0 48879 false',
    ),
  )
})

test('two readers see the same in a large compressed answer that ends with its mark', () => {
  const stacks = Array.from({ length: 3000 }, (_, i) => `main;handler${i % 70};call${i % 911};leaf${i} ${(i % 97) + 1}`)
  const tree: StackTree = stackTree(stacks)
  const { record } = flamegraphArrow(tree, null, 0)
  assert.deepEqual([...record.subarray(-8)], [255, 255, 255, 255, 0, 0, 0, 0])
  const a = tableFromIPC(record)
  const b = flechette(record)
  assert.equal(a.numRows, tree.length)
  assert.deepEqual(
    b.schema.fields.map(f => f.name),
    a.schema.fields.map(f => f.name),
  )
  for (const name of ['function_name', 'parent', 'cumulative', 'flat', 'depth', 'value_offset']) {
    for (let r = 0; r < a.numRows; r += 7) {
      assert.equal(text(a.getChild(name)!.get(r)), text(b.getChild(name)!.at(r)), `${name} of row ${r}`)
    }
  }
  assert(record.length < tree.length * 30)
})
