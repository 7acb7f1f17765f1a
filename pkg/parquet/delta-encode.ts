/**
 * DELTA_BINARY_PACKED, the encoding every reader knows, of INT32 and of INT64.
 *
 *   header  block size (128), miniblocks per block (4), number of values, first value (zigzag)   all varints
 *   block   least delta (zigzag varint), 4 bit widths, then each miniblock of 32 as (delta - least delta) bit-packed
 *
 * `delta-decode.ts` reads it. A last block's unused miniblocks have width 0 and no bytes. Differences wrap in the column's own width, so every value
 * survives. 64-bit values travel as words, low then high, the memory of a BigInt64Array.
 */
import { type ByteBuffer, reserve, writeVarint, writeZigzag64 } from './buffer.ts'

const BLOCK = 128
const MINI = 32
const MINIS = BLOCK / MINI

const low = new Int32Array(BLOCK)
const high = new Int32Array(BLOCK)

/** Most bytes `count` values may take: all widths full, block headers, page header. */
const roomFor = (count: number, bytes: number): number => (Math.ceil(count / BLOCK) + 1) * (BLOCK * bytes + 16) + 32

/** Appends `values[from, to)`. */
export function encodeDelta32(out: ByteBuffer, values: Int32Array, from: number, to: number): void {
  const count = to - from
  reserve(out, roomFor(count, 4))
  const first = count === 0 ? 0 : values[from]!
  writeHeader(out, count, first, first >> 31)
  let previous = first
  for (let at = from + 1; at < to; at += BLOCK) {
    const length = Math.min(BLOCK, to - at)
    let least = 0x7fffffff
    for (let i = 0; i < length; i++) {
      const value = values[at + i]!
      const delta = (value - previous) | 0
      previous = value
      low[i] = delta
      if (delta < least) least = delta
    }
    writeZigzag64(out, least, least >> 31)
    const widths = out.length
    out.length += MINIS
    for (let mini = 0; mini < MINIS; mini++) {
      const start = mini * MINI
      let bits = 0
      if (start < length) {
        for (let i = start; i < start + MINI; i++) {
          const rest = i < length ? (low[i]! - least) | 0 : 0
          low[i] = rest
          bits |= rest
        }
      }
      const width = 32 - Math.clz32(bits)
      out.data[widths + mini] = width
      pack32(out, low, start, width)
    }
  }
}

/** Appends `count` 64-bit values whose words begin at `words[2 * from]`. */
export function encodeDelta64(out: ByteBuffer, words: Int32Array, from: number, to: number): void {
  const count = to - from
  reserve(out, roomFor(count, 8))
  let previousLow = count === 0 ? 0 : words[from * 2]!
  let previousHigh = count === 0 ? 0 : words[from * 2 + 1]!
  writeHeader(out, count, previousLow, previousHigh)
  for (let at = from + 1; at < to; at += BLOCK) {
    const length = Math.min(BLOCK, to - at)
    let leastLow = -1
    let leastHigh = 0x7fffffff
    for (let i = 0; i < length; i++) {
      const lo = words[(at + i) * 2]!
      const hi = words[(at + i) * 2 + 1]!
      const deltaLow = (lo - previousLow) | 0
      const deltaHigh = (hi - previousHigh - (lo >>> 0 < previousLow >>> 0 ? 1 : 0)) | 0
      previousLow = lo
      previousHigh = hi
      low[i] = deltaLow
      high[i] = deltaHigh
      if (deltaHigh < leastHigh || (deltaHigh === leastHigh && deltaLow >>> 0 < leastLow >>> 0)) {
        leastLow = deltaLow
        leastHigh = deltaHigh
      }
    }
    writeZigzag64(out, leastLow, leastHigh)
    const widths = out.length
    out.length += MINIS
    for (let mini = 0; mini < MINIS; mini++) {
      const start = mini * MINI
      let bitsLow = 0
      let bitsHigh = 0
      if (start < length) {
        for (let i = start; i < start + MINI; i++) {
          if (i >= length) {
            low[i] = 0
            high[i] = 0
            continue
          }
          const lo = low[i]!
          high[i] = (high[i]! - leastHigh - (lo >>> 0 < leastLow >>> 0 ? 1 : 0)) | 0
          low[i] = (lo - leastLow) | 0
          bitsLow |= low[i]!
          bitsHigh |= high[i]!
        }
      }
      const width = bitsHigh === 0 ? 32 - Math.clz32(bitsLow) : 64 - Math.clz32(bitsHigh)
      out.data[widths + mini] = width
      if (width <= 32) pack32(out, low, start, width)
      else pack64(out, start, width)
    }
  }
}

function writeHeader(out: ByteBuffer, count: number, firstLow: number, firstHigh: number): void {
  writeVarint(out, BLOCK)
  writeVarint(out, MINIS)
  writeVarint(out, count)
  writeZigzag64(out, firstLow, firstHigh)
}

/** Packs 32 values of `width` bits, least significant first; room is there. */
function pack32(out: ByteBuffer, values: Int32Array, start: number, width: number): void {
  if (width === 0) return
  const view = out.view
  let at = out.length
  let word = 0
  let filled = 0
  for (let i = start; i < start + MINI; i++) {
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
  out.length = at
}

function pack64(out: ByteBuffer, start: number, width: number): void {
  const view = out.view
  let at = out.length
  let word = 0
  let filled = 0
  for (let i = start; i < start + MINI; i++) {
    word |= low[i]! << filled
    view.setInt32(at, word, true)
    at += 4
    word = filled === 0 ? 0 : low[i]! >>> (32 - filled)
    word |= high[i]! << filled
    filled += width - 32
    if (filled >= 32) {
      view.setInt32(at, word, true)
      at += 4
      filled -= 32
      word = filled === 0 ? 0 : high[i]! >>> (width - 32 - filled)
    }
  }
  out.length = at
}
