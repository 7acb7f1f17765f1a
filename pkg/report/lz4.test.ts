import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { lz4FrameDecompress } from '../pprof/lz4.ts'
import { lz4FrameBound, writeLz4Frame } from './lz4.ts'

const LIMIT = 64 << 20

function encode(input: Uint8Array): Uint8Array {
  const out = new Uint8Array(lz4FrameBound(input.length))
  return out.subarray(0, writeLz4Frame(input, out, 0))
}

function roundTrip(input: Uint8Array): void {
  assert.deepEqual(Buffer.from(lz4FrameDecompress(encode(input), LIMIT)), Buffer.from(input))
}

test('what is written is read back', () => {
  const piece = fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 400 }))
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
      roundTrip(Buffer.concat(pieces.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes))))
    }),
    { numRuns: 300 },
  )
})

test('inputs shorter than the shortest match', () => {
  for (let n = 0; n < 40; n++) {
    roundTrip(new Uint8Array(n))
    roundTrip(Uint8Array.from({ length: n }, (_, i) => i))
  }
})

test('more than one block, and blocks that do not compress', () => {
  let state = 1
  const noise = Uint8Array.from({ length: (4 << 20) + 77 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return state >>> 24
  })
  assert(encode(noise).length <= noise.length + 64)
  roundTrip(noise)
  const numbers = new Uint8Array(Uint32Array.from({ length: 3 << 20 }, (_, i) => i % 5000).buffer)
  assert(encode(numbers).length < numbers.length / 20)
  roundTrip(numbers)
})
