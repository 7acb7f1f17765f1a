import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAge, formatInstant, formatRange, fromInput, resolveRange, stepFor, toInput } from './time.ts'

const NOON = Date.UTC(2026, 10, 25, 12, 0, 0)

test('a relative range ends now, an absolute one where it says', () => {
  assert.deepEqual(resolveRange({ kind: 'relative', ms: 1000 }, 5000), { from: 4000, to: 5000 })
  assert.deepEqual(resolveRange({ kind: 'absolute', from: 1, to: 2 }, 5000), { from: 1, to: 2 })
})

for (const [length, step] of [
  [60_000, 1],
  [15 * 60_000, 5],
  [3_600_000, 30],
  [86_400_000, 600],
  [30 * 86_400_000, 21_600],
  [10 * 365 * 86_400_000, 19 * 86_400],
] as const) {
  test(`at most 200 points: ${length} ms by ${step} s`, () => {
    assert.equal(stepFor({ from: 0, to: length }), step)
    assert.ok(length / 1000 / step <= 200)
  })
}

test('instants in UTC', () => {
  assert.equal(formatInstant(NOON, true), '2026-11-25 12:00:00')
  assert.equal(formatInstant(NOON + 7, true), '2026-11-25 12:00:00.007')
  assert.equal(formatRange({ from: NOON, to: NOON + 60_000 }, true), '2026-11-25 12:00:00 – 12:01:00 UTC')
  assert.equal(
    formatRange({ from: NOON, to: NOON + 86_400_000 }, true),
    '2026-11-25 12:00:00 – 2026-11-26 12:00:00 UTC',
  )
})

for (const utc of [true, false]) {
  test(`an input gives back its instant, ${utc ? 'UTC' : 'local'}`, () => {
    assert.equal(fromInput(toInput(NOON, utc), utc), NOON)
    assert.equal(fromInput('soon', utc), null)
  })
}

test('ages', () => {
  assert.equal(formatAge(NOON - 3000, NOON), '3 s ago')
  assert.equal(formatAge(NOON + 4000, NOON), 'in 4 s')
  assert.equal(formatAge(NOON - 600_000, NOON), '10 min ago')
  assert.equal(formatAge(NOON - 7_300_000, NOON), '2 h ago')
})
