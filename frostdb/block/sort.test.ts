import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sortPairs } from './sort.ts'

test('sorts a run by key, keeps the order of equal keys, and leaves what is around it', () => {
  const run = fc.integer({ min: 1, max: 2 ** 31 - 1 }).chain(limit =>
    fc.record({
      limit: fc.constant(limit),
      keys: fc.array(fc.oneof(fc.nat(limit - 1), fc.nat(Math.min(limit - 1, 3))), { maxLength: 200 }),
      before: fc.nat(3),
    }),
  )
  fc.assert(
    fc.property(run, ({ limit, keys, before }) => {
      const around = Array(before).fill(-7)
      const k = Int32Array.from([...around, ...keys, -7])
      const rows = Int32Array.from([...around, ...keys.map((_, i) => i), -7])
      sortPairs(k, rows, before, keys.length, limit)
      const want = keys.map((key, row) => [key, row] as const).sort((a, b) => a[0] - b[0] || a[1] - b[1])
      assert.deepEqual([...k], [...around, ...want.map(([key]) => key), -7])
      assert.deepEqual([...rows], [...around, ...want.map(([, row]) => row), -7])
    }),
  )
})
