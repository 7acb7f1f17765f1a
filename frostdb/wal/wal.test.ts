/** The log on a simulated disk: order and groups of commits, what fails and what goes on, the three ways to sync. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSimClock } from '../../test/support/clock.ts'
import { randomFrom } from '../../test/support/random.ts'
import { createSimDisk, type Fault, type SimDisk } from '../../test/support/sim-disk.ts'
import { decodeSegmentHeader, readSegment } from './segment.ts'
import { createWal, type Wal, type WalOptions } from './wal.ts'

async function logOn(options: Partial<WalOptions> = {}) {
  const sim = createSimDisk(randomFrom(1))
  await sim.disk.makeDir('/wal')
  const clock = createSimClock()
  const { disk } = sim
  const wal = createWal({
    disk,
    clock,
    directory: '/wal',
    sync: 'always',
    segmentBytes: 1000,
    nextNumber: 5,
    ...options,
  })
  return { sim, clock, wal }
}

const say = (wal: Wal, generation: number, text: string) => wal.append(generation, Buffer.from(text))

/** The segments as `number generation: records`. */
function written(sim: SimDisk): string[] {
  return [...sim.files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, bytes]) => {
      const header = decodeSegmentHeader(bytes)
      const records = [...readSegment(bytes)].map(p => (p.kind === 'record' ? Buffer.from(p.payload).toString() : '?'))
      return header === null ? 'no header' : `${header.number} ${header.generation}: ${records.join(' ')}`
    })
}

const fault = (call: Fault['call'], after = 0): Fault => ({ call, after, code: 'EIO' })
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'ok',
    (error: Error) => error.message.replace(/:.*/, ''),
  )

test('what is appended in one turn is one group: one write, one sync', async () => {
  const { sim, wal } = await logOn()
  assert.equal(await wal.begin(1), 5)
  const order: string[] = []
  await Promise.all(['a', 'b', 'c'].map(text => say(wal, 1, text).then(() => order.push(text))))
  assert.deepEqual([wal.stats.syncs, wal.stats.records], [1, 3])
  assert.deepEqual(order, ['a', 'b', 'c'])
  await say(wal, 1, 'd')
  assert.equal(wal.stats.syncs, 2)
  assert.deepEqual(written(sim), ['5 1: a b c d'])
})

test('a record answers after it is durable, and not before', async () => {
  const { sim, wal } = await logOn()
  await wal.begin(1)
  await say(wal, 1, 'kept')
  const lost = outcome(say(wal, 1, 'in flight'))
  sim.crash()
  assert.equal(await Promise.race([lost, new Promise(done => setTimeout(done, 20, 'silent'))]), 'silent')
  assert.deepEqual(written(sim)[0]!.slice(0, 9), '5 1: kept')
})

test('a new segment takes what comes after its begin, and says how far the one before counts', async () => {
  const { sim, wal } = await logOn()
  await wal.begin(1)
  const [, second] = await Promise.all([say(wal, 1, 'a'), wal.begin(2), say(wal, 2, 'b')])
  assert.equal(second, 6)
  assert.deepEqual(written(sim), ['5 1: a', '6 2: b'])
  assert.deepEqual(decodeSegmentHeader(sim.files.get('/wal/00000006.seg')!)!.previous, {
    number: 5,
    bytes: sim.files.get('/wal/00000005.seg')!.length,
  })
})

test('a full segment is followed by one of the same generation', async () => {
  const { sim, wal } = await logOn({ segmentBytes: 100 })
  await wal.begin(1)
  for (const text of ['x'.repeat(60), 'b', 'c']) await say(wal, 1, text)
  assert.deepEqual(written(sim), [`5 1: ${'x'.repeat(60)}`, '6 1: b c'])
})

for (const call of ['append', 'datasync'] as const) {
  test(`a failed ${call} rejects all that waits, and nothing is taken before a new generation`, async () => {
    const { sim, wal } = await logOn()
    await wal.begin(1)
    await say(wal, 1, 'a')
    sim.faults.push(fault(call))
    const failing = ['b', 'c'].map(text => outcome(say(wal, 1, text)))
    await Promise.resolve()
    await Promise.resolve()
    failing.push(outcome(say(wal, 1, 'next group')))
    assert.deepEqual(await Promise.all(failing), ['EIO', 'EIO', 'EIO'])
    assert.equal(await outcome(say(wal, 1, 'd')), 'the log has no open segment')
    await wal.begin(2)
    assert.equal(await outcome(say(wal, 1, 'of the old generation')), 'the log has no open segment')
    await wal.begin(3)
    await say(wal, 3, 'e')
    const counts = decodeSegmentHeader(sim.files.get('/wal/00000006.seg')!)!.previous!
    const acknowledged = sim.files.get('/wal/00000005.seg')!.subarray(0, counts.bytes)
    assert.deepEqual([...readSegment(acknowledged)].length, 1)
    assert.equal(written(sim).at(-1), '7 3: e')
  })
}

for (const call of ['open', 'append', 'datasync', 'syncDir'] as const) {
  test(`a segment that cannot be made (${call}) leaves no file; the next one goes on`, async () => {
    const { sim, wal } = await logOn()
    await wal.begin(1)
    // The segment before is synced when it is left: that sync is well.
    sim.faults.push(fault(call, call === 'datasync' ? 1 : 0))
    const outcomes = [outcome(wal.begin(2)), outcome(say(wal, 2, 'lost'))]
    assert.deepEqual(await Promise.all(outcomes), ['EIO', 'the log has no open segment'])
    assert.equal(sim.files.size, 1)
    assert.equal(await wal.begin(3), 7)
    await say(wal, 3, 'a')
    assert.deepEqual(written(sim), ['5 1: ', '7 3: a'])
  })
}

test('interval: answered after the write, synced each second; a failed sync stops the segment', async () => {
  const { sim, clock, wal } = await logOn({ sync: 'interval' })
  await wal.begin(1)
  await say(wal, 1, 'a')
  assert.equal(wal.stats.syncs, 0)
  await clock.advance(1000)
  assert.equal(wal.stats.syncs, 1)
  sim.faults.push(fault('datasync'))
  await say(wal, 1, 'b')
  await clock.advance(1000)
  assert.equal(await outcome(say(wal, 1, 'c')), 'the log has no open segment')
  await wal.begin(2)
  await say(wal, 2, 'd')
  assert.deepEqual(written(sim), ['5 1: a b', '6 2: d'])
  await Promise.all([wal.close(), clock.advance(2000)])
})

test('off: never synced but at the end', async () => {
  const { sim, clock, wal } = await logOn({ sync: 'off' })
  await wal.begin(1)
  await say(wal, 1, 'a')
  await clock.advance(10_000)
  assert.equal(wal.stats.syncs, 0)
  await wal.close()
  sim.crash()
  assert.deepEqual(written(sim), ['5 1: a'])
})

test('closing waits for what was appended, and takes nothing after', async () => {
  const { sim, wal } = await logOn()
  await wal.begin(1)
  const last = say(wal, 1, 'a')
  await wal.close()
  await last
  assert.equal(await outcome(say(wal, 1, 'b')), 'the log is closed')
  assert.deepEqual(written(sim), ['5 1: a'])
})
