import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import type { HttpClientConfig, TlsConfig } from '../pkg/config/types.ts'
import { TEST_CERTIFICATE, TEST_KEY } from '../test/support/certificates.ts'
import {
  pprofOf,
  startEmptyTarget,
  startHangingUpTarget,
  startHugeTarget,
  startPprofTarget,
  startPrometheus,
  startRedirectingTarget,
  startSilentTarget,
  startStatusTarget,
  startTarget,
  startTricklingTarget,
  type TestTarget,
  unusedAddress,
} from '../test/support/targets.ts'
import { isLinkLocal } from './address.ts'
import { type Answer, createScrapeClient, type ScrapeClient } from './fetch.ts'

const plain: HttpClientConfig = {
  basicAuth: null,
  authorization: null,
  tls: null,
  followRedirects: true,
  enableHttp2: true,
  headers: [],
}
const open: { close(): Promise<void> }[] = []
after(() => Promise.all(open.map(one => one.close())))

async function up<T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const started = await starting
  open.push(started)
  return started
}

function client(http: Partial<HttpClientConfig> = {}, allowLinkLocal = false): ScrapeClient {
  const made = createScrapeClient({ http: { ...plain, ...http }, version: '1.2.3', allowLinkLocal })
  open.push(made)
  return made
}

const never = new AbortController().signal
const ask = (c: ScrapeClient, url: string, options: { deadlineMs?: number; bodyLimit?: number } = {}) =>
  c.get({ url, deadlineMs: options.deadlineMs ?? 5000, bodyLimit: options.bodyLimit ?? 1 << 20 }, never)

function bodyOf(answer: Answer | null): Uint8Array {
  assert.equal(answer?.kind, 'answered', JSON.stringify(answer))
  return (answer as { body: Uint8Array }).body
}

test('hands on the body as it came, over one connection, and says who asks', async () => {
  const target = await up(startPprofTarget({ secondMs: 1 }))
  const c = client()
  for (let i = 0; i < 5; i++) assert.ok(gunzipSync(bodyOf(await ask(c, target.url))).length > 100)
  assert.equal(target.connections(), 1)
  assert.equal(target.requests[0]!.headers['user-agent'], 'Decima/1.2.3')
  assert.match(String(target.requests[0]!.headers['accept-encoding']), /gzip/)
})

for (const [coding, pack] of [
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
] as const)
  test(`undoes Content-Encoding ${coding} and nothing else`, async () => {
    const profile = pprofOf(['a;b 1'])
    const target = await up(
      startTarget((_, response) => void response.writeHead(200, { 'content-encoding': coding }).end(pack(profile))),
    )
    assert.deepEqual(Buffer.from(bodyOf(await ask(client(), target.url))), Buffer.from(profile))
  })

test('a Content-Encoding bomb is too large', async () => {
  const bomb = gzipSync(Buffer.alloc(8 << 20))
  const target = await up(
    startTarget((_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)),
  )
  assert.deepEqual(await ask(client(), target.url, { bodyLimit: 1 << 20 }), { kind: 'too_large', limit: 1 << 20 })
})

test('a body that never ends is cut at the limit', async () => {
  const target = await up(startHugeTarget())
  assert.deepEqual(await ask(client(), target.url, { bodyLimit: 1 << 20 }), { kind: 'too_large', limit: 1 << 20 })
})

test('a body that says it is too large is not read', async () => {
  const target = await up(startTarget((_, r) => void r.writeHead(200, { 'content-length': 5000 }).write('x')))
  assert.deepEqual(await ask(client(), target.url, { bodyLimit: 1000 }), { kind: 'too_large', limit: 1000 })
})

for (const [what, start, stage] of [
  ['a target that never answers', startSilentTarget, 'waiting'],
  ['a body that trickles', startTricklingTarget, 'reading'],
] as const)
  test(`the deadline ends ${what}`, async () => {
    const target = await up(start())
    assert.deepEqual(await ask(client(), target.url, { deadlineMs: 150 }), { kind: 'timeout', afterMs: 150, stage })
  })

test('other statuses are refusals with the first line of the answer', async () => {
  const target = await up(startStatusTarget(404, 'no such profile\nat all'))
  assert.deepEqual(await ask(client(), target.url), { kind: 'refused', status: 404, detail: 'no such profile at all' })
  const long = await up(startStatusTarget(503, 'x'.repeat(1 << 20)))
  const answer = await ask(client(), long.url)
  assert.ok(answer?.kind === 'refused' && answer.status === 503 && answer.detail.length === 256)
})

