/** Head, block and a dumb model say the same of any choice of profiles. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomFrom } from '../../test/support/random.ts'
import { randomWrites } from '../../test/support/random-writes.ts'
import { profileText, sumsOf } from '../../test/support/source-text.ts'
import { modelOf } from '../../test/support/store-model.ts'
import { blockOf, headOf } from '../../test/support/temp-block.ts'
import { openBlock } from '../block/open.ts'
import { createPageCache } from '../block/page-cache.ts'
import { headCounts, viewHead } from '../head/head.ts'
import { headSource } from './head-source.ts'
import { noReads, type Source } from './source.ts'

const HOUR = 3_600_000

/** Sums over the profiles whose text is chosen. */
function chosenSums(source: Source, chosen: ReadonlySet<string>): Map<string, bigint> {
  const rows = Array.from({ length: source.profiles.length }, (_, i) => i)
  return sumsOf(
    source,
    rows.filter(i => chosen.has(profileText(source, i))),
  )
}

const sorted = (sums: ReadonlyMap<string, bigint>) => [...sums].sort(([a], [b]) => (a < b ? -1 : 1))

for (let seed = 0; seed < 24; seed++) {
  test(`random profiles ${seed}`, () => {
    const random = randomFrom(seed)
    const wide = seed % 3 === 2
    const writes = randomWrites(random, { profiles: 1 + random.below(60), samples: 30, spanMs: 2.5 * HOUR, wide })
    const head = headOf(writes)
    const { directory, ulid, entry } = blockOf(head, { rowGroupRows: seed % 2 === 0 ? 200 : 2 ** 20 })
    const block = openBlock(directory, ulid, noReads())
    const sources = { head: headSource(viewHead(head, headCounts(head)), new Map()), block: block.source }
    const model = modelOf(writes)
    const keys = [...model.keys()]
    for (const [name, source] of Object.entries(sources)) {
      const there = new Set(Array.from({ length: source.profiles.length }, (_, i) => profileText(source, i)))
      assert.deepEqual([...there].sort(), keys.toSorted(), name)
      for (let i = 0; i < source.profiles.length; i++) {
        assert.ok(source.profiles.totalLow[i]! >= 0 && source.profiles.totalLow[i]! < 2 ** 32)
      }
    }
    assert.equal(entry.profiles, block.source.profiles.length)
    for (const share of [0, 0.1, 0.5, 1]) {
      const chosen = new Set(keys.filter(() => random.next() < share))
      const want = new Map<string, bigint>()
      for (const key of chosen) {
        for (const [stack, sum] of model.get(key)!) want.set(stack, (want.get(stack) ?? 0n) + sum)
      }
      for (const [stack, sum] of want) if (sum === 0n) want.delete(stack)
      for (const [name, source] of Object.entries(sources)) {
        assert.deepEqual(sorted(chosenSums(source, chosen)), sorted(want), `${name}, ${share} of the profiles`)
      }
    }
    block.close()
  })
}

test('totals are the sums of the rows, and bounds are no less than their magnitudes', () => {
  const writes = randomWrites(randomFrom(99), { profiles: 50, samples: 40, spanMs: HOUR, wide: true })
  const head = headOf(writes)
  const { directory, ulid } = blockOf(head)
  const block = openBlock(directory, ulid, noReads())
  for (const source of [headSource(viewHead(head, headCounts(head)), new Map()), block.source]) {
    const { totalLow, totalHigh, bound } = source.profiles
    const totals = new Map<string, bigint>()
    for (let i = 0; i < source.profiles.length; i++) {
      const total = (BigInt(totalHigh[i]!) << 32n) + BigInt(totalLow[i]!)
      const text = profileText(source, i)
      totals.set(text, (totals.get(text) ?? 0n) + total)
      const magnitude = [...sumsOf(source, [i]).values()].reduce((n, v) => n + (v < 0n ? -v : v), 0n)
      assert.ok(bound[i]! >= Number(magnitude), text)
    }
    for (const [text, sums] of modelOf(writes)) {
      assert.equal(
        totals.get(text),
        [...sums.values()].reduce((a, b) => a + b, 0n),
        text,
      )
    }
  }
  block.close()
})

test('what is read and skipped adds up, and is what was planned', () => {
  const writes = randomWrites(randomFrom(5), { profiles: 80, samples: 30, spanMs: 3 * HOUR })
  const { directory, ulid } = blockOf(headOf(writes), { rowGroupRows: 100 })
  const opening = noReads()
  const { source, close } = openBlock(directory, ulid, opening, createPageCache(0))
  assert.equal(opening.requests, 1)
  const all = source.rowGroups.reduce((n, g) => n + g.bytes, 0)
  const { rowStart, rowCount, length } = source.profiles
  for (const [from, to] of [
    [0, length],
    [0, 1],
    [length >> 1, (length >> 1) + 2],
  ] as const) {
    const runs = Int32Array.of(rowStart[from]!, rowStart[to - 1]! + rowCount[to - 1]!)
    const reads = noReads()
    const lo = new Float64Array(source.stacks)
    source.accumulate(runs, { lo, hi: null, pending: 0 }, reads)
    const plan = source.plan(runs)
    assert.equal(reads.bytesRead + reads.bytesSkipped, all)
    assert.equal(reads.rowGroupsRead + reads.rowGroupsSkipped, source.rowGroups.length)
    assert.deepEqual([reads.bytesRead, reads.rows], [plan.bytes, plan.rows])
    assert.equal(plan.read.filter(Boolean).length, reads.rowGroupsRead)
  }
  close()
})

test('pages that have been decoded are not read again', () => {
  const writes = randomWrites(randomFrom(5), { profiles: 40, samples: 30, spanMs: HOUR })
  const { directory, ulid } = blockOf(headOf(writes))
  const { source, close } = openBlock(directory, ulid, noReads())
  const runs = Int32Array.of(
    0,
    source.rowGroups.reduce((n, g) => n + g.rows, 0),
  )
  const sums = [1, 2].map(time => {
    const reads = noReads()
    const lo = new Float64Array(source.stacks)
    source.accumulate(runs, { lo, hi: null, pending: 0 }, reads)
    assert.equal(reads.bytesRead > 0, time === 1)
    assert.equal(reads.cacheHits > 0, time === 2)
    return [...lo]
  })
  assert.deepEqual(sums[0], sums[1])
  close()
})
