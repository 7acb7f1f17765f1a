/** The store on a real disk, read through an opener: from head to block, over restarts, past a damaged index. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { CorruptionError } from '../../pkg/base/errors.ts'
import { systemDisk } from '../../pkg/base/system.ts'
import { createSimClock } from '../../test/support/clock.ts'
import { writeOf } from '../../test/support/profile-write.ts'
import { randomFrom } from '../../test/support/random.ts'
import { randomWrites } from '../../test/support/random-writes.ts'
import { contentText } from '../../test/support/source-text.ts'
import { silentLog } from '../../test/support/store-model.ts'
import { blockOf, headOf } from '../../test/support/temp-block.ts'
import { mendIndexes } from '../block/mend.ts'
import { writeHeadBlock } from '../block/write.ts'
import { headCounts, viewHead } from '../head/head.ts'
import { DEFAULT_SERVICE_LABELS } from '../service.ts'
import { openStore } from '../store.ts'
import { headSource } from './head-source.ts'
import { createOpener } from './open.ts'
import { noReads } from './source.ts'

const folder = mkdtempSync(join(tmpdir(), 'decima-opener-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('what was written is read the same from head and blocks, before and after a restart', async () => {
  const clock = createSimClock()
  const random = randomFrom(3)
  const mended: string[] = []
  const open = () =>
    openStore({
      disk: systemDisk,
      clock,
      random,
      log: { ...silentLog, warn: (_, fields) => mended.push(String(fields?.['block'])) },
      storagePath: folder,
      walSync: 'always',
      walSegmentBytes: 10_000,
      activeMemory: 2 ** 30,
      blockDurationMs: 2 ** 40,
      minFreeBytes: 0,
      keepAddresses: false,
      flushHead: async ({ view, ulid, directory }) =>
        writeHeadBlock(view, { ulid, directory, serviceLabels: DEFAULT_SERVICE_LABELS, version: 'test', createdMs: 0 }),
      mendIndexes,
    })
  let store = await open()
  const opener = createOpener()
  const all = randomWrites(random, { profiles: 60, samples: 20, spanMs: 7_200_000 })
  const whole = headOf(all)
  const want = contentText([headSource(viewHead(whole, headCounts(whole)), new Map())])
  for (const [i, model] of all.entries()) {
    await store.write([writeOf(model)])
    if (i === 20 || i === 40) await store.flush()
  }
  const reads = noReads()
  const sources = opener.open(store.snapshot(), reads)
  assert.deepEqual([sources.length, reads.requests, reads.cacheHits], [3, 2, 0])
  assert.deepEqual(contentText(sources), want)
  opener.open(store.snapshot(), reads)
  assert.equal(reads.cacheHits, 2)

  const close = () => Promise.all([store.close(), clock.advance(2000)])
  await close()
  store = await open()
  assert.deepEqual(contentText(opener.open(store.snapshot(), noReads())), want)
  await store.flush()
  assert.deepEqual(contentText(opener.open(store.snapshot(), noReads())), want)
  assert.deepEqual(store.snapshot().heads, [])
  await close()
  opener.close()

  const { directory, ulid } = store.snapshot().blocks[1]!
  writeFileSync(`${directory}/index`, 'no index')
  const fresh = createOpener()
  assert.throws(
    () => fresh.open(store.snapshot(), noReads()),
    (e: unknown) => e instanceof CorruptionError && e.path === `${directory}/index`,
  )
  store = await open()
  for (let i = 0; i < 500 && mended.length === 0; i++) await new Promise(done => setTimeout(done, 10))
  assert.deepEqual(mended, [ulid])
  // Profiles without a row are not in the Parquet files, and do not come back.
  const withRows = (texts: readonly string[]) => texts.filter(text => !text.endsWith(' = 0'))
  assert.deepEqual(withRows(contentText(fresh.open(store.snapshot(), noReads()))), withRows(want))
  fresh.close()
  await close()
})

test('a block that is gone from the snapshot is closed', () => {
  const opener = createOpener()
  const blocks = [1, 2].map(seed => {
    const { ulid, directory } = blockOf(
      headOf(randomWrites(randomFrom(seed), { profiles: 2, samples: 4, spanMs: 1000 })),
    )
    return { ulid, directory, minTime: 0, maxTime: 0 }
  })
  const [first] = opener.open({ blocks, heads: [] }, noReads())
  assert.deepEqual(
    opener.open({ blocks: blocks.slice(1), heads: [] }, noReads()).map(s => s.name),
    [blocks[1]!.ulid],
  )
  const runs = Int32Array.of(0, first!.profiles.rowCount[0]!)
  const acc = { lo: new Float64Array(first!.stacks), hi: null, pending: 0 }
  if (runs[1]! > 0) assert.throws(() => first!.accumulate(runs, acc, noReads()), /EBADF/)
  opener.close()
})

test('series of a head are decoded once, and seen as far as a view goes', () => {
  const opener = createOpener()
  const head = headOf(randomWrites(randomFrom(8), { profiles: 30, samples: 3, spanMs: 1000 }))
  const view = viewHead(head, headCounts(head))
  const few = { ...view, seriesOffsets: view.seriesOffsets.subarray(0, 3) }
  const [a, b, c] = [view, few, view].map(v => opener.open({ blocks: [], heads: [v] }, noReads())[0]!.series)
  assert.equal(b!.length, 2)
  assert.equal(a![0], b![0])
  assert.equal(a, c)
})
