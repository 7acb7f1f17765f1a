/**
 * What a profile may hold and how it comes back: samples without a stack, negative and very large values, sums that leave
 * int64, labels of samples, names in any script. Each question is asked of the head and then of the block.
 */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type FoldedOptions, foldedProfile, foldedText } from '../support/folded.ts'
import { connectParca, type LabelMap, type ParcaClient, refusal } from '../support/parca-client.ts'
import { ADMIN, type RealServer, testServers } from '../support/server.ts'

const { start } = testServers()
const SECOND = 1_000_000_000n
const now = (BigInt(Date.now()) / 1000n) * SECOND
const range = { start: now - 10n * SECOND, end: now + 10n * SECOND }

let server: RealServer
let client: ParcaClient
before(async () => {
  server = await start({ flags: [ADMIN] })
  client = connectParca(server.host)
  void server.exited.then(() => client.close())
})

const typeOf = (name: string): string => `${name}:work:bytes:space:bytes:delta`
const push = (name: string, lines: readonly string[], labels: LabelMap = {}, options: Partial<FoldedOptions> = {}) =>
  client.push({
    labels: { __name__: name, job: 'numbers', ...labels },
    bodies: [foldedProfile(lines, { types: ['work/bytes'], period: 'space/bytes', timeNanos: now, ...options })],
  })
const merged = async (query: string): Promise<string[]> => foldedText(await client.pprof(query, range))
const total = async (query: string): Promise<bigint> => {
  const series = await client.range(query, range)
  return series.flatMap(one => one.points).reduce((sum, point) => sum + point.value, 0n)
}

/** The same in the head and in a block. */
async function inHeadAndBlock(check: () => Promise<void>): Promise<void> {
  await check()
  await server.flush()
  await check()
}

test('samples without locations count, and are drawn as [no stack]', async () => {
  await push('bare', [' 5', ' 7', 'main 1'])
  await inHeadAndBlock(async () => {
    assert.deepEqual(await merged(typeOf('bare')), [' 12', 'main 1'])
    assert.equal(await total(typeOf('bare')), 13n)
    const { total: drawn, top } = await client.merge(typeOf('bare'), range, 'TOP')
    assert.equal(drawn, '13')
    assert.deepEqual(functionsOf(top), [
      ['[no stack]', '12', '12'],
      ['main', '1', '1'],
    ])
  })
})

test('negative values are kept, in sums too', async () => {
  await push('negative', ['main;a -5', 'main;b 3', 'main;a -9007199254740993'])
  await push('negative', ['main;a 1'], {}, { timeNanos: now + SECOND })
  await inHeadAndBlock(async () => {
    assert.deepEqual(await merged(typeOf('negative')), ['main;a -9007199254740997', 'main;b 3'])
    assert.equal(await total(typeOf('negative')), -9007199254740994n)
    const { top } = await client.merge(typeOf('negative'), range, 'TOP')
    assert.deepEqual(functionsOf(top), [
      ['a', '-9007199254740997', '-9007199254740997'],
      ['b', '3', '3'],
      ['main', '-9007199254740994', '0'],
    ])
  })
})

test('values above 2^53 and at the ends of int64 are exact', async () => {
  const most = 2n ** 63n - 1n
  await push('large', [`main;most ${most}`], { of: 'most' })
  await push('large', [`main;least ${-most - 1n}`], { of: 'least' })
  await push('large', [`main;odd ${2n ** 53n + 1n}`, `main;odd ${2n ** 53n + 1n}`], { of: 'odd' })
  await inHeadAndBlock(async () => {
    for (const [of, value] of [
      ['most', most],
      ['least', -most - 1n],
      ['odd', 2n ** 54n + 2n],
    ] as const) {
      assert.deepEqual(await merged(`${typeOf('large')}{of="${of}"}`), [`main;${of} ${value}`])
      assert.equal(await total(`${typeOf('large')}{of="${of}"}`), value)
    }
  })
})

test('a sum that leaves int64 is OUT_OF_RANGE with the number; one that comes back is exact', async () => {
  const half = 2n ** 62n
  await push('over', [`main;up ${half}`], { step: '1' })
  await push('over', [`main;up ${half}`], { step: '2' })
  const query = typeOf('over')
  await inHeadAndBlock(async () => {
    for (const report of ['PPROF', 'TOP', 'FLAMEGRAPH_ARROW', 'FLAMEGRAPH_TABLE', 'TABLE_ARROW']) {
      const { code, details } = await refusal(client.merge(query, range, report))
      assert.equal(code, 'OUT_OF_RANGE', report)
      assert.match(details, /9223372036854775808/)
      assert.match(details, /narrow/)
    }
    const { code, details } = await refusal(client.range(query, range))
    assert.equal(code, 'OUT_OF_RANGE')
    assert.match(details, /9223372036854775808/)
    const rest = await fetch(
      `${server.url}/api/v1/pprof?${new URLSearchParams({ query, start: seconds(range.start), end: seconds(range.end) })}`,
    )
    assert.equal(rest.status, 400)
    assert.match(await rest.text(), /9223372036854775808/)
    assert.equal((await client.range(query, range, { sumBy: ['step'] })).length, 2, 'apart they fit')
  })
  await push('over', [`main;up -1`], { step: '3' })
  await inHeadAndBlock(async () => {
    assert.deepEqual(await merged(query), [`main;up ${2n ** 63n - 1n}`])
    assert.equal(await total(query), 2n ** 63n - 1n)
  })
})

