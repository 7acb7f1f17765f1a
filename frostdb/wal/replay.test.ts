/** A small log cut, damaged and replayed: it always opens, loses no more than it must, and makes nothing up. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSimClock } from '../../test/support/clock.ts'
import { stackOf, type WriteModel, writeOf } from '../../test/support/profile-write.ts'
import { randomFrom } from '../../test/support/random.ts'
import { createSimDisk, type SimDisk } from '../../test/support/sim-disk.ts'
import { emptyHead, headTexts, silentLog, textsOf } from '../../test/support/store-model.ts'
import { appendWrites, headCounts } from '../head/head.ts'
import { encodeRecord } from './record.ts'
import { type ReplayResult, replayWal } from './replay.ts'
import { RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES } from './segment.ts'
import { createWal } from './wal.ts'

const write = (n: number): WriteModel => ({
  types: ['a:b:c:d:e'],
  series: [{ labels: { job: `j${n % 2}` } }],
  samples: [{ stack: stackOf(`f${n} < main`), values: [BigInt(n + 1)] }],
  timeNanos: BigInt(n) * 1_000_000n,
})
const WRITES = Array.from({ length: 6 }, (_, n) => write(n))

/** Segments 0 and 1 of generation 1, three writes each: names and bytes of both. */
async function log(): Promise<{ sim: SimDisk; sizes: number[]; acknowledged: number }> {
  const sim = createSimDisk(randomFrom(1))
  await sim.disk.makeDir('/wal')
  const wal = createWal({
    disk: sim.disk,
    clock: createSimClock(),
    directory: '/wal',
    sync: 'always',
    segmentBytes: 1 << 20,
    nextNumber: 0,
  })
  const head = emptyHead()
  let since = headCounts(head)
  const sizes: number[] = []
  for (const [n, model] of WRITES.entries()) {
    if (n % 3 === 0) await wal.begin(1)
    const record = encodeRecord(head, since, appendWrites(head, [writeOf(model)]), [{ key: `k${n}`, atMs: n }])
    since = headCounts(head)
    sizes.push(record.length + RECORD_HEADER_BYTES)
    await wal.append(1, record)
  }
  await wal.close()
  return { sim, sizes, acknowledged: 6 }
}

const replay = (sim: SimDisk, from = 0): Promise<ReplayResult> =>
  replayWal({ disk: sim.disk, log: silentLog, directory: '/wal', from, keepAddresses: false })

const seen = ({ heads }: ReplayResult): string[] => heads.flatMap(({ head }) => headTexts(head, headCounts(head)))
const textsFor = (numbers: readonly number[]): string[] => numbers.flatMap(n => textsOf(WRITES[n]!)).sort()

/** The writes of which all is there; fails on any line that none of them has. */
function whole(result: ReplayResult): number[] {
  const there = new Set(seen(result))
  const kept = WRITES.flatMap((w, n) => (textsOf(w).every(text => there.has(text)) ? [n] : []))
  assert.deepEqual([...there].sort(), textsFor(kept), 'nothing half, nothing made up')
  return kept
}

const [FIRST, SECOND] = ['/wal/00000000.seg', '/wal/00000001.seg']

test('all of it', async () => {
  const { sim } = await log()
  const result = await replay(sim)
  assert.deepEqual(whole(result), [0, 1, 2, 3, 4, 5])
  assert.deepEqual(
    [result.segments, result.records, result.damaged, result.lostProfiles, result.nextSegment, result.heads.length],
    [2, 6, 0, 0, 2, 1],
  )
  assert.deepEqual(
    result.repeats.map(r => r.key),
    ['k0', 'k1', 'k2', 'k3', 'k4', 'k5'],
  )
})

test('what blocks hold is removed and not read', async () => {
  const { sim } = await log()
  const result = await replay(sim, 1)
  assert.deepEqual([...sim.files.keys()], [SECOND])
  assert.deepEqual([result.segments, result.nextSegment], [1, 2])
  assert.deepEqual((await replay(sim, 9)).nextSegment, 9)
})

test('the last segment cut at every byte', async () => {
  const { sim, sizes } = await log()
  const bytes = sim.files.get(SECOND)!
  for (let length = 0; length < bytes.length; length++) {
    sim.write(SECOND, bytes.subarray(0, length))
    const result = await replay(sim)
    let end = SEGMENT_HEADER_BYTES
    const want = [0, 1, 2, ...[3, 4, 5].filter(n => (end += sizes[n]!) <= length)]
    assert.deepEqual(whole(result), want, `${length} bytes`)
    assert.equal(result.damaged, 0)
  }
})

test('one byte flipped, at every offset of both segments', async () => {
  const { sim, sizes } = await log()
  for (const [path, first] of [
    [FIRST, 0],
    [SECOND, 3],
  ] as const) {
    const good = Uint8Array.from(sim.files.get(path)!)
    for (let at = 0; at < good.length; at++) {
      const bad = Uint8Array.from(good)
      bad[at]! ^= 1 << (at % 8)
      sim.write(path, bad)
      const result = await replay(sim)
      const kept = whole(result)
      let end = SEGMENT_HEADER_BYTES
      const hit = at < end ? -1 : first + [0, 1, 2].findIndex(i => at < (end += sizes[first + i]!))
      if (hit < 0) assert.deepEqual(kept, [0, 1, 2, 3, 4, 5], `byte ${at}`)
      else {
        // The first record names `main` and both series come by the second: what leans on them goes with them.
        const want = hit === 0 ? [] : hit === 1 ? [0, 2, 4] : [0, 1, 2, 3, 4, 5].filter(n => n !== hit)
        assert.deepEqual(kept, want, `byte ${at} of record ${hit}`)
        if (hit % 3 < 2) assert.equal(result.damaged, 1)
        assert.equal(result.lostProfiles, 5 - kept.length)
      }
    }
    sim.write(path, good)
  }
})

test('a segment that is gone costs what leaned on it, and is no reason not to start', async () => {
  const { sim } = await log()
  await sim.disk.remove(FIRST)
  assert.deepEqual(whole(await replay(sim)), [])
  sim.write(FIRST, Buffer.from('something else altogether, longer than a header of a segment'))
  const result = await replay(sim)
  assert.deepEqual([whole(result).length, result.damaged], [0, 1])
})

test('files that are no segments are left alone', async () => {
  const { sim } = await log()
  sim.write('/wal/notes.txt', Buffer.from('x'))
  await replay(sim, 5)
  assert.deepEqual([...sim.files.keys()], ['/wal/notes.txt'])
})
