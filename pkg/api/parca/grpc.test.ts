/** Parca's services asked by an independent gRPC client over cleartext HTTP/2. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { after, before, test } from 'node:test'
import * as grpc from '@grpc/grpc-js'
import * as loader from '@grpc/proto-loader'
import { RequestError } from '../../base/errors.ts'
import type { FlamegraphTable, Report, ReportBody, ReportRequest } from '../../query/engine.ts'
import { DEFAULT_LIMITS } from '../contract.ts'
import { fakeAdmin, fakeEngine, STATS, startServer, type TestServer } from '../testing.ts'

const protos = path.join(import.meta.dirname, '../../../proto')
const definitions = loader.loadSync(
  [
    'parca/query/v1alpha1/query.proto',
    'parca/profilestore/v1alpha1/profilestore.proto',
    'parca/scrape/v1alpha1/scrape.proto',
    'grpc/health/v1/health.proto',
    'grpc/reflection/v1/reflection.proto',
    'grpc/reflection/v1alpha/reflection.proto',
  ],
  { includeDirs: [protos], longs: String, enums: String, oneofs: true, keepCase: true, defaults: true },
)

// biome-ignore lint/suspicious/noExplicitAny: what a dynamic client answers has no type
type Any = any

function clientOf(host: string, service: string): Any {
  const Client = grpc.makeGenericClientConstructor(definitions[service] as grpc.ServiceDefinition, service)
  const limit = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 }
  return new Client(host, grpc.credentials.createInsecure(), limit)
}

function ask(client: Any, method: string, request: object): Promise<{ value: Any; trailers: Record<string, Any> }> {
  return new Promise((resolve, reject) => {
    let value: Any
    const call = client[method](request, (error: Error | null, answer: Any) => {
      if (error !== null) reject(error)
      value = answer
    })
    call.on('status', (status: grpc.StatusObject) => resolve({ value, trailers: status.metadata.getMap() }))
  })
}

async function refused(client: Any, method: string, request: object): Promise<[string, string]> {
  const error = await ask(client, method, request).then(
    () => assert.fail('it was answered'),
    (thrown: grpc.ServiceError) => thrown,
  )
  return [grpc.status[error.code]!, error.details]
}

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
let store: Any

before(async () => {
  server = await startServer({
    engine: fakeEngine({
      async profileTypes(range) {
        const name = range === null ? 'all' : `${range.start}-${range.end}`
        const type = { name, sampleType: 'a', sampleUnit: 'b', periodType: 'c', periodUnit: 'd', delta: true }
        return { value: [type], stats: STATS }
      },
      async labelNames(request) {
        return { value: [JSON.stringify(request.profileType), ...request.matchers], stats: STATS }
      },
      async labelValues(name, request) {
        return { value: [name, String(request.range?.end)], stats: STATS }
      },
      async range(request) {
        if (request.query === 'none') throw new RequestError('not_found', 'whatever the engine says')
        if (request.query === 'crash') throw new TypeError('a bug')
        if (request.query === 'huge') {
          const labels = Array.from({ length: 200 }, (_, i) => ({ name: `l${i}`, value: 'x'.repeat(30_000) }))
          return { value: [{ labels, points: [], sampleType: TYPE, periodType: TYPE }], stats: STATS }
        }
        const point = { timeNanos: -1n, value: -(2n ** 63n), valuePerSecond: 0.25, durationNanos: 10n, count: 3 }
        return {
          value: [
            {
              labels: [{ name: 'sum_by', value: request.sumBy.join() }],
              points: [point, { ...point, timeNanos: request.stepNanos }],
              sampleType: { type: 'cpu', unit: 'nanoseconds' },
              periodType: TYPE,
            },
          ],
          stats: STATS,
        }
      },
      async report(request) {
        asked.push(request)
        if (request.selection.kind === 'single') throw new RequestError('not_found', 'whatever the engine says')
        return { value: { body, unit: 'nanoseconds', total: 9n, filtered: 1n, profiles: 1, ...part }, stats: STATS }
      },
    }),
    scrape: {
      pools: () => [
        {
          name: 'api',
          targets: [
            {
              job: 'api',
              discoveredLabels: [{ name: '__address__', value: '127.0.0.1:80' }],
              labels: [{ name: '__name__', value: 'memory' }],
              scrapeUrl: 'http://127.0.0.1:80/debug/pprof/heap',
              health: 'down',
              lastError: 'refused',
              lastScrapeMs: 1_500.25,
              lastScrapeDurationSeconds: 0.75,
              scrapeInterval: '10s',
              scrapeTimeout: '10s',
            },
          ],
        },
      ],
      dropped: () => [{ job: 'api', discoveredLabels: [{ name: 'gone', value: 'yes' }] }],
    },
    limits: { ...DEFAULT_LIMITS, messageSize: 4 << 20 },
  })
  query = clientOf(server.host, 'parca.query.v1alpha1.QueryService')
  store = clientOf(server.host, 'parca.profilestore.v1alpha1.ProfileStoreService')
})
after(async () => {
  query.close()
  store.close()
  await server.close()
})

const TYPE = { type: 'cpu', unit: 'nanoseconds' }

test('profile types: the range counts only when both ends are given', async () => {
  const { value, trailers } = await ask(query, 'ProfileTypes', { start: at(1), end: at(2) })
  assert.deepEqual(value.types, [
    {
      name: '1000000000-2000000000',
      sample_type: 'a',
      sample_unit: 'b',
      period_type: 'c',
      period_unit: 'd',
      delta: true,
    },
  ])
  assert.deepEqual(JSON.parse(trailers['decima-query-stats']), STATS)
  assert.equal((await ask(query, 'ProfileTypes', { end: at(2) })).value.types[0].name, 'all')
  assert.equal((await ask(query, 'ProfileTypes', { start: at(0), end: at(2) })).value.types[0].name, 'all')
})

test('labels, values, has profile data', async () => {
  const labels = await ask(query, 'Labels', { match: ['job="x"'], profile_type: 'cpu:a:b:c:d' })
  assert.deepEqual(labels.value.label_names, ['"cpu:a:b:c:d"', 'job="x"'])
  const values = await ask(query, 'Values', { label_name: 'http.route', start: at(1), end: at(3) })
  assert.deepEqual(values.value.label_values, ['http.route', '3000000000'])
  assert.deepEqual((await ask(query, 'HasProfileData', {})).value, { has_data: true })
})

test('a range keeps int64 and times before 1970', async () => {
  const { value, trailers } = await ask(query, 'QueryRange', {
    query: 'x',
    start: at(1),
    end: at(2),
    step: { seconds: 5, nanos: 1 },
    sum_by: ['job', 'pod'],
  })
  assert.deepEqual(value.series, [
    {
      labelset: { labels: [{ name: 'sum_by', value: 'job,pod' }] },
      samples: [
        {
          timestamp: { seconds: '-1', nanos: 999_999_999 },
          value: '-9223372036854775808',
          value_per_second: 0.25,
          duration: '10',
          count: 3,
        },
        {
          timestamp: { seconds: '5', nanos: 1 },
          value: '-9223372036854775808',
          value_per_second: 0.25,
          duration: '10',
          count: 3,
        },
      ],
      period_type: TYPE,
      sample_type: { type: 'cpu', unit: 'nanoseconds' },
    },
  ])
  assert.deepEqual(JSON.parse(trailers['decima-query-stats']), STATS)
})

const NO_DATA =
  'No data found for the query, try a different query or time range or no data has been written to be queried yet.'
for (const [what, method, request, want] of [
  ['nothing in the range', 'QueryRange', { query: 'none', start: at(1), end: at(2) }, ['NOT_FOUND', NO_DATA]],
  [
    'a range without a query',
    'QueryRange',
    { start: at(1), end: at(2) },
    ['INVALID_ARGUMENT', 'query: cannot be blank.'],
  ],
  ['a range without an end', 'QueryRange', { query: 'x', start: at(1) }, ['INVALID_ARGUMENT', 'end: cannot be blank.']],
  [
    'a range backwards',
    'QueryRange',
    { query: 'x', start: at(2), end: at(1) },
    ['INVALID_ARGUMENT', 'start: must not be after end.'],
  ],
  ['a handler that throws', 'QueryRange', { query: 'crash', start: at(1), end: at(2) }, ['INTERNAL', 'a bug']],
  ['values of no label', 'Values', {}, ['INVALID_ARGUMENT', 'label_name: cannot be blank.']],
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
  ['series', 'Series', {}, ['UNIMPLEMENTED', 'Series is not implemented']],
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

test('a push: every sample a profile, reserved labels dropped', async () => {
  const labels = (pairs: Record<string, string>) => ({
    labels: Object.entries(pairs).map(([name, value]) => ({ name, value })),
  })
  await ask(store, 'WriteRaw', {
    series: [
      {
        labels: labels({ __name__: 'cpu', 'http.route': '/é', __stack__: 'x' }),
        samples: [{ raw_profile: Buffer.of(1) }, { raw_profile: Buffer.of(2) }],
      },
      { labels: labels({ __name__: 'heap' }), samples: [] },
    ],
  })
  const [{ profiles, options }] = server.pushed.splice(0) as [(typeof server.pushed)[number]]
  const want = [
    { name: '__name__', value: 'cpu' },
    { name: 'http.route', value: '/é' },
  ]
  assert.deepEqual(
    profiles.map(p => [...p.body]),
    [[1], [2]],
  )
  assert.deepEqual(
    profiles.map(p => p.labels),
    [want, want],
  )
  assert.deepEqual([options.source, options.startedMs, options.limits.samples], ['push', 1_700_000_000_000, 200_000])
})

for (const [what, labels, want] of [
  ['no name', [{ name: 'job', value: 'x' }], 'series 1: label __name__, the name of the profile, is missing'],
  [
    'a label twice',
    [
      { name: '__name__', value: 'x' },
      { name: 'a', value: '1' },
      { name: 'a', value: '1' },
    ],
    'series 1: label "a" is given twice',
  ],
  ['a nameless label', [{ name: '__name__', value: 'x' }, { value: '1' }], 'series 1: a label has no name'],
] as const) {
  test(`a push with ${what} is refused whole`, async () => {
    const good = { labels: { labels: [{ name: '__name__', value: 'x' }] }, samples: [{ raw_profile: Buffer.of(1) }] }
    const request = { series: [good, { labels: { labels }, samples: [{ raw_profile: Buffer.of(1) }] }] }
    assert.deepEqual(await refused(store, 'WriteRaw', request), ['INVALID_ARGUMENT', want])
    assert.equal(server.pushed.length, 0)
  })
}

test('a message over the limit is RESOURCE_EXHAUSTED, either way, and the connection lives on', async () => {
  const samples = [{ raw_profile: Buffer.alloc(5 << 20) }]
  const [code] = await refused(store, 'WriteRaw', { series: [{ labels: { labels: [] }, samples }] })
  assert.equal(code, 'RESOURCE_EXHAUSTED')
  const [answer] = await refused(query, 'QueryRange', { query: 'huge', start: at(1), end: at(2) })
  assert.equal(answer, 'RESOURCE_EXHAUSTED')
  assert.deepEqual((await ask(store, 'WriteRaw', {})).value, {})
})

test('Arrow pushes are not served yet and say so', async () => {
  assert.equal((await refused(store, 'WriteArrow', {}))[0], 'UNIMPLEMENTED')
  const stream = store.Write()
  const error = await new Promise<grpc.ServiceError>(resolve => stream.on('error', resolve).on('data', () => {}))
  assert.equal(grpc.status[error.code], 'UNIMPLEMENTED')
})

test('targets by state', async () => {
  const scrape = clientOf(server.host, 'parca.scrape.v1alpha1.ScrapeService')
  const any = (await ask(scrape, 'Targets', {})).value.targets
  assert.deepEqual(any.api.targets[0], {
    discovered_labels: { labels: [{ name: '__address__', value: '127.0.0.1:80' }] },
    labels: { labels: [{ name: '__name__', value: 'memory' }] },
    last_error: 'refused',
    last_scrape: { seconds: '1', nanos: 500_250_000 },
    last_scrape_duration: { seconds: '0', nanos: 750_000_000 },
    url: 'http://127.0.0.1:80/debug/pprof/heap',
    health: 'HEALTH_BAD',
  })
  const count = async (state: string) => (await ask(scrape, 'Targets', { state })).value.targets.api.targets.length
  assert.deepEqual([any.api.targets.length, await count('STATE_ACTIVE'), await count('STATE_DROPPED')], [2, 1, 1])
  scrape.close()
})

test('health: of the server, of a service, of none', async () => {
  const health = clientOf(server.host, 'grpc.health.v1.Health')
  assert.equal((await ask(health, 'Check', {})).value.status, 'SERVING')
  assert.equal((await ask(health, 'Check', { service: 'parca.query.v1alpha1.QueryService' })).value.status, 'SERVING')
  assert.deepEqual(await refused(health, 'Check', { service: 'nope' }), ['NOT_FOUND', 'unknown service nope'])
  health.close()
})

for (const version of ['v1', 'v1alpha'] as const) {
  test(`reflection ${version} lists services and gives descriptors with what they import`, async () => {
    const client = clientOf(server.host, `grpc.reflection.${version}.ServerReflection`)
    const requests = [
      { list_services: '' },
      { file_containing_symbol: 'parca.scrape.v1alpha1.ScrapeService.Targets' },
      { file_by_filename: 'google/protobuf/timestamp.proto' },
      { file_containing_symbol: 'nope.Nothing' },
    ]
    const answers: Any[] = []
    await new Promise<void>((resolve, reject) => {
      const stream = client.ServerReflectionInfo()
      stream
        .on('data', (answer: Any) => answers.push(answer))
        .on('end', resolve)
        .on('error', reject)
      for (const request of requests) stream.write(request)
      stream.end()
    })
    const services = answers[0].list_services_response.service.map((s: Any) => s.name)
    assert.ok(services.includes('parca.query.v1alpha1.QueryService') && services.includes('grpc.health.v1.Health'))
    const names = (answer: Any) =>
      answer.file_descriptor_response.file_descriptor_proto.map((bytes: Buffer) =>
        bytes.subarray(2, 2 + bytes[1]!).toString(),
      )
    assert.deepEqual(names(answers[1]).sort(), [
      'google/protobuf/duration.proto',
      'google/protobuf/timestamp.proto',
      'parca/profilestore/v1alpha1/profilestore.proto',
      'parca/scrape/v1alpha1/scrape.proto',
    ])
    assert.deepEqual(names(answers[2]), ['google/protobuf/timestamp.proto'])
    assert.deepEqual(answers[3].error_response, { error_code: 5, error_message: 'not found: nope.Nothing' })
    client.close()
  })
}

test('an RPC that does not exist is UNIMPLEMENTED', async () => {
  const method = { path: '/parca.query.v1alpha1.QueryService/Nope', requestStream: false, responseStream: false }
  const bytes = { serialize: (b: Buffer) => b, deserialize: (b: Buffer) => b }
  const calls = {
    requestSerialize: bytes.serialize,
    requestDeserialize: bytes.deserialize,
    responseSerialize: bytes.serialize,
    responseDeserialize: bytes.deserialize,
  }
  const Client = grpc.makeGenericClientConstructor({ Nope: { ...method, ...calls } }, 'Nope')
  const client = new Client(server.host, grpc.credentials.createInsecure()) as Any
  assert.deepEqual(await refused(client, 'Nope', Buffer.alloc(0)), [
    'UNIMPLEMENTED',
    'unknown RPC parca.query.v1alpha1.QueryService/Nope',
  ])
  client.close()
})

for (const [what, bytes, want] of [
  ['ends early', [0xff, 0xff], /premature EOF/],
  // WriteRawRequest{series{labels{label{name: FF}}}}
  ['has a label that is not UTF-8', [0x12, 7, 0x0a, 5, 0x0a, 3, 0x0a, 1, 0xff], /utf-8/],
] as const) {
  test(`a message that ${what} is INVALID_ARGUMENT`, async () => {
    const identity = (b: Buffer) => b
    const serialize = {
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    }
    const name = '/parca.profilestore.v1alpha1.ProfileStoreService/WriteRaw'
    const Client = grpc.makeGenericClientConstructor(
      { Raw: { path: name, requestStream: false, responseStream: false, ...serialize } },
      'Raw',
    )
    const client = new Client(server.host, grpc.credentials.createInsecure()) as Any
    const [code, text] = await refused(client, 'Raw', Buffer.from(bytes))
    assert.equal(code, 'INVALID_ARGUMENT')
    assert.match(text, want)
    client.close()
  })
}

test('before the store is read: UNAVAILABLE, but for health, which watches', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  let ready = false
  const early = await startServer({ admin: fakeAdmin({ ready: () => ready, whenReady: () => promise }) })
  const client = clientOf(early.host, 'parca.query.v1alpha1.QueryService')
  const health = clientOf(early.host, 'grpc.health.v1.Health')
  assert.equal((await refused(client, 'HasProfileData', {}))[0], 'UNAVAILABLE')
  assert.equal((await ask(health, 'Check', {})).value.status, 'NOT_SERVING')
  const seen: string[] = []
  const ended = new Promise<void>(done => {
    const watch = health.Watch({})
    watch.on('error', () => {})
    watch.on('end', done)
    watch.on('data', ({ status }: Any) => {
      seen.push(status)
      if (seen.length === 1) {
        ready = true
        resolve()
      } else if (seen.length === 2) void early.close()
    })
  })
  await ended
  assert.deepEqual(seen, ['NOT_SERVING', 'SERVING', 'NOT_SERVING'])
  client.close()
  health.close()
})

test('a client that goes away takes its question with it', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const waiting = await startServer({
    engine: fakeEngine({
      profileTypes: (_range, signal) =>
        new Promise((_, reject) => {
          signal!.addEventListener('abort', () => {
            reject(new RequestError('canceled', 'gone'))
            resolve()
          })
          call.cancel()
        }),
    }),
  })
  const client = clientOf(waiting.host, 'parca.query.v1alpha1.QueryService')
  const call = client.ProfileTypes({}, () => {})
  await promise
  client.close()
  await waiting.close()
})
