import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { tableFromIPC as flechette } from '@uwdata/flechette'
import { tableFromIPC } from 'apache-arrow'
import { installLz4 } from '../../test/support/arrow.ts'
import { diffTree, lines, mergedOf, stackTree } from '../../test/support/stacks.ts'
import type { Filter, ReportRequest } from '../query/engine.ts'
import type { Merged, StackTree } from '../query/result.ts'
import { needsFrames, report } from './report.ts'

before(installLz4)

const merge = { kind: 'merge', query: '', range: { start: 0n, end: 1n } } as const
const requestOf = (options: Partial<ReportRequest> = {}): ReportRequest => ({
  selection: merge,
  report: 'web_flamegraph',
  timesPeriod: false,
  trimPercent: 0,
  groupBy: [],
  invert: false,
  filters: [],
  sandwichFunction: null,
  ...options,
})

/** The page's rows as an indented list: name, total, self, then what else is asked for. */
function page(merged: Merged | StackTree, options: Partial<ReportRequest> = {}, ...columns: string[]): string {
  const { body } = report('tree' in merged ? merged : mergedOf(merged), requestOf(options))
  assert(body.kind === 'web_flamegraph')
  const table = tableFromIPC(body.record)
  const at = (column: string, r: number): unknown => table.getChild(column)!.get(r)
  const depth: number[] = []
  return Array.from({ length: table.numRows }, (_, r) => {
    const parent = at('parent', r) as number
    depth[r] = parent < 0 ? 0 : depth[parent]! + 1
    const rest = ['total', 'self', ...columns].map(c => at(c, r) ?? '-').join(' ')
    return `${'  '.repeat(depth[r]!)}${at('name', r)} ${rest}`
  }).join('\n')
}

test('the page gets nodes in pre-order, the heaviest first', () => {
  assert.equal(
    page(stackTree(['main;serve;read 3', 'main;gc 1', 'main;serve;write 5', '- 2', 'main;b 1'])),
    lines(
      'root 12 0',
      '  main 10 0',
      '    serve 8 0',
      '      write 5 5',
      '      read 3 3',
      '    b 1 1',
      '    gc 1 1',
      '  [no stack] 2 2',
    ),
  )
})

test('columns of the page, and what the schema says of the whole', () => {
  const { body, total, unit } = report(mergedOf(stackTree(['bin!main@m.go:3;0xbeef 3'])), requestOf())
  assert(body.kind === 'web_flamegraph')
  const { schema } = tableFromIPC(body.record)
  assert.deepEqual(
    schema.fields.map(f => `${f.name} ${f.type}${f.nullable ? ' nullable' : ''}`),
    [
      'parent Int32',
      'name Dictionary<Uint8, Utf8>',
      'total Int64',
      'self Int64',
      'file Dictionary<Uint8, Utf8> nullable',
      'line Int64 nullable',
      'mapping Dictionary<Uint8, Utf8> nullable',
      'address Uint64',
    ],
  )
  assert.deepEqual(Object.fromEntries(schema.metadata), {
    unit: 'nanoseconds',
    total: '3',
    profiles: '1',
    period: '10000000',
  })
  assert.deepEqual([total, unit], [3n, 'nanoseconds'])
  assert.deepEqual(
    flechette(body.record)
      .toArray()
      .map(r => ({ ...r })),
    [
      { parent: -1, name: 'root', total: 3, self: 0, file: null, line: null, mapping: null, address: 0 },
      { parent: 0, name: 'main', total: 3, self: 0, file: 'm.go', line: 3, mapping: 'bin', address: 0 },
      { parent: 1, name: '0xbeef', total: 3, self: 3, file: null, line: null, mapping: null, address: 48879 },
    ],
  )
})

test('frames of one function are one node, with what they agree on', () => {
  const tree = stackTree(
    ['m!main@a.go:1;m!f@a.go:5 1', 'm!main@a.go:2;m!f@b.go:5 2', 'm!main@a.go:1;0x10 4', 'm!main@a.go:1;0x20 8'],
    'frame',
  )
  assert.equal(
    page(tree, {}, 'mapping', 'file', 'line'),
    lines('root 15 0 - - -', '  main 15 0 m a.go -', '    0x20 8 8 - - -', '    0x10 4 4 - - -', '    f 3 3 m - 5'),
  )
})

test('group by keeps apart what frames differ in', () => {
  const tree = stackTree(['main;f@a.go:5 1', 'main;f@b.go:5 2', 'main;f@b.go:7 4'], 'frame')
  assert.equal(
    page(tree, { groupBy: ['function_name', 'function_file_name'] }, 'file', 'line'),
    lines('root 7 0 - -', '  main 7 0 - -', '    f 6 6 b.go -', '    f 1 1 a.go 5'),
  )
  assert.throws(() => report(mergedOf(tree), requestOf({ groupBy: ['color'] })), {
    code: 'invalid_argument',
    message: 'invalid group by field: color',
  })
})

test('label sets are drawn beneath the root', () => {
  const groups = ['a', 'b'].map((pod, i) => ({
    labels: [{ name: 'pod', value: pod }],
    tree: stackTree([`main ${i + 1}`]),
  }))
  const merged = mergedOf(stackTree(['main 3']), { groups })
  assert.equal(
    page(merged, { groupBy: ['labels.pod'] }),
    lines('root 3 0', '  pod="b" 2 0', '    main 2 2', '  pod="a" 1 0', '    main 1 1'),
  )
})

