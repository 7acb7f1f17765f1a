/** The port itself: raw sockets, both versions of HTTP, slow and silent clients, closing, and the table of routes. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { DEFAULT_LIMITS } from './contract.ts'
import { parseAddress } from './listener.ts'
import { ROUTES, type RouteName, RPCS, splitRoute } from './routes.ts'
import { rpcNameOf } from './rpc.ts'
import { fakeAdmin, fakeEngine, STATS, startServer } from './testing.ts'

const GET = 'GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'

async function talk(port: number, pieces: readonly (string | Buffer)[], half = false): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  let said = ''
  socket.on('data', chunk => {
    said += chunk.toString('latin1')
  })
  const closed = once(socket, 'close')
  await once(socket, 'connect')
  for (const piece of pieces) {
    socket.write(piece)
    await sleep(5)
  }
  if (half) socket.end()
  await closed
  return said
}

test('the first bytes decide, however they are cut', async () => {
  const server = await startServer()
  for (const pieces of [[GET], ['G', 'E', GET.slice(2)], ['GE', GET.slice(2)], [...'GET ', GET.slice(4)]]) {
    assert.match(await talk(server.port, pieces), /^HTTP\/1\.1 200 OK.*Decima is Healthy\.\n$/s)
  }
  // A client may close its side once it has asked.
  assert.match(await talk(server.port, [GET], true), /Decima is Healthy/)
  assert.match(
    await talk(server.port, ['PUT /nope HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n']),
    /^HTTP\/1\.1 404/,
  )
  await server.close()
})

test('an HTTP/2 preface byte by byte', async () => {
  const server = await startServer()
  const socket = net.connect(server.port, '127.0.0.1')
  await once(socket, 'connect')
  for (const byte of 'PRI') {
    socket.write(byte)
    await sleep(5)
  }
  socket.write(Buffer.from(' * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1'))
  const [first] = (await once(socket, 'data')) as [Buffer]
  assert.equal(first[3], 4, 'a SETTINGS frame')
  socket.destroy()
  await server.close()
})

async function askHttp2(url: string, headers: http2.OutgoingHttpHeaders, body?: string) {
  const session = http2.connect(url)
  const stream = session.request(headers, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
  let text = ''
  for await (const chunk of stream) text += chunk
  session.close()
  return { answer, text }
}

test('HTTP/2 asks for pages and REST too', async () => {
  const server = await startServer({ pathPrefix: '/decima' })
  const healthy = await askHttp2(server.url, { ':path': '/decima/-/healthy' })
  assert.deepEqual([healthy.answer[':status'], healthy.text], [200, 'Decima is Healthy.\n'])
  const labels = { labels: [{ name: '__name__', value: 'x' }] }
  const push = JSON.stringify({ series: [{ labels, samples: [{ rawProfile: 'AQ==' }] }] })
  const pushed = await askHttp2(server.url, { ':method': 'POST', ':path': '/decima/api/profiles/writeraw' }, push)
  assert.deepEqual([pushed.answer[':status'], pushed.text, server.pushed.length], [200, '{}', 1])
  const nope = await askHttp2(server.url, { ':path': '/nope' })
  assert.equal(nope.answer[':status'], 404)
  await server.close()
})

test('a client that says nothing, or never ends its headers, is closed', async () => {
  const server = await startServer({ limits: { ...DEFAULT_LIMITS, headersTimeoutMs: 40 } })
  assert.equal(await talk(server.port, []), '')
  assert.equal(await talk(server.port, ['GE']), '')
  assert.match(await talk(server.port, ['GET / HTTP/1.1\r\nHost: h\r\nX-A: 1']), /^HTTP\/1\.1 408/)
  await server.close()
})

test('a port in use is the caller’s to know', async () => {
  const first = await startServer()
  await assert.rejects(startServer({ address: first.host }), { code: 'EADDRINUSE' })
  await first.close()
  const again = await startServer({ address: first.host })
  await again.close()
})

test('closing waits for what runs and for nothing else', async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
  const server = await startServer({
    engine: fakeEngine({
      async profileTypes() {
        ask()
        await answered
        return { value: [], stats: STATS }
      },
    }),
  })
  const agent = new http.Agent({ keepAlive: true })
  const idle = await new Promise<http.IncomingMessage>(resolve => http.get(`${server.url}/-/ready`, { agent }, resolve))
  idle.resume()
  const silent = net.connect(server.port, '127.0.0.1')
  const running = fetch(`${server.url}/api/profiles/types`)
  await asked
  const closing = server.close()
  assert.equal(server.close(), closing, 'the second call waits for the first')
  await once(silent, 'close')
  await assert.rejects(fetch(`${server.url}/-/ready`))
  answer()
  assert.deepEqual(await (await running).json(), { types: [] })
  await closing
  agent.destroy()
})

test('what does not end within the grace is destroyed', async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<AbortSignal>()
  const server = await startServer({
    limits: { ...DEFAULT_LIMITS, closeGraceMs: 20 },
    engine: fakeEngine({
      profileTypes(_range, signal) {
        ask(signal!)
        return new Promise(() => {})
      },
    }),
  })
  const running = fetch(`${server.url}/api/profiles/types`)
  const signal = await asked
  const aborted = once(signal, 'abort')
  await server.close()
  await assert.rejects(running)
  await aborted
})

test('a client of REST that goes away takes its question with it', async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<AbortSignal>()
  const server = await startServer({
    engine: fakeEngine({
      profileTypes(_range, signal) {
        ask(signal!)
        return new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)))
      },
    }),
  })
  const gone = new AbortController()
  const running = fetch(`${server.url}/api/profiles/types`, { signal: gone.signal })
  const signal = await asked
  const aborted = once(signal, 'abort')
  gone.abort()
  await assert.rejects(running)
  await aborted
  await server.close()
})

test('a handler that throws, or an engine that is broken, answers 500 and nothing dies', async () => {
  const logged: string[] = []
  const server = await startServer({
    engine: fakeEngine({
      profileTypes() {
        throw new TypeError('boom')
      },
    }),
    admin: fakeAdmin({ metrics: () => Promise.reject(new Error('no metrics')) }),
    log: {
      debug() {},
      info() {},
      warn() {},
      error: (message, fields) => logged.push(`${message}: ${fields?.['err']}`),
    },
  })
  const api = await fetch(`${server.url}/api/profiles/types`)
  assert.deepEqual([api.status, await api.json()], [500, { code: 13, message: 'boom', details: [] }])
  const metrics = await fetch(`${server.url}/metrics`)
  assert.deepEqual([metrics.status, await metrics.text()], [500, 'no metrics\n'])
  assert.deepEqual(logged, ['request failed: boom', 'request failed: no metrics'])
  assert.equal((await fetch(`${server.url}/-/healthy`)).status, 200)
  await server.close()
})

test('before the store is read: healthy, not ready, questions 503', async () => {
  let ready = false
  const server = await startServer({ admin: fakeAdmin({ ready: () => ready }) })
  const get = async (path: string) => {
    const response = await fetch(server.url + path)
    return [response.status, await response.text()]
  }
  assert.deepEqual(await get('/-/healthy'), [200, 'Decima is Healthy.\n'])
  assert.equal((await get('/-/ready'))[0], 503)
  assert.equal((await get('/metrics'))[0], 200)
  const [status, text] = await get('/api/profiles/types')
  assert.deepEqual([status, JSON.parse(String(text)).code], [503, 14])
  ready = true
  assert.deepEqual(await get('/-/ready'), [200, 'Decima is Ready.\n'])
  await server.close()
})

test('every row of the table is served, under its prefix, and nothing answers as the page', async () => {
  const served: string[] = []
  const server = await startServer({ pathPrefix: '/p', observe: ({ route }) => served.push(route) })
  for (const name of Object.keys(ROUTES) as RouteName[]) {
    const { method, path } = splitRoute(name)
    const url = `${server.url}/p${path.replace('{*page}', 'page').replace(/:\w+/, 'x')}`
    await (await fetch(url, { method })).text()
    assert.equal(served.at(-1), name)
    assert.ok(['public', 'read', 'write', 'admin'].includes(ROUTES[name].scope))
  }
  for (const name of Object.keys(RPCS)) {
    const headers = { 'content-type': 'application/grpc-web+proto' }
    const body = Buffer.from([0, 0, 0, 0, 0])
    const response = await fetch(`${server.url}/p/${name}`, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(2_000),
    })
    const streams = response.status === 505
    if (!streams) await response.body?.cancel()
    assert.ok(streams || served.at(-1) === name, `${name} was not served`)
  }
  await server.close()
})

for (const [url, want] of [
  ['/a.B/C', 'a.B/C'],
  ['/api/a.B/C?x=/y.z/w', 'a.B/C'],
  ['/a/C', null],
  ['/C', null],
  ['*', null],
  ['', null],
] as const) {
  test(`the RPC of "${url}"`, () => assert.equal(rpcNameOf(url), want))
}

for (const [address, want] of [
  [':7070', { host: '', port: 7070 }],
  ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  ['[::1]:80', { host: '::1', port: 80 }],
] as const) {
  test(`address ${address}`, () => assert.deepEqual(parseAddress(address), want))
}
for (const address of ['7070', 'localhost', ':x', ':65536', '::1:80']) {
  test(`address ${address} is refused`, () => assert.throws(() => parseAddress(address), /is not host:port/))
}
