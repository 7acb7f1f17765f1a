/** Our own HTTP: questions, status, self-profiles, admin, the page. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { RequestError } from '../../base/errors.ts'
import type { Explanation, ReportRequest } from '../../query/engine.ts'
import { fakeAdmin, fakeEngine, STATS, startServer, type TestServer } from '../testing.ts'
import { parseTime } from './time.ts'

const asked: ReportRequest[] = []
const calls: string[] = []
let record = new Uint8Array(0)
let dir: string
let server: TestServer

before(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'decima-page-'))
  mkdirSync(path.join(dir, 'assets'))
  writeFileSync(
    path.join(dir, 'index.html'),
    `<!doctype html><html><script src="/assets/app-AB12CD34.js"></script>${' '.repeat(500)}`,
  )
  writeFileSync(path.join(dir, 'assets/app-AB12CD34.js'), 'export {}')
  writeFileSync(path.join(dir, 'app.js.map'), '{}')
  server = await startServer({
    pageDir: dir,
    pagePaths: ['/targets'],
    enableAdminApi: true,
    enableLifecycle: true,
    engine: fakeEngine({
      async report(request) {
        asked.push(request)
        const { selection } = request
        if (selection.kind === 'merge' && selection.query === '{') {
          throw new RequestError('invalid_argument', 'failed to parse query', { span: [0, 1] })
        }
        const body =
          request.report === 'pprof'
            ? ({ kind: 'pprof', pprof: Uint8Array.of(0x1f, 0x8b) } as const)
            : ({ kind: 'web_flamegraph', record } as const)
        const profiles = selection.kind === 'merge' && selection.query === 'none' ? 0 : 1
        return { value: { body, unit: '', total: 0n, filtered: 0n, profiles }, stats: STATS }
      },
      async explain(query, range) {
        return { query, start: String(range.start), end: String(range.end), blocks: [] } as unknown as Explanation
      },
    }),
    admin: fakeAdmin({
      async selfProfile(kind, seconds) {
        calls.push(`${kind} ${seconds}`)
        return Uint8Array.of(1)
      },
      async reload() {
        calls.push('reload')
      },
      quit: () => calls.push('quit'),
    }),
  })
})
after(async () => {
  await server.close()
  rmSync(dir, { recursive: true })
})

const get = (target: string, init?: RequestInit) => fetch(server.url + target, init)

test('a merge as pprof', async () => {
  const response = await get(
    `/api/v1/pprof?query=${encodeURIComponent('cpu:a:b:c:d{x="/"}')}&start=1.000000001&end=1970-01-01T00:00:02Z`,
  )
  assert.equal(response.headers.get('content-type'), 'application/octet-stream')
  assert.equal(response.headers.get('content-disposition'), 'attachment; filename="cpu_a_b_c_d.pb.gz"')
  assert.deepEqual(JSON.parse(response.headers.get('decima-query-stats')!), STATS)
  assert.deepEqual([...new Uint8Array(await response.arrayBuffer())], [0x1f, 0x8b])
  const { selection, timesPeriod } = asked.at(-1)!
  const range = { start: 1_000_000_001n, end: 2_000_000_000n }
  assert.deepEqual([selection, timesPeriod], [{ kind: 'merge', query: 'cpu:a:b:c:d{x="/"}', range }, false])
})

for (const [target, status, text] of [
  ['/api/v1/pprof?query=none&start=1&end=2', 404, 'no profile matches the query in this time range\n'],
  ['/api/v1/pprof?start=1&end=2', 400, 'parameter "query" is missing\n'],
  ['/api/v1/pprof?query=x&start=1', 400, 'parameter "end" is missing\n'],
  ['/api/v1/pprof?query=x&start=2&end=1', 400, 'start must not be after end\n'],
  ['/api/v1/pprof?query=x&start=now&end=1', 400, 'start: "now" is neither RFC 3339 nor unix seconds\n'],
  ['/debug/pprof/goroutine', 404, 'Decima has no goroutines\n'],
  ['/debug/pprof/block', 404, 'Decima runs on an event loop: nothing blocks on a synchronization primitive\n'],
  ['/debug/pprof/toString', 404, 'there is no profile "toString"\n'],
  ['/debug/pprof/heap?seconds=-1', 400, 'seconds must be from 0 to 600, got "-1"\n'],
  ['/api/v1/admin/flush', 405, 'Only POST requests allowed\n'],
  ['/-/reload', 405, 'Only POST or PUT requests allowed\n'],
  ['/-/quit', 405, 'Only POST or PUT requests allowed\n'],
  ['/nope', 404, '404 page not found\n'],
  ['/app.js.map', 404, '404 page not found\n'],
  ['/../index.html', 200, null],
  ['/..%2f..%2fetc%2fpasswd', 404, '404 page not found\n'],
] as const) {
  test(`GET ${target} is ${status}`, async () => {
    const response = await get(target)
    const body = await response.text()
    assert.deepEqual([response.status, text === null ? null : body], [status, text])
  })
}

test('a flame graph, plain when short, gzip when long and accepted', async () => {
  record = new Uint8Array(8)
  const short = await get(
    '/api/v1/flamegraph?query=x&start=1&end=2&trim_percent=0.1&invert=true&group_by=labels.a&group_by=labels.b',
  )
  assert.deepEqual(
    [short.headers.get('content-type'), short.headers.get('content-encoding')],
    ['application/vnd.apache.arrow.stream', null],
  )
  const { trimPercent, invert, groupBy } = asked.at(-1)!
  assert.deepEqual([trimPercent, invert, groupBy], [0.1, true, ['labels.a', 'labels.b']])
  record = new Uint8Array(5_000).fill(7)
  const long = await get('/api/v1/flamegraph?query=x&start=1&end=2')
  assert.equal(long.headers.get('content-encoding'), 'gzip')
  assert.deepEqual(new Uint8Array(await long.arrayBuffer()), record)
  const plain = await get('/api/v1/flamegraph?query=x&start=1&end=2', { headers: { 'accept-encoding': 'identity' } })
  assert.equal(plain.headers.get('content-encoding'), null)
})

test('a diff, its base where not given as the other side', async () => {
  await get('/api/v1/flamegraph?query=x&start=10&end=20&base_start=0&base_end=10')
  assert.deepEqual(asked.at(-1)!.selection, {
    kind: 'diff',
    base: { kind: 'merge', query: 'x', range: { start: 0n, end: 10_000_000_000n } },
    compare: { kind: 'merge', query: 'x', range: { start: 10_000_000_000n, end: 20_000_000_000n } },
    absolute: false,
  })
  await get('/api/v1/flamegraph?query=x&time=1.5&base_query=y&base_time=0.25&absolute=1')
  assert.deepEqual(asked.at(-1)!.selection, {
    kind: 'diff',
    base: { kind: 'single', query: 'y', timeMs: 250 },
    compare: { kind: 'single', query: 'x', timeMs: 1_500 },
    absolute: true,
  })
})

test('an error of a query says where it is', async () => {
  const response = await get('/api/v1/flamegraph?query=%7B&start=1&end=2')
  const want = { code: 3, message: 'failed to parse query', details: [], span: [0, 1] }
  assert.deepEqual([response.status, await response.json()], [400, want])
})

test('explain, version, flags, config, metrics', async () => {
  assert.deepEqual(await (await get('/api/v1/query/explain?query=x&start=1&end=2')).json(), {
    query: 'x',
    start: '1000000000',
    end: '2000000000',
    blocks: [],
  })
  assert.equal(((await (await get('/version')).json()) as { version: string }).version, '0.1.0')
  assert.equal(await (await get('/flags')).text(), '--mode=all\n')
  const flags = await (await get('/flags', { headers: { accept: 'application/json' } })).json()
  assert.deepEqual(flags, [{ name: 'mode', value: 'all', default: 'all', help: 'what runs in this process' }])
  assert.equal(await (await get('/config')).text(), 'scrape_configs: []\n')
  const metrics = await get('/metrics')
  assert.deepEqual(
    [metrics.headers.get('content-type'), await metrics.text()],
    ['text/plain; version=0.0.4', 'decima_up 1\n'],
  )
})

test('self-profiles', async () => {
  calls.length = 0
  for (const target of ['profile', 'profile?seconds=2', 'heap', 'allocs?seconds=1']) {
    const response = await get(`/debug/pprof/${target}`)
    assert.equal(response.headers.get('content-type'), 'application/octet-stream')
    await response.arrayBuffer()
  }
  assert.deepEqual(calls, ['profile 30', 'profile 2', 'heap 0', 'allocs 1'])
  assert.match(await (await get('/debug/pprof/')).text(), /profile {2}CPU time/)
})

test('admin and lifecycle, on', async () => {
  calls.length = 0
  const flush = await get('/api/v1/admin/flush', { method: 'POST' })
  assert.deepEqual(await flush.json(), { status: 'success', data: { blocks: ['01J00000000000000000000000'] } })
  assert.equal((await get('/-/reload', { method: 'PUT' })).status, 200)
  assert.match(await (await get('/-/quit', { method: 'POST' })).text(), /Goodbye/)
  assert.deepEqual(calls, ['reload', 'quit'])
})

test('admin and lifecycle, off; a reload that fails', async () => {
  const off = await startServer()
  for (const [target, text] of [
    ['/api/v1/admin/flush', 'Admin API is not enabled.\n'],
    ['/-/reload', 'Lifecycle API is not enabled.\n'],
    ['/-/quit', 'Lifecycle API is not enabled.\n'],
  ] as const) {
    const response = await fetch(off.url + target, { method: 'POST' })
    assert.deepEqual([response.status, await response.text()], [403, text])
  }
  await off.close()
  const broken = await startServer({
    enableLifecycle: true,
    admin: fakeAdmin({ reload: () => Promise.reject(new Error('parca.yaml:1:1: no')) }),
  })
  const response = await fetch(`${broken.url}/-/reload`, { method: 'POST' })
  assert.deepEqual([response.status, await response.text()], [500, 'failed to reload config: parca.yaml:1:1: no\n'])
  await broken.close()
})

test('the page: its paths, its policy, its caching', async () => {
  for (const target of ['/', '/targets', '/targets/', '/index.html']) {
    const response = await get(target)
    assert.match(await response.text(), /^<!doctype html>/)
    assert.equal(response.headers.get('cache-control'), 'no-cache')
    assert.match(response.headers.get('content-security-policy')!, /^default-src 'none'; script-src 'self';/)
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(response.headers.get('referrer-policy'), 'no-referrer')
    assert.equal(response.headers.get('x-powered-by'), null)
  }
  const asset = await get('/assets/app-AB12CD34.js')
  assert.equal(asset.headers.get('content-type'), 'text/javascript; charset=utf-8')
  assert.equal(asset.headers.get('cache-control'), 'public, max-age=31536000, immutable')
  const head = await get('/', { method: 'HEAD' })
  assert.deepEqual([head.status, await head.text()], [200, ''])
})

test('below a prefix the page asks for its files there', async () => {
  const below = await startServer({ pageDir: dir, pathPrefix: '/p' })
  assert.match(
    await (await fetch(`${below.url}/p/`)).text(),
    /<html data-path-prefix="\/p"><script src="\/p\/assets\/app-AB12CD34\.js">/,
  )
  assert.equal((await fetch(`${below.url}/p/assets/app-AB12CD34.js`)).status, 200)
  const nope = await fetch(`${below.url}/p/api/nope`)
  assert.deepEqual([nope.status, await nope.json()], [404, { code: 5, message: 'Not Found', details: [] }])
  await below.close()
})

for (const [text, want] of [
  ['0', 0n],
  ['1700000000.123456789', 1_700_000_000_123_456_789n],
  ['-1.5', -1_500_000_000n],
  ['1970-01-01T00:00:00.000000001Z', 1n],
  ['1970-01-01T01:00:00+01:00', 0n],
  ['1970-01-01T01:00:00 01:00', 0n],
  ['1970-01-01t00:00:01z', 1_000_000_000n],
] as const) {
  test(`time ${text}`, () => assert.equal(parseTime(text, 'start'), want))
}
for (const text of ['', 'now', '1e9', '2026-13-01T00:00:00Z', '2026-01-01', '0x10', '1.', 'NaN']) {
  test(`time "${text}" is refused`, () => assert.throws(() => parseTime(text, 'start'), RequestError))
}
