import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { byteBuffer } from './buffer.ts'
import { decodeDelta32, decodeDelta64, decodeDeltaFloat64 } from './delta-decode.ts'
import { encodeDelta32, encodeDelta64 } from './delta-encode.ts'
import { decodeHybrid, hybridEncoder, widthFor } from './hybrid.ts'
import { numberOf, readStruct, writeStruct } from './thrift.ts'
import { wordsOf } from './values.ts'

const MIN64 = -(2n ** 63n)
const MAX64 = 2n ** 63n - 1n

/** Numbers of every width, small ones as likely as large ones. */
const int32 = fc.oneof(fc.integer(), fc.integer({ min: -3, max: 3 }), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, -1, 0))
const int64 = fc.oneof(
  fc.bigInt({ min: MIN64, max: MAX64 }),
  fc.bigInt({ min: -3n, max: 3n }),
  fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n }),
  fc.constantFrom(MIN64, MAX64, -1n, 0n, 2n ** 31n, 2n ** 32n, -(2n ** 32n)),
)
const few = { maxLength: 400, size: 'max' } as const

test('delta32 gives back what it took, at any place', () => {
  fc.assert(
    fc.property(fc.array(int32, few), fc.nat(5), (list, shift) => {
      const out = byteBuffer(1)
      out.length = shift
      const values = Int32Array.from(list)
      encodeDelta32(out, values, 0, values.length)
      const back = new Int32Array(values.length + 3).fill(7)
      assert.ok(decodeDelta32(out.data.subarray(shift, out.length), values.length, back, 2))
      assert.deepEqual([...back], [7, 7, ...list, 7])
    }),
  )
})

test('delta64 gives back what it took', () => {
  fc.assert(
    fc.property(fc.array(int64, few), list => {
      const out = byteBuffer(1)
      const values = BigInt64Array.from(list)
      encodeDelta64(out, wordsOf(values), 0, values.length)
      const back = new BigInt64Array(values.length + 2)
      assert.ok(decodeDelta64(out.data.subarray(0, out.length), values.length, wordsOf(back), 1))
      assert.deepEqual([...back], [0n, ...list, 0n])
    }),
  )
})

test('delta64 as doubles is exact, or says that it cannot be', () => {
  const safe = fc.bigInt({ min: BigInt(Number.MIN_SAFE_INTEGER), max: BigInt(Number.MAX_SAFE_INTEGER) })
  const small = fc.bigInt({ min: -(2n ** 33n), max: 2n ** 33n })
  fc.assert(
    fc.property(fc.array(fc.oneof(safe, small), few), fc.option(int64), (list, odd) => {
      const all = odd === null ? list : [...list.slice(0, 70), odd, ...list.slice(70)]
      const out = byteBuffer(1)
      const values = BigInt64Array.from(all)
      encodeDelta64(out, wordsOf(values), 0, values.length)
      const back = new Float64Array(values.length)
      const fits = all.every(value => Number.isSafeInteger(Number(value)))
      assert.equal(decodeDeltaFloat64(out.data.subarray(0, out.length), values.length, back, 0), fits)
      if (fits) assert.deepEqual([...back].map(BigInt), all)
    }),
  )
})

test('a delta stream of another length is refused', () => {
  const out = byteBuffer()
  encodeDelta32(
    out,
    Int32Array.from({ length: 300 }, (_, i) => i * i),
    0,
    300,
  )
  const bytes = out.data.subarray(0, out.length)
  const back = new Int32Array(301)
  for (let cut = 0; cut < bytes.length; cut++) assert.equal(decodeDelta32(bytes.subarray(0, cut), 300, back, 0), false)
  assert.equal(decodeDelta32(bytes, 299, back, 0), false)
  assert.equal(decodeDelta32(bytes, 301, back, 0), false)
})

test('the hybrid gives back runs and stretches', () => {
  const run = fc.tuple(fc.nat(70_000), fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 700 })))
  fc.assert(
    fc.property(fc.array(run, { maxLength: 200, size: 'max' }), fc.integer({ min: 1, max: 70_001 }), (runs, limit) => {
      const width = widthFor(limit)
      const encoder = hybridEncoder()
      const out = byteBuffer(1)
      const want: number[] = []
      encoder.start(out, width)
      for (const [value, count] of runs) {
        encoder.add(value % limit, count)
        for (let i = 0; i < count; i++) want.push(value % limit)
      }
      encoder.finish()
      const back = new Int32Array(want.length)
      const bytes = out.data.subarray(0, out.length)
      assert.equal(decodeHybrid(bytes, 0, width, want.length, limit, back, 0), bytes.length)
      assert.deepEqual([...back], want)
      const largest = want.reduce((a, b) => Math.max(a, b), 0)
      if (largest > 0) assert.equal(decodeHybrid(bytes, 0, width, want.length, largest, back, 0), -1)
    }),
  )
})

test('a run costs its bytes, not its rows', () => {
  const encoder = hybridEncoder()
  const out = byteBuffer()
  encoder.start(out, 3)
  encoder.add(5, 1_000_000)
  encoder.finish()
  assert.deepEqual([...out.data.subarray(0, out.length)], [0x80, 0x89, 0x7a, 5])
})

test('thrift integers keep their value', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer(), (wide, narrow) => {
      const out = byteBuffer(1)
      writeStruct(out, s => {
        s.i32(1, narrow)
        s.i64(40, wide)
      })
      const { value, end } = readStruct(out.data.subarray(0, out.length))
      assert.deepEqual([numberOf(value, 1), numberOf(value, 40), end], [narrow, wide, out.length])
    }),
  )
})
