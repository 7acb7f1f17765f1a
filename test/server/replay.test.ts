/**
 * While the log is replayed: the port answers, queries and pushes are told to come again, a signal is obeyed. Thousands of
 * segments with nothing in them make the replay last.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodeSegmentHeader, segmentName } from '../../frostdb/wal/segment.ts'
import { foldedProfile, foldedText } from '../support/folded.ts'
import { connectParca, refusal } from '../support/parca-client.ts'
import { testServers } from '../support/server.ts'

const { start, folder } = testServers()
const SEGMENTS = 3000
const now = BigInt(Date.now()) * 1_000_000n
const range = { start: now - 1_000_000_000n, end: now + 1_000_000_000n }
const query = 'replay:work:bytes:space:bytes:delta{}'
const labels = { __name__: 'replay', job: 'replay' }
const profile = (lines: readonly string[]) =>
  foldedProfile(lines, { types: ['work/bytes'], period: 'space/bytes', timeNanos: now })

/** A storage path with one profile in its log and a long way to go behind it. */
async function longLog(name: string): Promise<string> {
  const storagePath = join(folder, name)
  const server = await start({ storagePath })
  const client = connectParca(server.host)
  await client.push({ labels, bodies: [profile(['main;serve 3'])] })
  client.close()
  await server.stop()
  for (let number = 1; number <= SEGMENTS; number++) {
    const header = encodeSegmentHeader({ generation: 1, number, previous: null })
    writeFileSync(join(storagePath, 'wal', segmentName(number)), header)
  }
  return storagePath
}

test('the port answers, what needs the store is UNAVAILABLE', async () => {
  const storagePath = await longLog('held')
  const server = await start({ storagePath, until: 'listening' })
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(server.url + path)
    return [response.status, await response.text()]
  }
  const client = connectParca(server.host)
  const push = client.push({ labels, bodies: [profile(['main;gc 1'])] })
  const [ready, healthy, types, metrics, pushed, range_, status] = await Promise.all([
    get('/-/ready'),
    get('/-/healthy'),
    get('/api/profiles/types'),
    get('/metrics'),
    refusal(push),
    refusal(client.range(query, range)),
    client.health(),
  ])
  assert.equal(server.lines('Server is ready').length, 0, 'the replay was over too soon for this test')
  assert.equal(ready[0], 503)
  assert.deepEqual(healthy, [200, 'Decima is Healthy.\n'])
  assert.equal(types[0], 503)
  assert.match(types[1], /not ready/)
  assert.equal(metrics[0], 200)
  for (const one of [pushed, range_]) {
    assert.equal(one.code, 'UNAVAILABLE')
    assert.match(one.details, /not ready/)
  }
  assert.equal(status, 'NOT_SERVING')

  await server.whenReady()
  assert.deepEqual(await get('/-/ready'), [200, 'Decima is Ready.\n'])
  assert.equal(await client.health(), 'SERVING')
  assert.deepEqual(foldedText(await client.pprof(query, range)), ['main;serve 3'])
  await client.push({ labels, bodies: [profile(['main;gc 1'])] })
  assert.deepEqual(foldedText(await client.pprof(query, range)), ['main;gc 1', 'main;serve 3'])
  client.close()
})

test('SIGTERM while the log is replayed is a clean stop, and the data is there the next time', async () => {
  const storagePath = await longLog('stopped')
  const server = await start({ storagePath, until: 'listening' })
  const { code, signal, tookMs } = await server.stop()
  assert.deepEqual({ code, signal }, { code: 0, signal: null }, server.logs())
  assert.ok(tookMs < 5000, `${tookMs} ms`)
  const next = await start({ storagePath })
  const client = connectParca(next.host)
  assert.deepEqual(foldedText(await client.pprof(query, range)), ['main;serve 3'])
  client.close()
})
