/** gRPC-web over HTTP/1.1, by the client Parca's own page uses, and its text form by hand. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type * as Parca from '@parca/client'
import { GrpcWebFetchTransport } from '@protobuf-ts/grpcweb-transport'
import type { RpcError } from '@protobuf-ts/runtime-rpc'
import { build } from 'esbuild'
import fc from 'fast-check'
import { RequestError } from '../base/errors.ts'
import { base64Decoder, base64Encoder } from './grpc/text.ts'
import { fakeEngine, STATS, startServer, type TestServer } from './testing.ts'

/** The client is written for bundlers: its imports have no file extensions. */
async function loadParcaClient(): Promise<typeof Parca> {
  const stdin = { contents: "export * from '@parca/client'", resolveDir: import.meta.dirname }
  const { outputFiles } = await build({ stdin, bundle: true, format: 'esm', platform: 'node', write: false })
  return await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0]!.contents).toString('base64')}`)
}

let parca: typeof Parca
let server: TestServer
before(async () => {
  parca = await loadParcaClient()
  server = await startServer({
    corsAllowedOrigins: ['http://localhost:3000'],
    engine: fakeEngine({
      async profileTypes() {
        const parts = { sampleType: 'a', sampleUnit: 'b', periodType: 'c', periodUnit: 'd' }
        return { value: [{ name: 'größe', ...parts, delta: false }], stats: STATS }
      },
      async range() {
        throw new RequestError('not_found', 'nothing')
      },
      async report() {
        const body = { kind: 'flamegraph_arrow', record: Uint8Array.of(7), height: 2, trimmed: 0n } as const
        return { value: { body, unit: 'bytes', total: -1n, filtered: 0n, profiles: 1 }, stats: STATS }
      },
    }),
  })
})
after(() => server.close())

for (const base of ['', '/api', '/some/prefix/api']) {
  test(`Parca's client asks at "${base}"`, async () => {
    const transport = new GrpcWebFetchTransport({ baseUrl: server.url + base, format: 'binary' })
    const client = new parca.QueryServiceClient(transport)
    const types = await client.profileTypes({})
    assert.equal(types.response.types[0]!.name, 'größe')
    assert.deepEqual(JSON.parse(String(types.trailers['decima-query-stats'])), STATS)
    const time = { seconds: 1n, nanos: 0 }
    const merge = { query: 'x', start: time, end: time }
    const { response } = await client.query({
      mode: 2,
      options: { oneofKind: 'merge', merge },
      reportType: parca.QueryRequest_ReportType.FLAMEGRAPH_ARROW,
      filter: [],
    })
    assert.equal(response.total, -1n)
    assert.ok(response.report.oneofKind === 'flamegraphArrow' && response.report.flamegraphArrow.record[0] === 7)
    const error = await client.queryRange({ query: 'x', start: time, end: time, limit: 0, sumBy: [] }).then(
      () => assert.fail('it was answered'),
      (thrown: RpcError) => thrown,
    )
    assert.equal(error.code, 'NOT_FOUND')
    assert.match(error.message, /^No data found for the query, try/)
  })
}

test('a push over gRPC-web', async () => {
  const client = new parca.ProfileStoreServiceClient(
    new GrpcWebFetchTransport({ baseUrl: server.url, format: 'binary' }),
  )
  const labels = { labels: [{ name: '__name__', value: 'cpu' }] }
  const samples = [{ rawProfile: Uint8Array.of(1, 2), executableInfo: [] }]
  await client.writeRaw({ tenant: '', normalized: false, series: [{ labels, samples }] })
  assert.deepEqual([...server.pushed.splice(0)[0]!.profiles[0]!.body], [1, 2])
})

test('the text form: base64 both ways', async () => {
  const response = await fetch(`${server.url}/parca.query.v1alpha1.QueryService/ProfileTypes`, {
    method: 'POST',
    headers: { 'content-type': 'application/grpc-web-text+proto', origin: 'http://localhost:3000' },
    body: Buffer.from([0, 0, 0, 0, 0]).toString('base64'),
  })
  assert.equal(response.headers.get('content-type'), 'application/grpc-web-text+proto')
  assert.equal(response.headers.get('access-control-allow-origin'), 'http://localhost:3000')
  const bytes = Buffer.from(await response.text(), 'base64')
  assert.ok(bytes.includes('größe') && bytes.includes('grpc-status: 0'))
})

test('Connect: JSON in, JSON out, stats as a header', async () => {
  const path = `${server.url}/parca.query.v1alpha1.QueryService/ProfileTypes`
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(path, { method: 'POST', headers, body: '{}' })
  assert.equal(((await response.json()) as { types: { name: string }[] }).types[0]!.name, 'größe')
  assert.deepEqual(JSON.parse(response.headers.get('decima-query-stats')!), STATS)
})

test('a preflight is answered for an origin that is allowed, and bare for others', async () => {
  const ask = (origin: string) =>
    fetch(`${server.url}/parca.query.v1alpha1.QueryService/Query`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-grpc-web' },
    })
  const good = await ask('http://localhost:3000')
  assert.deepEqual(
    [
      good.status,
      good.headers.get('access-control-allow-headers'),
      good.headers.get('access-control-allow-credentials'),
    ],
    [204, 'x-grpc-web', 'true'],
  )
  const bad = await ask('http://localhost:3001')
  assert.deepEqual([bad.status, bad.headers.get('access-control-allow-origin')], [204, null])
})

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}
async function* cut(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

test('base64 of any bytes, cut anywhere, comes back; padding inside is fine', async () => {
  const bytes = fc.uint8Array({ maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(bytes, bytes, fc.integer({ min: 1, max: 7 }), async (a, b, size) => {
      const encoded = await collect(base64Encoder(cut(a, size)))
      assert.equal(encoded.toString(), Buffer.from(a).toString('base64'))
      const both = Buffer.concat([encoded, Buffer.from(Buffer.from(b).toString('base64'))])
      assert.deepEqual(await collect(base64Decoder(cut(both, size))), Buffer.concat([a, b]))
    }),
    { numRuns: 200 },
  )
})
