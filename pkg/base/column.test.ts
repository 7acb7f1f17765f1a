import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  float64Column,
  int32Column,
  int64Column,
  push,
  reserve,
  uint8Column,
  uint64Column,
  usedBytes,
  view,
} from './column.ts'

test('holds what was pushed, as an array would', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { maxLength: 5000 }), values => {
      const column = int32Column()
      for (const value of values) push(column, value)
      assert.deepEqual(Array.from(view(column, column.length)), values)
      assert.equal(usedBytes(column), values.length * 4)
    }),
    { numRuns: 30 },
  )
})

test('every type grows into shared memory and keeps what it held', () => {
  for (const make of [int32Column, uint8Column, float64Column]) {
    const column = make()
    push<Int32Array | Uint8Array | Float64Array>(column, 7)
    reserve<Int32Array | Uint8Array | Float64Array>(column, 1_000_000)
    assert.ok(column.array.length > 1_000_000 && column.array.buffer instanceof SharedArrayBuffer)
    assert.deepEqual([column.length, column.array[0], column.array[1]], [1, 7, 0])
  }
  for (const make of [int64Column, uint64Column]) {
    const column = make()
    reserve<BigInt64Array | BigUint64Array>(column, 5000)[column.length++] = 7n
    reserve<BigInt64Array | BigUint64Array>(column, 1_000_000)
    assert.deepEqual([column.array[0], column.array[1]], [7n, 0n])
  }
})

test('room for what is asked, not one row less', () => {
  const column = int32Column()
  const size = column.array.length
  column.length = size - 3
  assert.equal(reserve(column, 3).length, size)
  assert.ok(reserve(column, 4).length > size)
})

test('a view taken before it grew stays as it was', () => {
  const column = int32Column()
  for (let i = 0; i < 10; i++) push(column, i)
  const before = view(column, 10)
  for (let i = 0; i < 100_000; i++) push(column, -1)
  assert.deepEqual(Array.from(before), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  assert.equal(view(column, 0).length, 0)
})
