/**
 * A log that was cut or whose bytes were changed: the server starts, keeps every profile that was not damaged with its
 * exact sums, and says which file and where. What it lost stays lost: it does not come back with the next start.
 */
import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { RECORD_HEADER_BYTES, readSegment, SEGMENT_HEADER_BYTES } from '../../frostdb/wal/segment.ts'
import { foldedProfile, foldedText } from '../support/folded.ts'
import { connectParca } from '../support/parca-client.ts'
import { ADMIN, type RealServer, testServers } from '../support/server.ts'

const PROFILES = 8
const QUERY = 'wal:work:bytes:space:bytes:delta{}'
const { start, folder } = testServers()
const whole = join(folder, 'whole')
const time = BigInt(Date.now()) * 1_000_000n
const range = { start: time - 1_000_000_000n, end: time + 1_000_000_000n }

/** Offsets at which the records begin, and the end of the last. */
let offsets: number[] = []
let segment = ''
let cases = 0

const lineOf = (i: number): string => `main;serve;leaf${i} ${2n ** 60n / 16n + BigInt(i)}`
const profileOf = (i: number) =>
  foldedProfile([lineOf(i)], { types: ['work/bytes'], period: 'space/bytes', timeNanos: time + BigInt(i) })

async function push(to: RealServer, ids: readonly number[]): Promise<void> {
  const client = connectParca(to.host)
  for (const i of ids) await client.push({ labels: { __name__: 'wal', id: `${i}` }, bodies: [profileOf(i)] })
  client.close()
}

/** Ids that are there; the sums of each must be its own. */
async function found(at: RealServer): Promise<number[]> {
  const client = connectParca(at.host)
  try {
    if ((await client.types()).length === 0) return []
    const ids = (await client.values('id', range)).map(Number).sort((a, b) => a - b)
    assert.deepEqual(foldedText(await client.pprof(QUERY, range)), ids.map(lineOf).sort())
    return ids
  } finally {
    client.close()
  }
}

before(async () => {
  const server = await start({ storagePath: whole })
  await push(server, [...Array(PROFILES).keys()])
  await server.stop()
  await server.dispose()
  const wal = join(whole, 'wal')
  segment = readdirSync(wal).sort().at(-1)!
  const bytes = readFileSync(join(wal, segment))
  offsets = [...Array.from(readSegment(bytes), part => part.offset), bytes.length]
  assert.equal(offsets.length, PROFILES + 1)
})
/** Starts on a copy that was damaged, checks, pushes one more, and starts again. */
async function holds(
  damage: (path: string) => void,
  want: { kept: readonly number[]; offset: number | null },
): Promise<void> {
  const storagePath = join(folder, `case-${cases++}`)
  cpSync(whole, storagePath, { recursive: true })
  const path = join(storagePath, 'wal', segment)
  damage(path)
  const server = await start({ storagePath })
  assert.deepEqual(await found(server), want.kept)
  if (want.offset !== null) {
    const said = server.lines(path).filter(line => line.includes(`offset=${want.offset} `))
    assert.equal(said.length, 1, server.logs())
  } else assert.deepEqual(server.lines(path), [])
  await push(server, [100])
  await server.dispose()
  const next = await start({ storagePath })
  assert.deepEqual(await found(next), [...want.kept, 100])
  await next.dispose()
}

const upTo = (n: number): number[] => [...Array(n).keys()]
const without = (n: number): number[] => upTo(PROFILES).filter(i => i !== n)

const cuts: [string, () => { at: number; kept: number }][] = [
  ['one byte before the end', () => ({ at: offsets[PROFILES]! - 1, kept: PROFILES - 1 })],
  ['between two records', () => ({ at: offsets[5]!, kept: 5 })],
  ['in the header of a record', () => ({ at: offsets[5]! + 3, kept: 5 })],
  ['after the header of a record', () => ({ at: offsets[5]! + RECORD_HEADER_BYTES, kept: 5 })],
  ['in the first record', () => ({ at: SEGMENT_HEADER_BYTES + 20, kept: 0 })],
  ['after the header of the segment', () => ({ at: SEGMENT_HEADER_BYTES, kept: 0 })],
]
for (const [name, of] of cuts)
  test(`a log cut ${name} loses what was cut`, async () => {
    const { at, kept } = of()
    const torn = offsets.includes(at) ? null : offsets[kept]!
    await holds(path => truncateSync(path, at), { kept: upTo(kept), offset: torn })
  })

test('a log cut in the header of the segment loses what was cut', () =>
  holds(path => truncateSync(path, 7), { kept: [], offset: 0 }))

const flips: [string, number, () => number][] = [
  ['the length of a record', 3, () => offsets[3]! + 1],
  ['the checksum of a record', 3, () => offsets[3]! + 6],
  ['the bases of a record', 4, () => offsets[4]! + RECORD_HEADER_BYTES],
  ['the middle of a record', 2, () => (offsets[2]! + offsets[3]!) >> 1],
  ['the end of a record', 6, () => offsets[7]! - 1],
  ['the last record', PROFILES - 1, () => offsets[PROFILES]! - 5],
]
for (const [name, record, at] of flips)
  test(`a changed byte in ${name} loses that record alone`, () =>
    holds(path => changeByte(path, at()), { kept: without(record), offset: offsets[record]! }))

test('a changed byte in the first record: what leans on it is lost and counted, what comes later is whole', async () => {
  const storagePath = join(folder, 'first')
  cpSync(whole, storagePath, { recursive: true })
  changeByte(join(storagePath, 'wal', segment), SEGMENT_HEADER_BYTES + 40)
  const server = await start({ storagePath })
  const kept = await found(server)
  assert.ok(!kept.includes(0))
  assert.equal(await server.metric('decima_frostdb_wal_corruptions_total'), 1)
  assert.equal((await server.metric('decima_frostdb_wal_lost_profiles')) + kept.length, PROFILES - 1)
  await push(server, [100, 101])
  await server.dispose()

  const next = await start({ storagePath, flags: [ADMIN] })
  assert.deepEqual(await found(next), [...kept, 100, 101])
  await next.flush()
  assert.deepEqual(await found(next), [...kept, 100, 101])
  await push(next, [102])
  await next.dispose()
  const last = await start({ storagePath })
  assert.deepEqual(await found(last), [...kept, 100, 101, 102])
  await last.dispose()
})

for (const at of [1, 5, 9, 13])
  test(`a changed byte at ${at} in the header of the segment loses no profile, or says so`, async () => {
    const storagePath = join(folder, `header-${at}`)
    cpSync(whole, storagePath, { recursive: true })
    const path = join(storagePath, 'wal', segment)
    changeByte(path, at)
    const server = await start({ storagePath })
    const kept = await found(server)
    if (kept.length < PROFILES) assert.equal(server.lines(path).length, 1, server.logs())
    await server.dispose()
  })

test('a log with no sense in it at all does not keep the server from starting', async () => {
  const storagePath = join(folder, 'noise')
  cpSync(whole, storagePath, { recursive: true })
  const path = join(storagePath, 'wal', segment)
  const bytes = readFileSync(path)
  for (let i = SEGMENT_HEADER_BYTES; i < bytes.length; i++) bytes[i] = (i * 7919) & 255
  writeFileSync(path, bytes)
  const server = await start({ storagePath })
  assert.deepEqual(await found(server), [])
  assert.equal(server.lines(path).length, 1, server.logs())
  await server.dispose()
})

function changeByte(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at]! ^= 0x55
  writeFileSync(path, bytes)
}
