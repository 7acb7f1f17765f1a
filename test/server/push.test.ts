/**
 * Pushes that are wrong, too large, or made twice, by gRPC and by REST: each refusal says what is wrong and where, and
 * nothing of it is stored.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { type FoldedOptions, foldedProfile, foldedText } from '../support/folded.ts'
import { connectParca, type LabelMap, type ParcaClient, type Push, refusal } from '../support/parca-client.ts'
import { bytes, int, text } from '../support/protobuf.ts'
import { ADMIN, type RealServer, testServers } from '../support/server.ts'

const { start, folder } = testServers()
const SECOND = 1_000_000_000n
const now = BigInt(Date.now()) * 1_000_000n
const range = { start: now - 10n * SECOND, end: now + 10n * SECOND }
const QUERY = 'push:work:bytes:space:bytes:delta{}'
const labels = { __name__: 'push', job: 'push' }

const profile = (lines: readonly string[], options: Partial<FoldedOptions> = {}) =>
  foldedProfile(lines, { types: ['work/bytes'], period: 'space/bytes', timeNanos: now, ...options })
const good = profile(['main;serve 3'])

let server: RealServer
let client: ParcaClient
before(async () => {
  server = await start({
    flags: [
      ADMIN,
      '--sample-limit=50',
      '--string-limit=500',
      '--label-limit=4',
      '--body-size-limit=1MiB',
      '--message-size-limit=4MiB',
    ],
  })
  client = connectParca(server.host)
  void server.exited.then(() => client.close())
})

async function rest(series: readonly Push[]): Promise<{ status: number; code: number; message: string }> {
  const response = await fetch(`${server.url}/api/profiles/writeraw`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      series: series.map(one => ({
        labels: { labels: Object.entries(one.labels).map(([name, value]) => ({ name, value })) },
        samples: one.bodies.map(body => ({ rawProfile: Buffer.from(body).toString('base64') })),
      })),
    }),
  })
  return { status: response.status, ...((await response.json()) as { code: number; message: string }) }
}

/** Refused by both protocols with the same text, and nothing is there afterwards. */
async function refused(series: readonly Push[], want: RegExp, status = 400): Promise<void> {
  const byGrpc = await refusal(client.push(...series))
  assert.match(byGrpc.details, want)
  assert.equal(byGrpc.code, 'INVALID_ARGUMENT', byGrpc.details)
  const byRest = await rest(series)
  assert.equal(byRest.message, byGrpc.details)
  assert.equal(byRest.status, status)
  assert.deepEqual(await client.types(), [], 'nothing is stored')
  assert.equal(await server.metric('decima_frostdb_head_profiles'), 0)
}

const header = [
  ...bytes(1, [...int(1, 1), ...int(2, 2)]),
  ...text(6, ''),
  ...text(6, 'work'),
  ...text(6, 'bytes'),
  ...int(9, now),
]
const malformed: [string, Uint8Array, RegExp][] = [
  ['text', Buffer.from('Could not enable CPU profiling'), /byte \d+/],
  ['cut in the middle', good.subarray(0, good.length >> 1), /byte \d+/],
  [
    'a string that is not there',
    Uint8Array.from([...header, ...bytes(5, [...int(1, 1), ...int(2, 99)])]),
    /function\[0\]\.name.*byte \d+/,
  ],
  [
    'a location that is not there',
    Uint8Array.from([...header, ...bytes(2, [...bytes(1, [7]), ...bytes(2, [1])])]),
    /sample.*location.*7.*byte \d+/,
  ],
  ['too few values', Uint8Array.from([...header, ...bytes(2, [])]), /sample.*value.*byte \d+/],
  ['a number where a message belongs', Uint8Array.from([...header, ...int(2, 5)]), /sample.*byte \d+/],
  ['gzip cut in the middle', gzipSync(good).subarray(0, 60), /gzip/],
  ['gzip whose checksum is wrong', changed(gzipSync(good)), /gzip/],
  ['no sample types', Uint8Array.from([...text(6, ''), ...int(9, now)]), /sample types/],
]
for (const [name, body, want] of malformed)
  test(`malformed: ${name}`, async () => {
    const at = (place: string) => new RegExp(`^${place}: .*${want.source}`)
    await refused([{ labels, bodies: [body] }], at('series 0: sample 0'))
    await refused([{ labels, bodies: [good, body] }], at('series 0: sample 1'))
    const other = { ...labels, job: 'other' }
    await refused(
      [
        { labels, bodies: [good] },
        { labels: other, bodies: [body, good] },
      ],
      at('series 1: sample 0'),
    )
  })

