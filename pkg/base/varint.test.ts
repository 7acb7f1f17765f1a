import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  createWriter,
  readBytes,
  readDeltas,
  readDouble,
  readInt64s,
  readSigned,
  readVarint,
  type VarintWriter,
  writeBytes,
  writeDeltas,
  writeDouble,
  writeInt64s,
  writeSigned,
  writeVarint,
} from './varint.ts'

const written = (w: VarintWriter): Uint8Array => w.bytes.subarray(0, w.length)
const readerOf = (w: VarintWriter) => ({ bytes: written(w), at: 0 })
const hex = (write: (w: VarintWriter) => void): string => {
  const w = createWriter(1)
  write(w)
  return Buffer.from(written(w)).toString('hex')
}

const EDGES = [0, 1, 127, 128, 16_383, 16_384, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 35, 2 ** 52 - 1]

test('bytes', () => {
  const pictures: [number, string][] = [
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [2 ** 32, '8080808010'],
    [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
  ]
  for (const [value, bytes] of pictures)
    assert.equal(
      hex(w => writeVarint(w, value)),
      bytes,
    )
  assert.equal(
    hex(w => writeSigned(w, -1)),
    '01',
  )
  assert.equal(
    hex(w => writeSigned(w, 1)),
    '02',
  )
  assert.equal(
    hex(w => writeBytes(w, Buffer.from('ab'))),
    '026162',
  )
  assert.equal(
    hex(w => writeInt64s(w, Int32Array.of(0, -(2 ** 31)), 1, 0, 2)),
    'ffffffffffffffffff01',
  )
})

test('numbers come back', () => {
  const any = fc.oneof(fc.constantFrom(...EDGES), fc.maxSafeNat())
  fc.assert(
    fc.property(
      fc.array(any),
      fc.array(fc.double()),
      fc.array(fc.uint8Array({ maxLength: 300 })),
      (ints, doubles, texts) => {
        const w = createWriter(1)
        for (const value of ints) {
          writeVarint(w, value)
          for (const signed of [value, -value]) if (Math.abs(signed) < 2 ** 52) writeSigned(w, signed)
        }
        for (const value of doubles) writeDouble(w, value)
        for (const text of texts) writeBytes(w, text)
        const r = readerOf(w)
        for (const value of ints) {
          assert.equal(readVarint(r), value)
          for (const signed of [value, -value]) if (Math.abs(signed) < 2 ** 52) assert.equal(readSigned(r) - signed, 0)
        }
        for (const value of doubles) assert.ok(Object.is(readDouble(r), value))
        for (const text of texts) assert.deepEqual(Buffer.from(readBytes(r)), Buffer.from(text))
        assert.equal(r.at, w.length)
      },
    ),
    { numRuns: 200 },
  )
})

const int32 = fc.oneof(fc.integer(), fc.integer({ min: -3, max: 3 }), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1))

test('deltas of any int32 come back', () => {
  fc.assert(
    fc.property(fc.array(int32), values => {
      const w = createWriter(1)
      writeVarint(w, 7)
      writeDeltas(w, Int32Array.from(values), values.length)
      const r = { ...readerOf(w), at: 1 }
      const out = new Int32Array(values.length)
      readDeltas(r, out, values.length)
      assert.deepEqual(Array.from(out), values)
      assert.equal(r.at, w.length)
    }),
    { numRuns: 200 },
  )
})

test('int64 of any size and stride come back', () => {
  const int64 = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.integer({ min: 0, max: 63 }).chain(bit => fc.constantFrom(2n ** BigInt(bit) - 1n, -(2n ** BigInt(bit)))),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(int64, int64)), pairs => {
      const words = new Int32Array(BigInt64Array.from(pairs.flat()).buffer)
      const w = createWriter(1)
      for (const v of [0, 1]) writeInt64s(w, words, pairs.length, v * 2, 4)
      const out = new Int32Array(words.length)
      const r = readerOf(w)
      for (const v of [0, 1]) readInt64s(r, out, pairs.length, v * 2, 4)
      assert.deepEqual(out, words)
      assert.equal(r.at, w.length)
    }),
    { numRuns: 200 },
  )
})

test('reading past the end is a bug that is told', () => {
  const cut = { bytes: Uint8Array.of(0x80), at: 0 }
  for (const read of [
    readVarint,
    readDouble,
    () => readBytes({ bytes: Uint8Array.of(5, 1), at: 0 }),
    () => readDeltas({ bytes: Uint8Array.of(1), at: 0 }, new Int32Array(3), 3),
    () => readInt64s({ bytes: Uint8Array.of(1), at: 0 }, new Int32Array(6), 3, 0, 2),
  ]) {
    assert.throws(() => read({ ...cut }), /BUG: .* past the end/)
  }
})