const TREE = stackTree(
  ['main;serve;json;memmove 4', 'main;serve;json 1', 'main;gc;memmove 2', 'main;serve;serve;read 8', '- 1'],
  'frame',
)

test('inverted, stacks grow from their leaf', () => {
  assert.equal(
    page(TREE, { invert: true, trimPercent: 49 }),
    lines('root 16 0', '  read 8 0', '    serve 8 0', '      serve 8 0', '        main 8 8'),
  )
})

test('a sandwich is cut at the outermost call', () => {
  assert.equal(
    page(TREE, { sandwichFunction: 'serve' }),
    lines('root 13 0', '  serve 13 0', '    serve 8 0', '      read 8 8', '    json 5 1', '      memmove 4 4'),
  )
  assert.equal(
    page(TREE, { sandwichFunction: 'memmove', invert: true }),
    lines(
      'root 6 0',
      '  memmove 6 0',
      '    json 4 0',
      '      serve 4 0',
      '        main 4 4',
      '    gc 2 0',
      '      main 2 2',
    ),
  )
  assert.equal(report(mergedOf(TREE), requestOf({ sandwichFunction: 'memmove' })).filtered, 10n)
})

const names = (kind: Filter['kind'], op: 'equal' | 'contains' | 'starts_with', value: string, not = false): Filter => ({
  kind,
  criteria: { functionName: { op, not, value } },
})

for (const [what, filters, total, filtered] of [
  ['some frame contains', [names('stack', 'contains', 'MEM')], 7n, 9n],
  ['no frame contains', [names('stack', 'contains', 'json', true)], 11n, 5n],
  ['starts with', [names('stack', 'starts_with', 'me')], 7n, 9n],
  ['equals', [names('stack', 'equal', 'mem')], 1n, 15n],
  ['two filters are joined by AND', [names('stack', 'contains', 'mem'), names('stack', 'equal', 'gc', true)], 5n, 11n],
  [
    'two fields are joined by AND',
    [{ kind: 'stack', criteria: { ...names('stack', 'equal', 'json').criteria, line: { not: false, value: 9n } } }],
    1n,
    15n,
  ],
  ['frame filters take no sample away', [names('frame', 'equal', 'main')], 16n, 0n],
] as const) {
  test(`stack filter: ${what}`, () => {
    const answer = report(mergedOf(TREE), requestOf({ filters }))
    assert.deepEqual([answer.total, answer.filtered], [total, filtered])
  })
}

test('hidden frames join what was above and below them', () => {
  assert.equal(
    page(TREE, { filters: [names('frame', 'equal', 'serve', true), names('frame', 'equal', 'gc', true)] }),
    lines(
      'root 16 0',
      '  main 15 0',
      '    read 8 8',
      '    json 5 1',
      '      memmove 4 4',
      '    memmove 2 2',
      '  [no stack] 1 1',
    ),
  )
})

test('frame filters ask a frame only what it can answer', () => {
  const tree = stackTree(['/usr/bin/app!main@m.go:3;0x10;lib.so!f 1'], 'frame')
  const binary: Filter = { kind: 'frame', criteria: { binary: { op: 'equal', not: false, value: 'APP' } } }
  assert.equal(page(tree, { filters: [binary] }), lines('root 1 0', '  main 1 0', '    0x10 1 1'))
  const file: Filter = { kind: 'frame', criteria: { file: { op: 'contains', not: false, value: 'm.go' } } }
  assert.equal(page(tree, { filters: [file] }), lines('root 1 0', '  main 1 0', '    0x10 1 1'))
})

const diffOf = (absolute: boolean) => ({ selection: { kind: 'diff', base: merge, compare: merge, absolute } }) as const

test('a relative diff scales the smaller side up', () => {
  const tree = diffTree(['main;a 10', 'main;b 30'], ['main;a 10', 'main;c 10'])
  assert.equal(
    page(tree, diffOf(false), 'base_total', 'base_self'),
    lines('root 40 0 40 0', '  main 40 0 40 0', '    b 0 0 30 30', '    a 20 20 10 10', '    c 20 20 0 0'),
  )
  assert.equal(
    page(tree, diffOf(true), 'base_total', 'base_self'),
    lines('root 20 0 40 0', '  main 20 0 40 0', '    b 0 0 30 30', '    a 10 10 10 10', '    c 10 10 0 0'),
  )
})

test('an empty merge is an empty report of every kind', () => {
  const merged = mergedOf(stackTree([], 'frame'), { profiles: 0 })
  for (const kind of [
    'flamegraph_arrow',
    'flamegraph_table',
    'table_arrow',
    'top',
    'pprof',
    'web_flamegraph',
  ] as const) {
    const answer = report(merged, requestOf({ report: kind }))
    assert.deepEqual([answer.body.kind, answer.total, answer.profiles], [kind, 0n, 0])
  }
})

test('frames are asked for only where functions do not do', () => {
  assert.equal(needsFrames(requestOf()), false)
  assert.equal(needsFrames(requestOf({ filters: [names('stack', 'equal', 'x')], sandwichFunction: 'y' })), false)
  assert.equal(needsFrames(requestOf({ filters: [names('frame', 'equal', 'x')] })), true)
  assert.equal(needsFrames(requestOf({ groupBy: ['mapping_file'] })), true)
  assert.equal(needsFrames(requestOf({ report: 'pprof' })), true)
})
