import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { firstDue, hash32, latenessOf, nextDue, phaseOf, secondsToAsk } from './schedule.ts'

const intervals = fc.integer({ min: 1000, max: 600_000 })
const times = fc.integer({ min: 0, max: 4_000_000_000_000 })

test('the same target has the same absolute phase whenever it starts', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), intervals, times, times, (identity, seed, interval, a, b) => {
      const phase = phaseOf(identity, seed, interval)
      const dueA = firstDue(a, phase, interval)
      const dueB = firstDue(b, phase, interval)
      assert.equal(dueA % interval, dueB % interval)
      for (const [now, due] of [
        [a, dueA],
        [b, dueB],
      ] as const)
        assert.ok(due >= now && due < now + interval)
    }),
  )
})

test('targets are spread evenly, and differently under another seed', () => {
  const interval = 10_000
  const phases = Array.from({ length: 10_000 }, (_, i) => phaseOf(`10.0.${i >> 8}.${i & 255}:6060`, 0, interval))
  const perSecond = new Array<number>(10).fill(0)
  for (const phase of phases) perSecond[Math.floor(phase / 1000)]!++
  for (const count of perSecond) assert.ok(count > 850 && count < 1150, `${perSecond}`)
  const moved = phases.filter((phase, i) => phaseOf(`10.0.${i >> 8}.${i & 255}:6060`, hash32('b'), interval) !== phase)
  assert.ok(moved.length > 9_900)
})

test('due times stay in phase, go forward, and lie no more than an interval ahead', () => {
  fc.assert(
    fc.property(
      intervals,
      times,
      fc.array(fc.integer({ min: -50_000, max: 50_000 }), { maxLength: 20 }),
      (interval, start, jumps) => {
        const phase = 137 % interval
        let now = start
        let due = firstDue(now, phase, interval)
        for (const jump of jumps) {
          now = Math.max(now, due) + jump // a negative jump sets the clock back
          const next = nextDue(due, now, phase, interval)
          assert.equal(((next % interval) + interval) % interval, phase)
          assert.ok(next - now <= interval)
          assert.ok(next > now - interval)
          if (jump >= 0) assert.ok(next > due)
          due = next
        }
      },
    ),
  )
})

for (const [what, due, now, want] of [
  ['answered in time', 10_000, 10_020, 20_000],
  ['answered after the next due time: that one is next, at once', 10_000, 23_000, 20_000],
  ['two due times went by: the latest counts', 10_000, 34_000, 30_000],
  ['clock set back by an hour', 3_610_000, 10_020, 20_000],
] as const)
  test(`next due: ${what}`, () => assert.equal(nextDue(due, now, 0, 10_000), want))

for (const [what, seconds, slip, want] of [
  ['on time', 10, 0, 10],
  ['a slip within the limit', 10, 500, 10],
  ['a slip above it', 10, 501, 9],
  ['a slip of a second', 10, 1000, 9],
  ['a slip of three seconds', 10, 3000, 7],
  ['a slip of nearly the interval', 10, 9700, 1],
  ['few seconds need no shortening', 5, 3000, 5],
  ['more seconds than the interval are left alone', 15, 5000, 15],
] as const)
  test(`seconds to ask: ${what}`, () => assert.equal(secondsToAsk(seconds, 20_000 + slip, 20_000, 10_000), want))

test('a delta loop whose answers take longer than asked keeps its phase and misses nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 60 }), fc.integer({ min: 0, max: 400 }), (seconds, cost) => {
      const interval = seconds * 1000
      let due = firstDue(0, 0, interval)
      let now = 0
      let profiled = 0
      for (let i = 0; i < 300; i++) {
        now = Math.max(now, due)
        const asked = secondsToAsk(seconds, now, due, interval)
        assert.ok(now - due < 500 + cost + 1)
        now += asked * 1000 + cost
        profiled += asked * 1000
        due = nextDue(due, now, 0, interval)
      }
      // What is lost is the cost of the answers and at most the rest of a second per shortened request.
      assert.ok(profiled >= now - 300 * cost - 300 * (cost > 0 ? 500 : 0))
    }),
  )
})

test('lateness counts from the later of due time and last answer', () => {
  assert.equal(latenessOf(10_030, 10_000, 9_000), 30)
  assert.equal(latenessOf(12_005, 10_000, 12_000), 5)
  assert.equal(latenessOf(9_999, 10_000, 0), 0)
})
