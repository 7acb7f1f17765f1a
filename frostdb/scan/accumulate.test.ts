import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Accumulator, addDoubles, addWords, carry, createAccumulator } from './accumulate.ts'

const STACKS = 4
const wordsOf = (values: readonly bigint[]) => new Int32Array(BigInt64Array.from(values).buffer)
const sumOf = ({ lo, hi }: Accumulator, stack: number): bigint => BigInt(lo[stack]!) + (BigInt(hi?.[stack] ?? 0) << 32n)

const safe = fc.bigInt({ min: -(2n ** 52n), max: 2n ** 52n })
const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  safe,
  fc.constantFrom(2n ** 63n - 1n, -(2n ** 63n), -1n),
)
const rows = <T>(value: fc.Arbitrary<T>) => fc.array(fc.tuple(fc.nat(STACKS - 1), value), { maxLength: 50 })

function model(list: readonly (readonly [number, bigint])[], from: number, to: number): bigint[] {
  const sums = Array<bigint>(STACKS).fill(0n)
  for (const [stack, value] of list.slice(from, to)) sums[stack]! += value
  return sums
}

test('wide sums are exact past int64, however the values come', () => {
  fc.assert(
    fc.property(rows(int64), rows(safe), fc.nat(20), (words, doubles, from) => {
      const acc = createAccumulator(STACKS, true)
      const start = Math.min(from, words.length)
      addWords(
        acc,
        Int32Array.from(words, r => r[0]),
        wordsOf(words.map(r => r[1])),
        start,
        words.length,
      )
      addDoubles(
        acc,
        Int32Array.from(doubles, r => r[0]),
        Float64Array.from(doubles, r => Number(r[1])),
        0,
        doubles.length,
      )
      carry(acc)
      const want = model(words, start, words.length).map((sum, i) => sum + model(doubles, 0, doubles.length)[i]!)
      assert.deepEqual(
        Array.from({ length: STACKS }, (_, i) => sumOf(acc, i)),
        want,
      )
      for (const lo of acc.lo) assert.ok(lo >= 0 && lo < 2 ** 32)
    }),
    { numRuns: 300 },
  )
})

test('narrow sums are exact while all magnitudes stay below 2^53', () => {
  const small = fc.bigInt({ min: -(2n ** 46n), max: 2n ** 46n })
  fc.assert(
    fc.property(rows(small), list => {
      const stack = Int32Array.from(list, r => r[0])
      const a = createAccumulator(STACKS, false)
      const b = createAccumulator(STACKS, false)
      addWords(a, stack, wordsOf(list.map(r => r[1])), 0, list.length)
      addDoubles(
        b,
        stack,
        Float64Array.from(list, r => Number(r[1])),
        0,
        list.length,
      )
      for (const acc of [a, b])
        assert.deepEqual(
          [0, 1, 2, 3].map(i => sumOf(acc, i)),
          model(list, 0, list.length),
        )
    }),
    { numRuns: 300 },
  )
})

test('millions of the greatest values', () => {
  const count = (1 << 21) + 5
  const acc = createAccumulator(1, true)
  const stack = new Int32Array(count)
  const words = new Int32Array(count * 2)
  for (let i = 0; i < count; i++) {
    words[i * 2] = -1
    words[i * 2 + 1] = 0x7fffffff
  }
  addWords(acc, stack, words, 0, count >> 1)
  addWords(acc, stack, words, count >> 1, count)
  carry(acc)
  assert.equal(sumOf(acc, 0), BigInt(count) * (2n ** 63n - 1n))
})