test('samples:count with a period in time comes multiplied, its pprof does not', async () => {
  await push(
    'cpu',
    ['main;a 3', 'main;b 4'],
    {},
    { types: ['samples/count'], period: 'cpu/nanoseconds', periodValue: 10_000_000n },
  )
  const query = 'cpu:samples:count:cpu:nanoseconds:delta{}'
  await inHeadAndBlock(async () => {
    assert.deepEqual(await merged(query), ['main;a 3', 'main;b 4'])
    assert.equal(await total(query), 70_000_000n)
    assert.equal((await client.merge(query, range, 'TOP')).total, '70000000')
  })
})

test('labels of samples are labels of the series; clashes are exported_, some are not kept', async () => {
  await push('labelled', [
    '{tenant=a} main;x 1',
    '{tenant=b} main;x 2',
    '{tenant=a,thread_id=7} main;y 4',
    'main;z 8',
    '{job=mine} main;j 16',
  ])
  const query = typeOf('labelled')
  await inHeadAndBlock(async () => {
    assert.deepEqual(await client.labels(range, 'job="numbers",tenant!=""'), ['job', 'tenant'])
    assert.deepEqual(await client.values('tenant', range), ['a', 'b'])
    assert.deepEqual(await client.values('exported_job', range), ['mine'])
    assert.deepEqual(await merged(`${query}{tenant="a"}`), ['main;x 1', 'main;y 4'])
    assert.deepEqual(await merged(`${query}{tenant=""}`), ['main;j 16', 'main;z 8'])
    assert.deepEqual(await merged(`${query}{exported_job="mine",job="numbers"}`), ['main;j 16'])
    assert.deepEqual(await merged(query), ['main;j 16', 'main;x 3', 'main;y 4', 'main;z 8'])
    const series = await client.range(query, range, { sumBy: ['tenant'] })
    assert.deepEqual(
      series.map(({ labels, points }) => [labels['tenant'] ?? '', points.reduce((n, p) => n + p.value, 0n)]).sort(),
      [
        ['', 24n],
        ['a', 5n],
        ['b', 2n],
      ],
    )
  })
  assert.ok((await server.metric('decima_ingest_labels_dropped_total')) >= 1)
})

test('label names of any script are kept and asked for as written', async () => {
  const labels = { 'http.route': '/a/{id}', größe: 'XL', 'a b': '"quoted"\\ \n', '\u{1f9f5}': 'thread' }
  await push('names', ['main 1'], labels)
  await inHeadAndBlock(async () => {
    const names = await client.labels(range, '"http.route"!=""')
    assert.deepEqual(new Set(names), new Set([...Object.keys(labels), 'job']))
    for (const [name, value] of Object.entries(labels)) {
      assert.deepEqual(await client.values(name, range), [value])
      assert.deepEqual(await merged(`${typeOf('names')}{${JSON.stringify(name)}=${JSON.stringify(value)}}`), ['main 1'])
      const [series] = await client.range(typeOf('names'), range, { sumBy: [name] })
      assert.deepEqual(series!.labels, { [name]: value })
    }
  })
})

test('names that are no PromQL name, and missing period types', async () => {
  await push('cpu-time', ['main 1'], {}, { period: '/' })
  await inHeadAndBlock(async () => {
    const type = 'cpu-time:work:bytes:::delta'
    assert.ok((await client.types(range)).includes(type))
    assert.deepEqual(await merged(`{__name__="${type}"}`), ['main 1'])
  })
})

test('bounds are inclusive to the nanosecond; equal times add', async () => {
  const at = now - 5n * SECOND + 1n
  await push('bounds', ['main;a 1'], {}, { timeNanos: at })
  await push('bounds', ['main;b 2'], {}, { timeNanos: at })
  await inHeadAndBlock(async () => {
    const between = async (start: bigint, end: bigint) =>
      foldedText(await client.pprof(typeOf('bounds'), { start, end }))
    assert.deepEqual(await between(at, at), ['main;a 1', 'main;b 2'])
    assert.deepEqual(
      (await client.range(typeOf('bounds'), { start: at, end: at }))[0]!.points.map(p => p.value),
      [3n],
    )
    assert.deepEqual(await client.types({ start: at, end: at }), [typeOf('bounds')])
    for (const [a, b] of [
      [at + 1n, at + SECOND],
      [at - SECOND, at - 1n],
    ] as const) {
      assert.ok(!(await client.types({ start: a, end: b })).includes(typeOf('bounds')))
    }
  })
})

const seconds = (nanos: bigint): string => String(nanos / SECOND)

// biome-ignore lint/suspicious/noExplicitAny: what a dynamic client answers has no type
const functionsOf = (top: any): [string, string, string][] =>
  // biome-ignore lint/suspicious/noExplicitAny: as above
  top.list.map((node: any) => [node.meta.function?.name ?? '', node.cumulative, node.flat]).sort()
