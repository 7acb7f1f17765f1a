/** Records applied again make the head they were taken from; of those that are lost nothing wrong comes up. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type WriteModel, writeOf } from '../../test/support/profile-write.ts'
import { randomFrom } from '../../test/support/random.ts'
import { randomWrites } from '../../test/support/random-writes.ts'
import { emptyHead, headTexts, textsOf } from '../../test/support/store-model.ts'
import { appendWrites, type Head, headCounts, viewHead } from '../head/head.ts'
import { applyRecord, createReplay, encodeRecord } from './record.ts'

/** A head and the records it wrote, one a write. */
function logged(writes: readonly WriteModel[]): { head: Head; records: Uint8Array[] } {
  const head = emptyHead()
  let since = headCounts(head)
  const records = writes.map((write, i) => {
    const groups = appendWrites(head, [writeOf(write)])
    const record = encodeRecord(head, since, groups, [{ key: `k${i}ü`, atMs: i + 0.5 }]).slice()
    since = headCounts(head)
    return record
  })
  return { head, records }
}

const writesOf = (seed: number, profiles = 12) =>
  randomWrites(randomFrom(seed), { profiles, samples: 12, spanMs: 5_000_000, wide: seed % 2 === 0 }).map((w, i) => ({
    ...w,
    timeNanos: w.timeNanos + BigInt(i) * 1_000_000_000n, // one text per write
  }))

for (let seed = 0; seed < 8; seed++) {
  test(`round trip ${seed}`, () => {
    const { head, records } = logged(writesOf(seed))
    const again = emptyHead()
    const replay = createReplay()
    records.forEach((record, i) => {
      assert.deepEqual(applyRecord(again, record, replay), [{ key: `k${i}ü`, atMs: i + 0.5 }])
    })
    assert.equal(replay.lostProfiles, 0)
    assert.deepEqual(headCounts(again), headCounts(head))
    assert.deepEqual(viewHead(again, headCounts(again)), viewHead(head, headCounts(head)))
    // And it goes on as the first one would: everything is known.
    const more = writesOf(seed)
    for (const one of [head, again]) for (const write of more) appendWrites(one, [writeOf(write)])
    assert.deepEqual(viewHead(again, headCounts(again)), viewHead(head, headCounts(head)))
  })
}

for (let seed = 0; seed < 8; seed++) {
  test(`lost records ${seed}: what does not lean on them is kept, nothing else is made up`, () => {
    const writes = writesOf(seed, 14)
    const { records } = logged(writes)
    const random = randomFrom(seed)
    for (let lost = 0; lost < records.length; lost++) {
      const missing = new Set([lost, random.below(records.length)])
      const again = emptyHead()
      const replay = createReplay()
      for (const [i, record] of records.entries()) if (!missing.has(i)) applyRecord(again, record, replay)
      const there = new Set(headTexts(again, headCounts(again)))
      let lines = 0
      for (const [i, write] of writes.entries()) {
        const texts = textsOf(write)
        const kept = texts.filter(text => there.has(text)).length
        if (missing.has(i)) assert.equal(kept, 0)
        if (kept > 0) assert.equal(kept, texts.length, 'never half a profile')
        lines += kept
      }
      assert.equal(there.size, lines, 'nothing that nobody wrote')
      const before = Math.min(...missing)
      for (const write of writes.slice(0, before)) for (const text of textsOf(write)) assert.ok(there.has(text))
    }
  })
}

test('what does not lean on a lost record is kept', () => {
  const write = (leaf: string, at: bigint): WriteModel => ({
    types: ['a:b:c:d:e'],
    series: [{ labels: { job: leaf[0]! } }],
    samples: [{ stack: [{ lines: [{ function: leaf }] }], values: [1n] }],
    timeNanos: at,
  })
  const writes = [write('x1', 1n), write('y1', 2n), write('x1', 3n), write('y1', 4n), write('x2', 5n)]
  const { records } = logged(writes)
  const again = emptyHead()
  const replay = createReplay()
  for (const i of [0, 2, 3, 4]) applyRecord(again, records[i]!, replay)
  assert.equal(replay.lostProfiles, 1)
  assert.deepEqual(headTexts(again, headCounts(again)), [writes[0]!, writes[2]!, writes[4]!].flatMap(textsOf).sort())
  // The head goes on, stand-ins and all.
  appendWrites(again, [writeOf(write('y1', 6n))])
  assert.ok(headTexts(again, headCounts(again)).includes(textsOf(write('y1', 6n))[0]!))
})
