/** The store's promises one by one; random lives are in store.crash.test.ts. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createSimClock } from '../test/support/clock.ts'
import { stackOf, type WriteModel, writeOf } from '../test/support/profile-write.ts'
import { randomFrom } from '../test/support/random.ts'
import { createSimDisk } from '../test/support/sim-disk.ts'
import { openSimStore, type SimStoreOptions, seenBy, textsOf } from '../test/support/store-model.ts'
import type { Store } from './store.ts'

const folder = mkdtempSync(join(tmpdir(), 'decima-store-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const write = (n: number, more: Partial<WriteModel> = {}): WriteModel => ({
  types: ['a:b:c:d:e'],
  series: [{ labels: { n: String(n) } }],
  samples: [{ stack: stackOf(`f${n} < main`), values: [BigInt(n + 1)] }],
  timeNanos: 1_700_000_000_000_000_000n + BigInt(n),
  repeatKey: `k${n}`,
  ...more,
})

async function world(options: Partial<SimStoreOptions> = {}) {
  const random = randomFrom(1)
  const sim = createSimDisk(random)
  const clock = createSimClock()
  const open = () => openSimStore({ sim, clock, random, storagePath: folder, ...options })
  const close = (store: Store) => Promise.all([store.close(), clock.advance(2000)])
  return { sim, clock, open, close, store: await open() }
}

const put = (store: Store, ...models: WriteModel[]) => store.write(models.map(writeOf))
const texts = (...models: WriteModel[]) => models.flatMap(textsOf).sort()

test('written, flushed, opened again: there once all the while', async () => {
  const { sim, open, close, store } = await world()
  assert.deepEqual((await store.flush()).blocks, [], 'nothing to do is well')
  await put(store, write(1), write(2))
  assert.deepEqual(seenBy(store, sim), texts(write(1), write(2)))
  const { blocks } = await store.flush()
  assert.equal(blocks.length, 1)
  await put(store, write(3))
  const all = texts(write(1), write(2), write(3))
  assert.deepEqual(seenBy(store, sim), all)
  assert.deepEqual(
    store.status.blocks.map(b => b.ulid),
    blocks,
  )
  await close(store)
  await store.close()
  const again = await open()
  assert.deepEqual(seenBy(again, sim), all)
  assert.equal(again.status.headProfiles, 1)
  await close(again)
})

test('a snapshot stays what it was while the store goes on', async () => {
  const { close, store } = await world()
  await put(store, write(1))
  const { heads, blocks } = store.snapshot()
  await put(store, write(2))
  await store.flush()
  assert.deepEqual([heads.length, heads[0]!.profiles.length, blocks.length], [1, 1, 0])
  assert.deepEqual([store.snapshot().heads.length, store.snapshot().blocks.length], [0, 1])
  await close(store)
})

test('a repeat within ten minutes is not stored again: in one call, at once, after a flush, after a restart', async () => {
  const { sim, clock, open, close, store } = await world()
  assert.deepEqual(await put(store, write(1), write(1)), { repeated: 1 })
  const both = await Promise.all([put(store, write(2)), put(store, write(2))])
  assert.deepEqual(both, [{ repeated: 0 }, { repeated: 1 }])
  await store.flush()
  assert.deepEqual(await put(store, write(1), write(3)), { repeated: 1 })
  await close(store)
  const again = await open()
  assert.deepEqual(await put(again, write(1), write(2), write(3)), { repeated: 3 })
  assert.deepEqual(seenBy(again, sim), texts(write(1), write(2), write(3)))
  await clock.advance(10 * 60_000)
  assert.deepEqual(await put(again, write(1)), { repeated: 0 })
  await close(again)
})

test('without a key nothing is a repeat', async () => {
  const { sim, close, store } = await world()
  const one = write(1, { repeatKey: null })
  await put(store, one, one)
  assert.deepEqual(seenBy(store, sim), texts({ ...one, samples: [...one.samples, ...one.samples] }))
  await close(store)
})

test('who repeats a write that fails is told so too, and may come again', async () => {
  const { sim, clock, close, store } = await world()
  sim.faults.push({ call: 'datasync', after: 0, code: 'EIO' })
  const both = [put(store, write(1)), put(store, write(1))]
  for (const one of both) await assert.rejects(one, { code: 'resource_exhausted' })
  assert.deepEqual(seenBy(store, sim), [])
  await clock.advance(2000)
  assert.equal(store.status.writable, true)
  assert.deepEqual(await put(store, write(1)), { repeated: 0 })
  assert.deepEqual(seenBy(store, sim), texts(write(1)))
  await close(store)
})

test('all of one call or none of it', async () => {
  const { sim, close, store } = await world()
  const max = 2n ** 63n - 1n
  const tooMuch = write(2, {
    samples: [max, max].map(v => ({ stack: stackOf('x'), values: [v] })),
  })
  await assert.rejects(put(store, write(1), tooMuch), { code: 'invalid_argument' })
  assert.deepEqual(seenBy(store, sim), [])
  await put(store, write(1))
  await close(store)
  assert.deepEqual(seenBy(store, sim), texts(write(1)))
})

test('too little space: nothing is taken, everything is answered, and it mends itself', async () => {
  const { sim, clock, close, store } = await world()
  await put(store, write(1))
  sim.freeBytes = 10
  await clock.advance(1500)
  await assert.rejects(put(store, write(2)), { code: 'resource_exhausted' })
  await assert.rejects(store.flush(), { code: 'unavailable' })
  assert.deepEqual(seenBy(store, sim), texts(write(1)))
  sim.freeBytes = 2 ** 40
  await clock.advance(2500)
  await put(store, write(2))
  assert.deepEqual(seenBy(store, sim), texts(write(1), write(2)))
  await close(store)
})

test('a head that is large enough, or old enough, becomes a block by itself', async () => {
  const { sim, clock, close, store } = await world({ activeMemory: 1, blockDurationMs: 60_000 })
  await put(store, write(1))
  await clock.advance(10)
  assert.equal(store.status.blocks.length, 1)
  await close(store)
  const old = await world({ blockDurationMs: 60_000 })
  await put(old.store, write(2))
  await old.clock.advance(59_000)
  assert.equal(old.store.status.blocks.length, 0)
  await old.clock.advance(3000)
  assert.equal(old.store.status.blocks.length, 1)
  assert.deepEqual(seenBy(old.store, old.sim), texts(write(2)))
  await old.close(old.store)
  assert.deepEqual(seenBy(store, sim), texts(write(1)))
})

test('a manifest edit that fails is made again, with the block that is there', async () => {
  const { sim, clock, close, store } = await world()
  await put(store, write(1))
  sim.faults.push({ call: 'append', after: 3, code: 'ENOSPC' }) // header, remembered repeats, block, edit
  await assert.rejects(store.flush(), { code: 'ENOSPC' })
  assert.deepEqual(seenBy(store, sim), texts(write(1)))
  await clock.advance(20_000)
  assert.equal(store.status.blocks.length, 1)
  assert.deepEqual([...sim.files.keys()].filter(path => path.endsWith('/rows')).length, 1)
  assert.equal(store.status.flushFailures, 1)
  await close(store)
})

test('log segments go when their head is a block, and folders that no edit names at the next start', async () => {
  const { sim, open, close, store } = await world()
  await put(store, write(1))
  await store.flush()
  assert.equal([...sim.files.keys()].filter(path => path.endsWith('.seg')).length, 1)
  const stray = `${folder}/tenants/default/blocks/01STRAY`
  await sim.disk.makeDir(stray)
  sim.write(`${stray}/rows`, Buffer.from('[]'))
  await close(store)
  const again = await open()
  assert.equal(
    [...sim.files.keys()].some(path => path.startsWith(stray)),
    false,
  )
  await close(again)
})

test('a closed store takes nothing; one that cannot open gives the lock back', async () => {
  const { sim, open, close, store } = await world()
  await close(store)
  await assert.rejects(put(store, write(1)), { code: 'unavailable' })
  sim.faults.push({ call: 'rename', after: 0, code: 'EIO' })
  await assert.rejects(open(), { code: 'EIO' })
  await close(await open())
})
