/**
 * Random lives of a store on a disk that fails and dies, against a dumb model: what was acknowledged is there once and
 * whole, what was refused is not seen, and who asks again after an uncertain answer is never counted twice. Every fourth
 * life syncs its log by interval or not at all, on a disk that only dies: it may lose the last of what it acknowledged,
 * but nothing else. DECIMA_CRASH=full lives many more, DECIMA_CRASH_SEED=n one again.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createSimClock, type SimClock } from '../test/support/clock.ts'
import { stackOf, type WriteModel, writeOf } from '../test/support/profile-write.ts'
import { type Random, randomFrom } from '../test/support/random.ts'
import { createSimDisk, type Fault, type SimDisk } from '../test/support/sim-disk.ts'
import { openSimStore, seenBy, textsOf } from '../test/support/store-model.ts'
import type { Store } from './store.ts'
import type { WalSync } from './wal/wal.ts'

const SEEDS = process.env['DECIMA_CRASH'] === 'full' ? 5000 : 160
/** Replays one life. */
const SEED = process.env['DECIMA_CRASH_SEED']
const STEPS = 40
const folder = mkdtempSync(join(tmpdir(), 'decima-crash-'))
after(() => rmSync(folder, { recursive: true, force: true }))

type State = 'acknowledged' | 'refused' | 'uncertain'

/** Profiles that were written in one call, and what is known of them. */
interface Batch {
  readonly models: readonly WriteModel[]
  readonly texts: readonly string[]
  state: State
}

test(`${SEEDS} lives of a store`, async () => {
  for (let seed = Number(SEED ?? 0); seed < (SEED === undefined ? SEEDS : Number(SEED) + 1); seed++) {
    try {
      await live(seed)
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
    }
  }
})

async function live(seed: number): Promise<void> {
  const random = randomFrom(seed)
  const sim = createSimDisk(random)
  const batches: Batch[] = []
  const walSync = seed % 4 < 3 ? 'always' : seed % 8 === 3 ? 'interval' : 'off'
  let clock = createSimClock()
  let store = await open(sim, clock, random, walSync)
  const pending = new Set<Promise<void>>()

  const put = (batch: Batch): void => {
    const at = store
    const before = batch.state
    batch.state = 'uncertain'
    const done = at.write(batch.models.map(writeOf)).then(
      () => {
        if (at === store) batch.state = 'acknowledged'
      },
      () => {
        if (at === store) batch.state = before
      },
    )
    pending.add(done)
    void done.then(() => pending.delete(done))
  }
  const settle = async (): Promise<void> => {
    while (pending.size > 0) {
      await clock.advance(0)
      if (pending.size > 0) await clock.advance(1000)
    }
  }
  const restart = async (): Promise<void> => {
    pending.clear() // what did not answer never will: uncertain
    for (const batch of batches) if (batch.state === 'refused' || walSync !== 'always') batch.state = 'uncertain'
    clock = createSimClock(clock.now() + 1)
    store = await open(sim, clock, random, walSync)
  }
  const check = (when: string): void => {
    const left = new Map<string, number>()
    for (const text of seenBy(store, sim)) left.set(text, (left.get(text) ?? 0) + 1)
    for (const { texts, state } of batches) {
      const there = texts.filter(text => left.has(text)).length
      if (state === 'acknowledged') assert.equal(there, texts.length, `${when}: acknowledged and gone: ${texts[0]}`)
      if (state === 'refused') assert.equal(there, 0, `${when}: refused and there: ${texts[0]}`)
      if (there > 0) assert.equal(there, texts.length, `${when}: half of it is there: ${texts[0]}`)
      for (const text of texts) {
        if (there > 0) assert.equal(left.get(text), 1, `${when}: there more than once: ${text}`)
        left.delete(text)
      }
    }
    assert.deepEqual([...left.keys()], [], `${when}: nobody wrote this`)
  }

  for (let step = 0; step < STEPS; step++) {
    const dice = random.below(100)
    if (dice < 50) {
      const batch = makeBatch(random, batches.length)
      batches.push(batch)
      put(batch)
      if (random.below(3) > 0) await settle()
    } else if (dice < 65) {
      const batch = batches[random.below(batches.length)]
      if (batch !== undefined && batch.state !== 'uncertain') put(batch)
      else if (batch !== undefined && pending.size === 0) put(batch)
      await settle()
    } else if (dice < 75) {
      store.flush().catch(() => undefined)
      if (random.below(2) === 0) await settle()
    } else if (dice < 85) {
      if (walSync === 'always') sim.faults.push(makeFault(random))
    } else if (dice < 88) {
      sim.freeBytes = 0
      await clock.advance(1500)
      sim.freeBytes = 2 ** 40
    } else if (dice < 92) {
      await clock.advance(random.below(3000))
    } else if (dice < 97) {
      sim.crash()
      await restart()
    } else {
      sim.faults.length = 0
      await settle()
      await Promise.all([store.close(), clock.advance(2000)])
      await restart()
    }
    if (pending.size === 0) check(`step ${step}`)
  }
  sim.crash()
  await restart()
  check('after the last crash')
  for (const batch of batches) if (batch.state !== 'acknowledged') put(batch)
  await settle()
  for (const { state } of batches) assert.equal(state, 'acknowledged', 'a healthy store takes everything')
  await Promise.all([store.flush(), clock.advance(100)])
  check('when all was asked for again')
  await Promise.all([store.close(), clock.advance(2000)])
}

const open = (sim: SimDisk, clock: SimClock, random: Random, walSync: WalSync): Promise<Store> =>
  openSimStore({ sim, clock, random, walSync, storagePath: folder, walSegmentBytes: 200 + random.below(3000) })

const TYPES = ['cpu:samples:count:cpu:nanoseconds:delta', 'cpu:cpu:nanoseconds:cpu:nanoseconds:delta']
const NAMES = ['main', 'serve', 'read', 'write', 'größe', '0x7f01', 'gc']

function makeBatch(random: Random, number: number): Batch {
  const models = Array.from({ length: 1 + random.below(3) }, (_, i): WriteModel => {
    const samples = Array.from({ length: random.below(4) }, () => ({
      stack: stackOf(
        random.below(8) === 0
          ? '-'
          : Array.from({ length: 1 + random.below(4) }, () => NAMES[random.below(NAMES.length)]!).join(' < '),
      ),
      values: [BigInt(random.below(5)) - 1n, BigInt(random.below(3)) * 2n ** 40n],
    }))
    return {
      types: TYPES,
      series: [{ labels: { job: `j${random.below(3)}`, pod: `p${random.below(20)}` } }],
      samples,
      timeNanos: 1_700_000_000_000_000_000n + BigInt(number * 10 + i) * 1_000_001n,
      durationNanos: 10_000_000_000n,
      repeatKey: `${number}.${i}`,
    }
  })
  return { models, texts: models.flatMap(textsOf), state: 'refused' }
}

function makeFault(random: Random): Fault {
  const calls = ['append', 'datasync', 'rename', 'open', 'syncDir'] as const
  return {
    call: calls[random.below(calls.length)]!,
    after: random.below(6),
    code: random.below(2) === 0 ? 'EIO' : 'ENOSPC',
  }
}
