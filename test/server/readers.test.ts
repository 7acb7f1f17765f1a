/**
 * Readers beside writers and flushes: an answer has every profile that was acknowledged before it was asked for, none
 * twice, none by half, whether the rows are in the head, on their way, or in a block.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { foldedProfile, foldedSums } from '../support/folded.ts'
import { connectParca } from '../support/parca-client.ts'
import { ADMIN, testServers } from '../support/server.ts'

const { start } = testServers()
const now = BigInt(Date.now()) * 1_000_000n
const range = { start: now - 1_000_000_000n, end: now + 1_000_000_000n }
const query = 'readers:work:bytes:space:bytes:delta{}'
const DURATION_MS = 5000

test('every answer is a moment between two pushes', async t => {
  const server = await start({ flags: [ADMIN, '--storage-active-memory=1MiB'] })
  const clients = Array.from({ length: 6 }, () => connectParca(server.host))
  const over = new AbortController()
  let sent = 0
  let acknowledged = 0
  let answers = 0
  let flushes = 0
  const until = async (work: () => Promise<void>): Promise<void> => {
    try {
      while (!over.signal.aborted) await work()
    } finally {
      over.abort()
    }
  }
  const write = (writer: number) => {
    const client = clients[writer]!
    return until(async () => {
      const i = sent++
      const lines = [`main;one 1`, `main;two;w${writer} 2`, `main;filler${i % 500}_${'x'.repeat(200)} 0`]
      const body = foldedProfile(lines, { types: ['work/bytes'], period: 'space/bytes', timeNanos: now + BigInt(i) })
      await client.push({ labels: { __name__: 'readers', pod: `${i % 20}` }, bodies: [body] })
      acknowledged++
    })
  }
  const expectBetween = (seen: bigint, before: number, what: string): void => {
    assert.ok(seen >= before && seen <= sent, `${what}: ${seen} profiles, of ${before} to ${sent}`)
    answers++
  }
  const merging = until(async () => {
    const before = acknowledged
    if (before === 0) return sleep(10)
    const sums = foldedSums(await clients[3]!.pprof(query, range))
    const one = sums.get('main;one')![0]!
    expectBetween(one, before, 'merge')
    const two = [...sums].reduce((sum, [stack, [value]]) => (stack.startsWith('main;two') ? sum + value! : sum), 0n)
    assert.equal(two, 2n * one, 'no profile by half')
  })
  const ranging = until(async () => {
    const before = acknowledged
    if (before === 0) return sleep(10)
    const series = await clients[4]!.range(query, range, { sumBy: ['pod'] })
    const total = series.flatMap(one => one.points).reduce((sum, point) => sum + point.value, 0n)
    assert.equal(total % 3n, 0n, 'no profile by half')
    expectBetween(total / 3n, before, 'range')
  })
  const flushing = until(async () => {
    flushes += (await server.flush()).length
    await sleep(50)
  })
  void sleep(DURATION_MS, undefined, { signal: over.signal }).then(
    () => over.abort(),
    () => {},
  )
  await Promise.all([write(0), write(1), write(2), merging, ranging, flushing])
  const sums = foldedSums(await clients[5]!.pprof(query, range))
  assert.equal(sums.get('main;one')![0], BigInt(acknowledged))
  for (const client of clients) client.close()
  t.diagnostic(`profiles=${acknowledged} answers=${answers} blocks=${flushes}`)
  assert.ok(flushes > 2 && answers > 10, `blocks ${flushes}, answers ${answers}`)
})