test('an empty body', () =>
  refused([{ labels, bodies: [good, new Uint8Array(0)] }], /series 0: sample 1: raw_profile is empty/))

const times: [string, bigint, RegExp][] = [
  ['none', 0n, /time_nanos is not set/],
  ['ahead', now + 11n * 60n * SECOND, /time_nanos \d+ is more than 10 minutes ahead/],
  ['older than what is kept', now - 31n * 86_400n * SECOND, /time_nanos \d+ is older than .*--storage-retention-time/],
]
for (const [name, timeNanos, want] of times)
  test(`time: ${name}`, () => refused([{ labels, bodies: [profile(['main 1'], { timeNanos })] }], want))

const wrongLabels: [string, LabelMap, RegExp][] = [
  ['no name', { job: 'x' }, /series 0: label __name__/],
  ['an empty name', { __name__: 'push', '': 'x' }, /series 0: a label has no name/],
  ['too many', { ...labels, a: '1', b: '2', c: '3', d: '4' }, /5 labels.*--label-limit \(4\)/],
  ['a long name', { ...labels, ['n'.repeat(1025)]: '1' }, /1025 bytes.*--label-name-length-limit \(1024\)/],
  ['a long value', { ...labels, a: 'ä'.repeat(2049) }, /4098 bytes.*--label-value-length-limit \(4096\)/],
]
for (const [name, given, want] of wrongLabels)
  test(`labels: ${name}`, () => refused([{ labels: given, bodies: [good] }], want))

test('limits: samples, strings, size; each is named', async () => {
  const many = (n: number) => Array.from({ length: n }, (_, i) => `main;f${i} 1`)
  await refused([{ labels, bodies: [profile(many(51))] }], /51.*sample-limit.*50|sample-limit.*50/)
  await refused(
    [
      {
        labels,
        bodies: [
          profile([
            Array.from({ length: 600 }, (_, i) => `f${i}`)
              .join(';')
              .concat(' 1'),
          ]),
        ],
      },
    ],
    /string-limit.*500/,
  )
  await refused([{ labels, bodies: [profile([`${'x'.repeat(2 ** 20)} 1`])] }], /body-size-limit/, 413)
})

test('a gzip bomb costs no more than the limit', async () => {
  const member = gzipSync(Buffer.alloc(16 << 20))
  const bomb = Buffer.concat(Array.from({ length: 32 }, () => member)) // 512 MiB in half a MiB
  const before = peakMemory(server)
  await refused([{ labels, bodies: [bomb] }], /body-size-limit/, 413)
  assert.ok(peakMemory(server) - before < 128 << 20, 'peak memory')
})

test('many bombs in one request cost no more than a few bodies', async () => {
  const bomb = gzipSync(Buffer.alloc(1 << 20))
  const before = peakMemory(server)
  await refused(
    [{ labels, bodies: Array.from({ length: 1000 }, () => bomb) }],
    /series 0: sample 4: body: .*4 × --body-size-limit/,
    413,
  )
  assert.ok(peakMemory(server) - before < 128 << 20, 'peak memory')
})

test('refused requests alone do not make the head grow without end', async () => {
  const at = await start({ flags: ['--storage-active-memory=1MiB'] })
  const by = connectParca(at.host)
  for (let i = 0; i < 60; i++) {
    const names = Array.from({ length: 300 }, (_, n) => `main;f${i}_${n}_${'x'.repeat(100)} 1`)
    await refusal(by.push({ labels, bodies: [profile(names), Buffer.from('bad')] }))
  }
  assert.ok((await at.metric('decima_frostdb_head_bytes')) < 2 << 20)
  assert.equal(await at.metric('decima_frostdb_blocks'), 0)
  await by.push({ labels, bodies: [good] })
  assert.deepEqual(foldedText(await by.pprof(QUERY, range)), ['main;serve 3'])
  by.close()
})

test('a message over the limit is RESOURCE_EXHAUSTED', async () => {
  const { code, details } = await refusal(client.push({ labels, bodies: [new Uint8Array(5 << 20)] }))
  assert.equal(code, 'RESOURCE_EXHAUSTED')
  assert.match(details, /4194304|message-size-limit/)
  assert.equal((await rest([{ labels, bodies: [new Uint8Array(5 << 20)] }])).status, 413)
})

