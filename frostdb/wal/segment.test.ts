/** Records in a segment: all that is whole comes back, whatever happened to the rest. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  decodeSegmentHeader,
  encodeRecordFrame,
  encodeSegmentHeader,
  readSegment,
  SEGMENT_HEADER_BYTES,
  segmentName,
  segmentNumber,
} from './segment.ts'

const header = { generation: 3, number: 17, previous: { number: 16, bytes: 999 } }
const segmentOf = (payloads: readonly Uint8Array[]): Buffer =>
  Buffer.concat([encodeSegmentHeader(header), ...payloads.flatMap(encodeRecordFrame)])
const texts = (bytes: Uint8Array): string[] =>
  [...readSegment(bytes)].map(part =>
    part.kind === 'record'
      ? Buffer.from(part.payload).toString()
      : `${part.torn ? 'torn' : 'damage'} ${part.offset}-${part.end}`,
  )
const bytesOf = (...words: string[]) => segmentOf(words.map(word => Buffer.from(word)))

test('header', () => {
  assert.deepEqual(decodeSegmentHeader(encodeSegmentHeader(header)), header)
  const first = { generation: 1, number: 0, previous: null }
  assert.deepEqual(decodeSegmentHeader(encodeSegmentHeader(first)), first)
  const good = encodeSegmentHeader(header)
  assert.equal(good.length, SEGMENT_HEADER_BYTES)
  for (let at = 0; at < good.length; at++) {
    assert.equal(decodeSegmentHeader(good.subarray(0, at)), null)
    for (let bit = 0; bit < 8; bit++) {
      const bad = Uint8Array.from(good)
      bad[at]! ^= 1 << bit
      assert.deepEqual(decodeSegmentHeader(bad), header, 'one flaw is one too few')
      bad[(at + SEGMENT_HEADER_BYTES / 2) % good.length]! ^= 1
      assert.equal(decodeSegmentHeader(bad), null)
    }
  }
})

test('names', () => {
  assert.equal(segmentName(17), '00000017.seg')
  for (const number of [0, 17, 99_999_999]) assert.equal(segmentNumber(segmentName(number)), number)
  for (const name of ['', '17.seg', '00000017.seg.tmp', 'x00000017.seg', '0000001a.seg']) {
    assert.equal(segmentNumber(name), null, name)
  }
})

test('records come back as they were', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 })), payloads => {
      const parts = [...readSegment(segmentOf(payloads))]
      assert.deepEqual(
        parts.map(p => (p.kind === 'record' ? Buffer.from(p.payload) : p)),
        payloads.map(p => Buffer.from(p)),
      )
    }),
    { numRuns: 100 },
  )
})

test('cut at every byte: the whole ones, and what is torn', () => {
  const bytes = bytesOf('one', 'two!', 'three')
  const ends = [15, 31, 48].map(n => SEGMENT_HEADER_BYTES + n)
  for (let length = SEGMENT_HEADER_BYTES; length <= bytes.length; length++) {
    const whole = ends.filter(end => end <= length).length
    const rest =
      (ends[whole - 1] ?? SEGMENT_HEADER_BYTES) === length
        ? []
        : [`torn ${ends[whole - 1] ?? SEGMENT_HEADER_BYTES}-${length}`]
    assert.deepEqual(texts(bytes.subarray(0, length)), [...['one', 'two!', 'three'].slice(0, whole), ...rest])
  }
})

test('a byte flipped anywhere costs the record it is in, and no other', () => {
  const words = ['one', 'two!', 'three', 'four']
  const good = bytesOf(...words)
  for (let at = SEGMENT_HEADER_BYTES; at < good.length; at++) {
    for (const bit of [0, 3, 7]) {
      const bad = Uint8Array.from(good)
      bad[at]! ^= 1 << bit
      const read = texts(bad)
      const hit = [15, 31, 48, 64].findIndex(end => at - SEGMENT_HEADER_BYTES < end)
      const kept = read.filter(text => words.includes(text))
      assert.deepEqual(
        kept,
        words.filter((_, i) => i !== hit),
        `byte ${at}`,
      )
      assert.equal(read.length, words.length, 'and is told of once')
      if (hit < 3) assert.ok(read[hit]!.startsWith('damage'), read[hit])
    }
  }
})

test('zeros in place of a record, or behind the last', () => {
  const bytes = bytesOf('one', 'two!', 'three')
  const holed = Uint8Array.from(bytes).fill(0, SEGMENT_HEADER_BYTES + 15, SEGMENT_HEADER_BYTES + 31)
  assert.deepEqual(texts(holed), ['one', `damage ${SEGMENT_HEADER_BYTES + 15}-${SEGMENT_HEADER_BYTES + 31}`, 'three'])
  const padded = Buffer.concat([bytes, Buffer.alloc(100)])
  assert.deepEqual(texts(padded).slice(0, 3), ['one', 'two!', 'three'])
  assert.equal(texts(padded).length, 4)
})

test('a payload may hold what looks like a record', () => {
  const inner = Buffer.concat(encodeRecordFrame(Buffer.from('inner')))
  const bytes = segmentOf([inner, Buffer.from('next')])
  assert.deepEqual(texts(bytes), [inner.toString(), 'next'])
})

test('a segment full of markers is read in a few passes', () => {
  const [frame] = encodeRecordFrame(Buffer.from('x'))
  const marker = frame.subarray(0, 4)
  const evil = Buffer.alloc(1 << 20)
  for (let at = 0; at < evil.length; at += 8) {
    evil.set(marker, at)
    evil.writeUInt32LE(evil.length >> 2, at + 4)
  }
  const parts = texts(Buffer.concat([encodeSegmentHeader(header), evil]))
  assert.equal(parts.length, 1)
})