test('a profile that is running already is busy', async () => {
  const target = await up(startPprofTarget({ secondMs: 300 }))
  const c = client()
  const first = ask(c, target.url)
  while (target.requests.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
  const second = await ask(c, target.url)
  assert.equal(second?.kind, 'busy')
  bodyOf(await first)
  const other = await up(startStatusTarget(500, 'out of cheese'))
  assert.equal((await ask(c, other.url))?.kind, 'refused')
})

test('an empty answer is handed on empty', async () => {
  assert.equal(bodyOf(await ask(client(), (await up(startEmptyTarget())).url)).length, 0)
})

test('nobody there is unreachable and says so', async () => {
  const answer = await ask(client(), `http://${await unusedAddress()}/`)
  assert.ok(answer?.kind === 'unreachable' && /ECONNREFUSED/.test(answer.reason), JSON.stringify(answer))
  const named = await ask(client(), `http://localhost:${(await unusedAddress()).split(':')[1]}/`)
  assert.ok(named?.kind === 'unreachable' && /ECONNREFUSED/.test(named.reason), JSON.stringify(named))
})

test('an answer that breaks off is unreachable', async () => {
  const target = await up(
    startTarget((_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('half')
      setTimeout(() => response.destroy(), 20)
    }),
  )
  const answer = await ask(client(), target.url)
  assert.ok(answer?.kind === 'unreachable' && /broke off/.test(answer.reason), JSON.stringify(answer))
  assert.equal(target.requests.length, 1)
})

test('a GET on a reused connection that dies is repeated once, on a new one', async () => {
  const target = await up(startHangingUpTarget(Buffer.from('profile')))
  const c = client()
  for (let i = 0; i < 3; i++) assert.equal(Buffer.from(bodyOf(await ask(c, target.url))).toString(), 'profile')
  assert.ok(target.connections() >= 2)
})

test('a new connection that dies is not asked again', async () => {
  const target = await up(startTarget((request, _) => void request.socket.destroy()))
  assert.equal((await ask(client(), target.url))?.kind, 'unreachable')
  assert.equal(target.requests.length, 1)
})

test('a caller that aborts gets null, and the target sees the connection go', async () => {
  let closed = false
  const target = await up(startTarget(request => void request.socket.on('close', () => (closed = true))))
  const stop = new AbortController()
  const answer = client().get({ url: target.url, deadlineMs: 60_000, bodyLimit: 0 }, stop.signal)
  while (target.requests.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
  stop.abort()
  assert.equal(await answer, null)
  while (!closed) await new Promise(resolve => setTimeout(resolve, 5))
  assert.equal(await client().get({ url: target.url, deadlineMs: 1000, bodyLimit: 0 }, stop.signal), null)
})

const withSecrets: Partial<HttpClientConfig> = {
  basicAuth: { username: { kind: 'text', text: 'ann' }, password: { kind: 'text', text: 's3cret' } },
  headers: [{ name: 'X-Token', values: [{ kind: 'text', text: 'tok', secret: true }] }],
}
const echo = () => startTarget((_, response) => void response.end('ok'))
const sent = (target: TestTarget) => {
  const { authorization, 'x-token': token } = target.requests.at(-1)!.headers
  return { authorization, token }
}

test('a redirect keeps credentials on the same host and drops them on another', async () => {
  const other = await up(echo())
  const target: TestTarget = await up(
    startTarget((request, response) => {
      if (request.url === '/end') return void response.end('ok')
      return void response.writeHead(307, { location: request.url === '/away' ? other.url : '/end' }).end()
    }),
  )
  const c = client(withSecrets)
  const basic = `Basic ${Buffer.from('ann:s3cret').toString('base64')}`
  bodyOf(await ask(c, `http://${target.address}/stay`))
  assert.deepEqual(sent(target), { authorization: basic, token: 'tok' })
  bodyOf(await ask(c, `http://${target.address}/away`))
  assert.deepEqual(sent(other), { authorization: undefined, token: undefined })
  assert.equal((await ask(client({ followRedirects: false }), `http://${target.address}/away`))?.kind, 'refused')
})

test('redirects end: in a circle, to another scheme, to a link-local address', async () => {
  const circle = await up(startRedirectingTarget(request => request.url!))
  assert.equal((await ask(client(), circle.url))?.kind, 'unreadable')
  assert.equal(circle.requests.length, 11)
  const odd = await up(startRedirectingTarget(() => 'file:///etc/passwd'))
  assert.equal((await ask(client(), odd.url))?.kind, 'unreadable')
  const inside = await up(startRedirectingTarget(() => 'http://169.254.169.254/latest/meta-data'))
  const answer = await ask(client(), inside.url)
  assert.ok(answer?.kind === 'forbidden' && /--scrape-allow-link-local/.test(answer.reason))
})

for (const [host, want] of [
  ['169.254.169.254', true],
  ['[fe80::1]', true],
  ['[::ffff:a9fe:a9fe]', true],
  ['[fd00:ec2::254]', true],
  ['[64:ff9b::a9fe:a9fe]', true],
  ['10.0.0.1', false],
  ['[fd00:ec2::253]', false],
  ['127.0.0.1', false],
  ['localhost', false],
] as const)
  test(`${host} is ${want ? '' : 'not '}link-local`, () => assert.equal(isLinkLocal(host), want))

test('numbers that mean a link-local address are one', async () => {
  assert.equal((await ask(client(), 'http://2852039166/'))?.kind, 'forbidden')
})

test('secrets in files are read again for each request; a missing one is said', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'decima-fetch-'))
  const path = join(folder, 'token')
  const target = await up(echo())
  const c = client({ authorization: { type: 'Bearer', credentials: { kind: 'file', path } } })
  for (const token of ['one', 'two']) {
    await writeFile(path, `${token}\n`)
    bodyOf(await ask(c, target.url))
    assert.equal(sent(target).authorization, `Bearer ${token}`)
  }
  await rm(folder, { recursive: true })
  const answer = await ask(c, target.url)
  assert.ok(answer?.kind === 'unprepared' && /cannot read the credentials/.test(answer.reason), JSON.stringify(answer))
})

