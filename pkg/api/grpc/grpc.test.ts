/** Health, reflection and what every RPC has: readiness, cancellation. By an independent gRPC client. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { RequestError } from '../../base/errors.ts'
import { fakeAdmin, fakeEngine, startServer, type TestServer } from '../testing.ts'
import { type Any, ask, clientOf, rawClient, refused } from '../testing-grpc.ts'

let server: TestServer
before(async () => {
  server = await startServer()
})
after(() => server.close())

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
  const client = rawClient(server.host, '/parca.query.v1alpha1.QueryService/Nope')
  const want = ['UNIMPLEMENTED', 'unknown RPC parca.query.v1alpha1.QueryService/Nope']
  assert.deepEqual(await refused(client, 'Raw', Buffer.alloc(0)), want)
  client.close()
})

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
