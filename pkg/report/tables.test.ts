import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { tableFromIPC } from 'apache-arrow'
import { Profile } from 'pprof-format'
import { installLz4 } from '../../test/support/arrow.ts'
import { buildTree, diffTree, lines, mergedOf, stackTree } from '../../test/support/stacks.ts'
import type { StackTree } from '../query/result.ts'
import { flamegraphTable } from './flamegraph-table.ts'
import { pprof } from './pprof.ts'
import { tableArrow } from './table-arrow.ts'
import { top } from './top.ts'

before(installLz4)

test('the table: columns, their order and types', () => {
  const { schema } = tableFromIPC(tableArrow(stackTree(['main;serve 3'])).record)
  assert.deepEqual(
    schema.fields.map(f => `${f.name} ${f.type}${f.nullable ? ' nullable' : ''}`),
    [
      'mapping_file Dictionary<Uint16, Utf8>',
      'mapping_build_id Dictionary<Uint16, Utf8>',
      'location_address Uint64',
      'location_line Int64',
      'function_startline Int64',
      'function_name Dictionary<Uint32, Utf8>',
      'function_system_name Dictionary<Uint16, Utf8>',
      'function_file_name Dictionary<Uint32, Utf8>',
      'cumulative Int64',
      'cumulative_diff Int64 nullable',
      'flat Int64',
      'flat_diff Int64',
      'callers List<Int64>',
      'callees List<Int64>',
    ],
  )
})

function tablePicture(tree: StackTree, ...columns: string[]): string {
  const table = tableFromIPC(tableArrow(tree).record)
  return Array.from({ length: table.numRows }, (_, r) => {
    const cells = ['function_name', 'cumulative', 'flat', ...columns].map(c => {
      const v = table.getChild(c)!.get(r)
      return v !== null && typeof v === 'object' ? `[${Array.from(v)}]` : v === null ? '-' : String(v)
    })
    return `${r} ${cells.join(' ')}`
  }).join('\n')
}

test('a function counts once for a sample, however deep it recurses', () => {
  const tree = stackTree(['main;walk;walk;walk 4', 'main;walk;read;walk 2', 'main;read 1', '- 1'])
  assert.equal(
    tablePicture(tree, 'callers', 'callees'),
    lines('0 main 7 0 [] [1,2]', '1 walk 6 6 [0,1,2] [1,2]', '2 read 3 1 [0,1] [1]'),
  )
})

test('the table of a diff', () => {
  assert.equal(
    tablePicture(diffTree(['main;a 10', 'main;b 5'], ['main;a 3', 'main 2']), 'cumulative_diff', 'flat_diff'),
    lines('0 main 5 2 -10 2', '1 a 3 3 -7 -7', '2 b 0 0 -5 -5'),
  )
})

test('top: what the frames of a function agree on', () => {
  const tree = stackTree(
    ['m!main@a.go:1;n!f@f.go:2 1', 'm!main@a.go:1;m!f@f.go:3 2', '0x10 9', 'm!main@a.go:1;0x10 1'],
    'frame',
  )
  const { rows, reported } = top(tree)
  assert.deepEqual(
    rows.map(r => [r.functionName, r.address, r.mapping, r.file, r.line, r.cumulative, r.flat, r.diff]),
    [
      ['', 16n, '', '', 0, 10n, 10n, 0n],
      ['main', 0n, 'm', 'a.go', 1, 4n, 0n, 0n],
      ['f', 0n, '', 'f.go', 0, 3n, 3n, 0n],
    ],
  )
  assert.equal(reported, 3)
})

