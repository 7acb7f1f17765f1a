/** The reports of `Query`, by an independent gRPC client. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { RequestError } from '../../base/errors.ts'
import type { FlamegraphTable, Report, ReportBody, ReportRequest } from '../../query/engine.ts'
import { fakeEngine, STATS, startServer, type TestServer } from '../testing.ts'
import { type Any, ask, clientOf, refused } from '../testing-grpc.ts'

const at = (seconds: number) => ({ seconds: String(seconds), nanos: 0 })
const merge = (part: object = {}) => ({
  mode: 'MODE_MERGE',
  merge: { query: 'cpu:a:b:c:d:delta{}', start: at(10), end: at(20) },
  report_type: 'REPORT_TYPE_FLAMEGRAPH_ARROW',
  ...part,
})

const asked: ReportRequest[] = []
let body: ReportBody = { kind: 'flamegraph_arrow', record: new Uint8Array(0), height: 0, trimmed: 0n }
let part: Partial<Report> = {}
let server: TestServer
let query: Any

before(async () => {
  server = await startServer({
    engine: fakeEngine({
      async report(request) {
        asked.push(request)
        if (request.selection.kind === 'single') throw new RequestError('not_found', 'whatever the engine says')
        return { value: { body, unit: 'nanoseconds', total: 9n, filtered: 1n, profiles: 1, ...part }, stats: STATS }
      },
    }),
  })
  query = clientOf(server.host, 'parca.query.v1alpha1.QueryService')
})
after(async () => {
  query.close()
  await server.close()
})

for (const [what, method, request, want] of [
  ['an unknown report', 'Query', merge({ report_type: 77 }), ['INVALID_ARGUMENT', 'report_type: invalid report type.']],
  [
    'a report that is not served',
    'Query',
    merge({ report_type: 'REPORT_TYPE_CALLGRAPH' }),
    ['UNIMPLEMENTED', 'report type CALLGRAPH is not served'],
  ],
  ['a mode without its options', 'Query', merge({ mode: 'MODE_DIFF' }), ['INVALID_ARGUMENT', 'diff: cannot be blank.']],
  [
    'an unknown group',
    'Query',
    merge({ group_by: { fields: ['pid'] } }),
    ['INVALID_ARGUMENT', 'invalid group by field: pid'],
  ],
  [
    'a side of a diff that is empty',
    'Query',
    { mode: 'MODE_DIFF', diff: { a: { mode: 'MODE_MERGE', merge: merge().merge } } },
    ['INVALID_ARGUMENT', 'b: cannot be blank.'],
  ],
  [
    'a profile that is not there',
    'Query',
    { mode: 'MODE_SINGLE_UNSPECIFIED', single: { query: 'x', time: at(1) }, report_type: 'REPORT_TYPE_PPROF' },
    ['NOT_FOUND', 'could not find profile at requested time and selectors'],
  ],
] as const) {
  test(`refused: ${what}`, async () => assert.deepEqual(await refused(query, method, request), want))
}

test('a query asks the engine for what was meant', async () => {
  asked.length = 0
  body = { kind: 'flamegraph_arrow', record: Uint8Array.of(1, 2, 3), height: 4, trimmed: 5n }
  const { value, trailers } = await ask(
    query,
    'Query',
    merge({
      node_trim_threshold: 0.5,
      invert_call_stack: true,
      group_by: { fields: ['function_name', 'labels.pod'] },
      sandwich_by_function: 'main',
      filter: [
        { stack_filter: { function_name_stack_filter: { function_to_filter: 'gc', exclude: true } } },
        { frame_filter: { binary_frame_filter: { include_binaries: ['libc', 'app'] } } },
        {
          stack_filter: {
            criteria: { filename: { not_starts_with: '/usr' }, address: { not_equal: '18446744073709551615' } },
          },
        },
        {},
      ],
    }),
  )
  assert.deepEqual(asked, [
    {
      selection: {
        kind: 'merge',
        query: 'cpu:a:b:c:d:delta{}',
        range: { start: 10_000_000_000n, end: 20_000_000_000n },
      },
      report: 'flamegraph_arrow',
      timesPeriod: true,
      trimPercent: 0.5,
      groupBy: ['function_name', 'labels.pod'],
      invert: true,
      filters: [
        { kind: 'stack', criteria: { functionName: { op: 'contains', not: true, value: 'gc' } } },
        { kind: 'frame', criteria: { binary: { op: 'contains', not: false, value: 'libc' } } },
        { kind: 'frame', criteria: { binary: { op: 'contains', not: false, value: 'app' } } },
        {
          kind: 'stack',
          criteria: {
            file: { op: 'starts_with', not: true, value: '/usr' },
            address: { not: true, value: 18_446_744_073_709_551_615n },
          },
        },
      ],
      sandwichFunction: 'main',
    },
  ] satisfies ReportRequest[])
  assert.equal(value.report, 'flamegraph_arrow')
  assert.deepEqual(value.flamegraph_arrow, { record: Buffer.of(1, 2, 3), unit: 'nanoseconds', height: 4, trimmed: '5' })
  assert.deepEqual([value.total, value.filtered], ['9', '1'])
  assert.deepEqual(JSON.parse(trailers['decima-query-stats']), STATS)
})

test('a diff of a single profile with a merge', async () => {
  asked.length = 0
  await ask(query, 'Query', {
    mode: 'MODE_DIFF',
    diff: {
      a: { mode: 'MODE_SINGLE_UNSPECIFIED', single: { query: 'x', time: { seconds: 1, nanos: 2_999_999 } } },
      b: { mode: 'MODE_MERGE', merge: merge().merge },
      absolute: true,
    },
    report_type: 'REPORT_TYPE_FLAMEGRAPH_ARROW',
  })
  const range = { start: 10_000_000_000n, end: 20_000_000_000n }
  assert.deepEqual(asked[0]!.selection, {
    kind: 'diff',
    base: { kind: 'single', query: 'x', timeMs: 1_002 },
    compare: { kind: 'merge', query: 'cpu:a:b:c:d:delta{}', range },
    absolute: true,
  })
})

test('a pprof is the counts and has no total', async () => {
  asked.length = 0
  body = { kind: 'pprof', pprof: Uint8Array.of(0x1f, 0x8b) }
  const { value } = await ask(query, 'Query', merge({ report_type: 'REPORT_TYPE_PPROF' }))
  assert.deepEqual([value.report, value.pprof, value.total], ['pprof', Buffer.of(0x1f, 0x8b), '0'])
  assert.equal(asked[0]!.timesPeriod, false)
})

test('a table and a top list', async () => {
  body = { kind: 'table_arrow', record: Uint8Array.of(9) }
  const table = await ask(query, 'Query', merge({ report_type: 'REPORT_TYPE_TABLE_ARROW' }))
  assert.deepEqual(table.value.table_arrow, { record: Buffer.of(9), unit: 'nanoseconds' })

  const row = { functionName: 'f', systemName: '_f', file: 'f.go', line: 7, startLine: 5, address: 2n ** 64n - 1n }
  const sums = { mapping: 'app', buildId: 'b1', cumulative: 9n, flat: -3n, diff: 1n }
  body = { kind: 'top', rows: [{ ...row, ...sums }], reported: 1 }
  const { value } = await ask(query, 'Query', merge({ report_type: 'REPORT_TYPE_TOP' }))
  const [node] = value.top.list
  assert.deepEqual(
    [value.top.reported, value.top.unit, node.cumulative, node.flat, node.diff],
    [1, 'nanoseconds', '9', '-3', '1'],
  )
  assert.equal(node.meta.location.address, '18446744073709551615')
  assert.deepEqual([node.meta.function.name, node.meta.function.start_line, node.meta.line.line], ['f', '5', '7'])
  assert.deepEqual([node.meta.mapping.file, node.meta.mapping.build_id], ['app', 'b1'])
})

test('a flame graph as a tree with tables counted from 1', async () => {
  const table: FlamegraphTable = {
    strings: ['', 'main', 'work', 'app'],
    functions: [
      { name: 1, systemName: 0, file: 0, startLine: 1 },
      { name: 2, systemName: 0, file: 0, startLine: 0 },
    ],
    mappings: [{ file: 3, buildId: 0 }],
    locations: [
      { address: 16n, mapping: 0, lines: [{ function: 0, line: 4 }] },
      {
        address: 32n,
        mapping: -1,
        lines: [
          { function: 1, line: 0 },
          { function: 0, line: 2 },
        ],
      },
    ],
    // root → main → work, work's twin; root → other
    parent: Int32Array.of(-1, 0, 1, 1, 0),
    location: Int32Array.of(-1, 0, 1, 1, 1),
    lineIndex: Int32Array.of(0, 0, 0, 1, 0),
    cumulative: BigInt64Array.of(10n, 6n, 4n, 2n, 4n),
    diff: BigInt64Array.of(0n, -1n, 0n, 0n, 1n),
    height: 3,
    trimmed: 1n,
  }
  body = { kind: 'flamegraph_table', table }
  const { value } = await ask(query, 'Query', merge({ report_type: 'REPORT_TYPE_FLAMEGRAPH_TABLE' }))
  const graph = value.flamegraph
  const draw = (node: Any): string =>
    `${node.meta.location_index}/${node.meta.line_index}:${node.cumulative}:${node.diff}(${node.children.map(draw).join(' ')})`
  assert.equal(graph.root.children.map(draw).join(' '), '1/0:6:-1(2/0:4:0() 2/1:2:0()) 2/0:4:1()')
  assert.deepEqual([graph.root.cumulative, graph.height, graph.trimmed, graph.unit], ['10', 3, '1', 'nanoseconds'])
  assert.deepEqual(graph.string_table, ['', 'main', 'work', 'app'])
  assert.deepEqual(
    graph.locations.map((l: Any) => [l.mapping_index, l.lines.map((x: Any) => x.function_index)]),
    [
      [1, [1]],
      [0, [2, 1]],
    ],
  )
})

test('a sum beyond int64 is refused, not wrapped', async () => {
  part = { total: 2n ** 63n }
  body = { kind: 'table_arrow', record: new Uint8Array(0) }
  const want = 'total 9223372036854775808 does not fit int64; narrow the time range or the selector'
  assert.deepEqual(await refused(query, 'Query', merge({ report_type: 'REPORT_TYPE_TABLE_ARROW' })), [
    'OUT_OF_RANGE',
    want,
  ])
  part = {}
})