const trusting: TlsConfig = {
  ca: { kind: 'text', text: TEST_CERTIFICATE },
  cert: null,
  key: null,
  serverName: null,
  insecureSkipVerify: false,
  minVersion: null,
  maxVersion: null,
}
const pair = { cert: TEST_CERTIFICATE, key: TEST_KEY }

test('https: a certificate is trusted when its authority is given, or when told not to look', async () => {
  const target = await up(startTarget((_, response) => void response.end('ok'), https.createServer(pair)))
  const url = `https://${target.address}/`
  assert.equal(Buffer.from(bodyOf(await ask(client({ tls: trusting }), url))).toString(), 'ok')
  bodyOf(await ask(client({ tls: { ...trusting, ca: null, insecureSkipVerify: true } }), url))
  const refused = await ask(client(), url)
  assert.ok(refused?.kind === 'unreachable' && /certificate/.test(refused.reason), JSON.stringify(refused))
  const named = await ask(client({ tls: { ...trusting, serverName: 'api.test' } }), url)
  assert.ok(named?.kind === 'unreachable' && /does not match/.test(named.reason), JSON.stringify(named))
})

test('https: the client certificate is shown to the target, not to where it redirects', async () => {
  const shown: boolean[] = []
  const server = () => https.createServer({ ...pair, requestCert: true, rejectUnauthorized: false })
  const note = (request: IncomingMessage) =>
    void shown.push(Object.keys((request.socket as TLSSocket).getPeerCertificate()).length > 0)
  const other = await up(
    startTarget((request, response) => {
      note(request)
      response.end('ok')
    }, server()),
  )
  const target = await up(
    startTarget((request, response) => {
      note(request)
      response.writeHead(302, { location: `https://${other.address}/` }).end()
    }, server()),
  )
  const tls = {
    ...trusting,
    cert: { kind: 'text', text: TEST_CERTIFICATE },
    key: { kind: 'text', text: TEST_KEY },
  } as const
  bodyOf(await ask(client({ tls }), `https://${target.address}/`))
  assert.deepEqual(shown, [true, false])
})

test('https: HTTP/2 where both sides have it', async () => {
  const server = http2.createSecureServer({ ...pair, allowHTTP1: true }, (request, response) => {
    response.end(request.httpVersion)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  open.push({ close: async () => void server.close() })
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const two = client({ tls: trusting })
  for (let i = 0; i < 3; i++) assert.equal(Buffer.from(bodyOf(await ask(two, url))).toString(), '2.0')
  const one = client({ tls: trusting, enableHttp2: false })
  assert.equal(Buffer.from(bodyOf(await ask(one, url))).toString(), '1.1')
  await Promise.all([two.close(), one.close()])
})

test("a real Go program: Debian's prometheus", async t => {
  const prometheus = await startPrometheus()
  if (prometheus === null) return t.skip('SKIPPED: /usr/bin/prometheus is not installed, no real Go program to scrape')
  open.push(prometheus)
  const c = client()
  for (const path of ['profile?seconds=1', 'allocs', 'goroutine', 'mutex', 'block']) {
    const body = bodyOf(await ask(c, `http://${prometheus.address}/debug/pprof/${path}`, { bodyLimit: 64 << 20 }))
    assert.deepEqual([...body.subarray(0, 2)], [0x1f, 0x8b], path)
  }
  const url = `http://${prometheus.address}/debug/pprof/profile?seconds=1`
  const [a, b] = await Promise.all([ask(c, url), ask(c, url)])
  assert.deepEqual([a?.kind, b?.kind].sort(), ['answered', 'busy'])
})