test('the flame graph as tables', () => {
  const { table } = flamegraphTable(
    stackTree(['m!main@a.go:1;f 3', 'm!main@a.go:1;g 5', '0x10 1', 'm!main@a.go:1 1']),
    12,
  )
  const rows = Array.from(table.parent, (parent, r) => {
    const location = table.locations[table.location[r]!]
    const line = location?.lines[0]
    const name = line === undefined ? location?.address : table.strings[table.functions[line.function]!.name]
    const mapping =
      location === undefined || location.mapping < 0 ? '-' : table.strings[table.mappings[location.mapping]!.file]
    return `${r} ← ${parent} ${name} ${mapping} ${line?.line} ${table.cumulative[r]}`
  })
  assert.deepEqual(rows, ['0 ← -1 undefined - undefined 9', '1 ← 0 main m 1 9', '2 ← 1 g - 0 5', '3 ← 1 f - 0 3'])
  assert.deepEqual([table.strings[0], table.height, table.trimmed], ['', 3, 1n])
})

/** Samples of a pprof as lines: locations leaf first, the lines of one joined by `+`. */
function pprofLines(bytes: Uint8Array): string[] {
  const profile = Profile.decode(gunzipSync(bytes))
  const text = (i: unknown): string => profile.stringTable.strings[Number(i)]!
  return profile.sample.map(sample => {
    const stack = sample.locationId.map(id => {
      const location = profile.location.find(l => l.id === id)!
      const mapping = profile.mapping.find(m => m.id === location.mappingId)
      const names = location.line.map(line => {
        const f = profile.function.find(f => f.id === line.functionId)!
        return `${text(f.name)}@${text(f.filename)}:${line.line}`
      })
      return `${mapping === undefined ? '' : `${text(mapping.filename)}!`}${names.join('+') || `0x${Number(location.address).toString(16)}`}`
    })
    return `${stack.join(';')} ${sample.value.map(String).join(',')}`
  })
}

test('pprof: inlined frames are lines of the location that they were inlined into', () => {
  const tree = stackTree(
    [
      'm!main@a.go:1;m!serve@a.go:5;~m!fast@b.go:7;~m!faster@b.go:9 3',
      'm!main@a.go:1;m!serve@a.go:5 2',
      'm!main@a.go:1;~n!other@c.go:2;0x10 1',
      '- 4',
    ],
    'frame',
  )
  assert.deepEqual(pprofLines(pprof(tree, mergedOf(tree)).pprof), [
    ' 4',
    'm!serve@a.go:5;m!main@a.go:1 2',
    'm!faster@b.go:9+fast@b.go:7+serve@a.go:5;m!main@a.go:1 3',
    '0x10;n!other@c.go:2;m!main@a.go:1 1',
  ])
})

test('pprof: what the profile says of itself, and differences', () => {
  const tree = diffTree(['main 5', 'gone 2', 'same 1'], ['main 3', 'same 1'], 'frame')
  const profile = Profile.decode(gunzipSync(pprof(tree, mergedOf(tree)).pprof))
  const text = (i: unknown): string => profile.stringTable.strings[Number(i)]!
  assert.deepEqual(
    [profile.sampleType.map(t => `${text(t.type)} ${text(t.unit)}`), text(profile.periodType!.type)],
    [['cpu nanoseconds'], 'cpu'],
  )
  assert.deepEqual([profile.period, profile.timeNanos, profile.durationNanos].map(BigInt), [
    10_000_000n,
    1_700_000_000_000_000_000n,
    10_000_000_000n,
  ])
  assert.deepEqual(
    profile.sample.map(s => BigInt.asIntN(64, BigInt(s.value[0]!))),
    [-2n, -2n],
  )
})

test('formats of int64 refuse a sum that leaves it', () => {
  const huge = 2n ** 63n - 1n
  const tree = buildTree(
    [
      { stack: ['a', 'b'], value: huge },
      { stack: ['a', 'c'], value: 5n },
    ],
    null,
    'function',
  )
  for (const draw of [tableArrow, top, (t: StackTree) => flamegraphTable(t, 0)]) {
    assert.throws(() => draw(tree), { code: 'out_of_range', message: /9223372036854775812.*narrow/ })
  }
})