test('a repeat is acknowledged and not stored again: at once, after a flush, after a restart', async () => {
  const options = { storagePath: join(folder, 'repeats'), flags: [ADMIN] }
  let at = await start(options)
  let by = connectParca(at.host)
  const expect = async (lines: readonly string[], repeated: number) => {
    assert.deepEqual(foldedText(await by.pprof(QUERY, range)), lines)
    assert.equal(await at.metric('decima_ingest_repeated_total'), repeated)
  }
  const restart = async (how: 'stop' | 'kill') => {
    by.close()
    await at[how]()
    at = await start(options)
    by = connectParca(at.host)
  }
  await Promise.all([by.push({ labels, bodies: [good] }), by.push({ labels, bodies: [good] })])
  await by.push({ labels: { job: 'push', __name__: 'push' }, bodies: [gzipSync(good), gzipSync(good, { level: 0 })] })
  await expect(['main;serve 3'], 3)
  await at.flush()
  await by.push({ labels, bodies: [good] })
  await expect(['main;serve 3'], 4)
  await restart('kill')
  await by.push({ labels, bodies: [good] })
  await expect(['main;serve 3'], 1)
  await restart('stop')
  await at.flush()
  await by.push({ labels, bodies: [good] })
  await expect(['main;serve 3'], 1)

  // Not repeats: another time, other labels, another body at the same time.
  await by.push({ labels, bodies: [profile(['main;serve 3'], { timeNanos: now + 1n })] })
  await by.push({ labels: { ...labels, pod: 'a' }, bodies: [good] })
  await by.push({ labels, bodies: [profile(['main;serve 4'])] })
  await expect(['main;serve 13'], 1)
  by.close()
})

test('what came with a refused profile leaves no trace: not in names, not in sums, not after a restart', async () => {
  const options = { storagePath: join(folder, 'traces'), flags: [ADMIN] }
  const at = await start(options)
  const by = connectParca(at.host)
  const ghost = { labels: { __name__: 'ghost', job: 'ghost', haunted: 'yes' }, bodies: [profile(['main;ghost 1'])] }
  const bad = { labels, bodies: [good.subarray(0, 40)] }
  const same = { labels, bodies: [profile(['main;serve 100', 'main;ghost 1'])] }
  await refusal(by.push(ghost, same, bad))
  await by.push({ labels, bodies: [good] })
  await refusal(by.push(same, ghost, bad))

  const expect = async (client: ParcaClient, host: string): Promise<void> => {
    const types = [QUERY.slice(0, -2)]
    assert.deepEqual(await client.types(), types)
    assert.deepEqual(await client.types(range), types)
    assert.deepEqual(await client.labels(range), ['job'])
    assert.deepEqual(await client.values('job', range), ['push'])
    assert.deepEqual(foldedText(await client.pprof(QUERY, range)), ['main;serve 3'])
    const everLabels = await fetch(`http://${host}/api/profiles/labels`)
    assert.deepEqual(((await everLabels.json()) as { labelNames: string[] }).labelNames, ['job'])
    client.close()
  }
  await expect(by, at.host)
  await at.kill()
  const next = await start(options)
  await expect(connectParca(next.host), next.host)
  await next.flush()
  await expect(connectParca(next.host), next.host)
  const again = connectParca(next.host)
  await again.push(ghost)
  assert.deepEqual(await again.values('haunted', range), ['yes'], 'a refused profile is no repeat of itself')
  again.close()
})

/** Last, as it is the first that is taken. */
test('after all that a good push is taken', async () => {
  await client.push({ labels, bodies: [good] })
  assert.deepEqual(foldedText(await client.pprof(QUERY, range)), ['main;serve 3'])
  assert.equal((await rest([{ labels, bodies: [profile(['main;gc 2'])] }])).status, 200)
  const pprof = await fetch(
    `${server.url}/api/v1/pprof?${new URLSearchParams({ query: QUERY, start: String(Number(range.start / SECOND)), end: String(Number(range.end / SECOND)) })}`,
  )
  assert.deepEqual(foldedText(new Uint8Array(await pprof.arrayBuffer())), ['main;gc 2', 'main;serve 3'])
  assert.equal(server.lines('BUG').length, 0)
})

function changed(gzip: Buffer): Buffer {
  assert.ok(gunzipSync(gzip).length > 0)
  gzip[gzip.length - 6]! ^= 1
  return gzip
}

function peakMemory({ pid }: RealServer): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}
