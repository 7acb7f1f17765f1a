/** Pushes by an independent gRPC client. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as grpc from '@grpc/grpc-js'
import { DEFAULT_LIMITS } from '../contract.ts'
import { startServer, type TestServer } from '../testing.ts'
import { type Any, ask, clientOf, rawClient, refused } from '../testing-grpc.ts'

let server: TestServer
let store: Any

before(async () => {
  server = await startServer({ limits: { ...DEFAULT_LIMITS, messageSize: 4 << 20 } })
  store = clientOf(server.host, 'parca.profilestore.v1alpha1.ProfileStoreService')
})
after(async () => {
  store.close()
  await server.close()
})

test('a push: every sample a profile, with the labels of its series', async () => {
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
    { name: '__stack__', value: 'x' },
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

test('a message over the limit is RESOURCE_EXHAUSTED, and the connection lives on', async () => {
  const samples = [{ raw_profile: Buffer.alloc(5 << 20) }]
  const [code] = await refused(store, 'WriteRaw', { series: [{ labels: { labels: [] }, samples }] })
  assert.equal(code, 'RESOURCE_EXHAUSTED')
  assert.deepEqual((await ask(store, 'WriteRaw', {})).value, {})
})

test('Arrow pushes are not served yet and say so', async () => {
  assert.equal((await refused(store, 'WriteArrow', {}))[0], 'UNIMPLEMENTED')
  const stream = store.Write()
  const error = await new Promise<grpc.ServiceError>(resolve => stream.on('error', resolve).on('data', () => {}))
  assert.equal(grpc.status[error.code], 'UNIMPLEMENTED')
})

for (const [what, bytes, want] of [
  ['ends early', [0xff, 0xff], /premature EOF/],
  // WriteRawRequest{series{labels{label{name: FF}}}}
  ['has a label that is not UTF-8', [0x12, 7, 0x0a, 5, 0x0a, 3, 0x0a, 1, 0xff], /utf-8/],
] as const) {
  test(`a message that ${what} is INVALID_ARGUMENT`, async () => {
    const client = rawClient(server.host, '/parca.profilestore.v1alpha1.ProfileStoreService/WriteRaw')
    const [code, text] = await refused(client, 'Raw', Buffer.from(bytes))
    assert.equal(code, 'INVALID_ARGUMENT')
    assert.match(text, want)
    client.close()
  })
}
