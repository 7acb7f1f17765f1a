/**
 * The RLE / bit-packing hybrid: dictionary indices, definition levels, repetition levels.
 *
 *   run     varint (count << 1), then the value in ⌈width / 8⌉ bytes
 *   packed  varint (groups << 1 | 1), then groups of 8 values of `width` bits, least significant first
 *
 * The encoder takes (value, count) pairs, so a column that is constant over long stretches costs its runs, not its rows.
 */
import { type ByteBuffer, reserve, writeVarint } from './buffer.ts'

/** Values gathered before a packed stretch is written: its header then stays one byte. */
const PACKED = 63 * 8

export interface HybridEncoder {
  /** Starts a stream of values below 2^width at the end of `out`. */
  start(out: ByteBuffer, width: number): void
  add(value: number, count: number): void
  finish(): void
}

export function hybridEncoder(): HybridEncoder {
  const pending = new Int32Array(PACKED)
  let out: ByteBuffer
  let width = 0
  let gathered = 0
  let runValue = 0
  let runCount = 0

  /** Pads to whole groups; only the end of the stream may be padded. */
  function flushPacked(): void {
    if (gathered === 0) return
    const groups = (gathered + 7) >>> 3
    pending.fill(0, gathered, groups * 8)
    reserve(out, 1 + groups * width + 4)
    out.data[out.length++] = (groups << 1) | 1
    packGroups(out, pending, groups * 8, width)
    gathered = 0
  }

  function flushRun(): void {
    // A packed stretch takes whole groups, so a run first fills up the group that was begun.
    while (runCount > 0 && (gathered & 7) !== 0) {
      pending[gathered++] = runValue
      runCount--
    }
    if (runCount >= 8) {
      flushPacked()
      writeVarint(out, (runCount << 1) >>> 0)
      reserve(out, 4)
      for (let bits = 0; bits < width; bits += 8) out.data[out.length++] = runValue >>> bits
      runCount = 0
    }
    if (gathered === PACKED) flushPacked()
    while (runCount > 0) {
      pending[gathered++] = runValue
      runCount--
    }
  }

  return {
    start(to, bits) {
      out = to
      width = bits
      gathered = 0
      runCount = 0
    },
    add(value, count) {
      if (value === runValue) runCount += count
      else {
        if (runCount > 0) flushRun()
        runValue = value
        runCount = count
      }
    },
    finish() {
      if (runCount > 0) flushRun()
      flushPacked()
    },
  }
}

function packGroups(out: ByteBuffer, values: Int32Array, count: number, width: number): void {
  const view = out.view
  let at = out.length
  const end = at + (count >>> 3) * width
  let word = 0
  let filled = 0
  for (let i = 0; i < count; i++) {
    const value = values[i]!
    word |= value << filled
    filled += width
    if (filled >= 32) {
      view.setInt32(at, word, true)
      at += 4
      filled -= 32
      word = filled === 0 ? 0 : value >>> (width - filled)
    }
  }
  for (; at < end; at++) {
    out.data[at] = word
    word >>>= 8
  }
  out.length = end
}

/** Bits that hold every value below `values`. */
export const widthFor = (values: number): number => (values <= 1 ? 0 : 32 - Math.clz32(values - 1))

/**
 * Decodes `count` values to `out[to…]`; returns the bytes read from `at`, or -1 when they are no such stream or hold a
 * value that is not below `limit`.
 */
export function decodeHybrid(
  bytes: Uint8Array,
  at: number,
  width: number,
  count: number,
  limit: number,
  out: Int32Array,
  to: number,
): number {
  if (width > 24) return -1
  const begin = at
  const valueBytes = (width + 7) >>> 3
  const mask = (1 << width) - 1
  const stop = to + count
  let i = to
  while (i < stop) {
    let header = 0
    for (let shift = 0; ; shift += 7) {
      if (at >= bytes.length || shift > 28) return -1
      const byte = bytes[at++]!
      header |= (byte & 127) << shift
      if (byte < 128) break
    }
    const length = header >>> 1
    if (length === 0) return -1
    if ((header & 1) === 0) {
      if (at + valueBytes > bytes.length || length > stop - i) return -1
      let value = 0
      for (let b = 0; b < valueBytes; b++) value |= bytes[at++]! << (b * 8)
      if (value >= limit) return -1
      out.fill(value, i, i + length)
      i += length
    } else {
      const end = at + length * width
      if (end > bytes.length || length * 8 - 7 > stop - i) return -1
      const packedStop = Math.min(i + length * 8, stop)
      let word = 0
      let have = 0
      let largest = 0
      for (; i < packedStop; i++) {
        while (have < width) {
          word |= bytes[at++]! << have
          have += 8
        }
        const value = word & mask
        word >>>= width
        have -= width
        if (value > largest) largest = value
        out[i] = value
      }
      if (largest >= limit) return -1
      at = end
    }
  }
  return at - begin
}
