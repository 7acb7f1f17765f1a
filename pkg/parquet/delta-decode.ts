/**
 * Reads the DELTA_BINARY_PACKED that `delta-encode.ts` writes: 32-bit values, 64-bit values as words, and 64-bit values
 * as doubles where those are exact. A stream must be exactly as long as its values need; anything else gives false.
 */

const BLOCK = 128
const MINI = 32
const MINIS = BLOCK / MINI
const WORD = 4294967296
const SMALL_HIGH = 1 << 19 // high words of values within ±2⁵¹

/** Where a decoder stands. It reads the whole of `bytes` and returns false when that is not what was promised. */
interface Cursor {
  readonly bytes: Uint8Array
  readonly view: DataView
  at: number
  lo: number
  hi: number
}

/** Decodes exactly `count` values to `out[to…]`; false when the bytes are no such thing. */
export function decodeDelta32(bytes: Uint8Array, count: number, out: Int32Array, to: number): boolean {
  const cursor = openDelta(bytes, count)
  if (cursor === null) return false
  const view = cursor.view
  let value = cursor.lo
  if (count > 0) out[to] = value
  for (let done = 1; done < count; done += BLOCK) {
    if (!readZigzag(cursor) || cursor.at + MINIS > bytes.length) return false
    const least = cursor.lo
    const widths = cursor.at
    let at = widths + MINIS
    const length = Math.min(BLOCK, count - done)
    for (let mini = 0; mini * MINI < length; mini++) {
      const width = bytes[widths + mini]!
      const end = at + width * 4
      if (width > 32 || end > bytes.length) return false
      const start = to + done + mini * MINI
      const stop = Math.min(start + MINI, to + count)
      if (width === 0) {
        for (let i = start; i < stop; i++) {
          value = (value + least) | 0
          out[i] = value
        }
      } else if (width === 32) {
        for (let i = start; i < stop; i++) {
          value = (value + least + view.getInt32(at + (i - start) * 4, true)) | 0
          out[i] = value
        }
      } else {
        const mask = (1 << width) - 1
        let word = view.getInt32(at, true)
        let next = at + 4
        let used = 0
        for (let i = start; i < stop; i++) {
          let packed = word >>> used
          used += width
          if (used >= 32) {
            used -= 32
            if (next < end) {
              word = view.getInt32(next, true)
              next += 4
              if (used > 0) packed |= word << (width - used)
            }
          }
          value = (value + least + (packed & mask)) | 0
          out[i] = value
        }
      }
      at = end
    }
    cursor.at = at
  }
  return cursor.at === bytes.length
}

/** Decodes exactly `count` 64-bit values to `words[2 * to…]`; false when the bytes are no such thing. */
export function decodeDelta64(bytes: Uint8Array, count: number, words: Int32Array, to: number): boolean {
  const cursor = openDelta(bytes, count)
  if (cursor === null) return false
  const view = cursor.view
  let lo = cursor.lo
  let hi = cursor.hi
  if (count > 0) {
    words[to * 2] = lo
    words[to * 2 + 1] = hi
  }
  for (let done = 1; done < count; done += BLOCK) {
    if (!readZigzag(cursor) || cursor.at + MINIS > bytes.length) return false
    const leastLow = cursor.lo
    const leastHigh = cursor.hi
    const widths = cursor.at
    let at = widths + MINIS
    const length = Math.min(BLOCK, count - done)
    for (let mini = 0; mini * MINI < length; mini++) {
      const width = bytes[widths + mini]!
      const end = at + width * 4
      if (width > 64 || end > bytes.length) return false
      const start = to + done + mini * MINI
      const stop = Math.min(start + MINI, to + count)
      let bit = 0
      for (let i = start; i < stop; i++) {
        let packedLow = 0
        let packedHigh = 0
        if (width > 0) {
          packedLow = bitsAt(view, at, end, bit, Math.min(width, 32))
          if (width > 32) packedHigh = bitsAt(view, at, end, bit + 32, width - 32)
          bit += width
        }
        const stepLow = (leastLow + packedLow) | 0
        const stepHigh = leastHigh + packedHigh + (stepLow >>> 0 < packedLow >>> 0 ? 1 : 0)
        lo = (lo + stepLow) | 0
        hi = (hi + stepHigh + (lo >>> 0 < stepLow >>> 0 ? 1 : 0)) | 0
        words[i * 2] = lo
        words[i * 2 + 1] = hi
      }
      at = end
    }
    cursor.at = at
  }
  return cursor.at === bytes.length
}

/** As `decodeDelta64`, to doubles; false also when a value is not within ±2⁵³, where a double is exact. */
export function decodeDeltaFloat64(bytes: Uint8Array, count: number, out: Float64Array, to: number): boolean {
  const cursor = openDelta(bytes, count)
  if (cursor === null) return false
  const view = cursor.view
  let value = cursor.hi * WORD + (cursor.lo >>> 0)
  if (count > 0) out[to] = value
  let largest = Math.abs(value)
  for (let done = 1; done < count; done += BLOCK) {
    if (!readZigzag(cursor) || cursor.at + MINIS > bytes.length) return false
    // Two values within ±2⁵³ differ by at most 2⁵⁴, so a sum of least delta and rest can need more than a double's
    // 53 bits: the parts are added one after the other only where both are small, else as words.
    const leastLow = cursor.lo
    const leastHigh = cursor.hi
    const least = leastHigh * WORD + (leastLow >>> 0)
    const small = leastHigh >= -SMALL_HIGH && leastHigh < SMALL_HIGH
    const widths = cursor.at
    let at = widths + MINIS
    const length = Math.min(BLOCK, count - done)
    for (let mini = 0; mini * MINI < length; mini++) {
      const width = bytes[widths + mini]!
      const end = at + width * 4
      if (width > 64 || end > bytes.length) return false
      const start = to + done + mini * MINI
      const stop = Math.min(start + MINI, to + count)
      if (small && width === 0) {
        for (let i = start; i < stop; i++) {
          value += least
          if (value > largest) largest = value
          else if (value < -largest) largest = -value
          out[i] = value
        }
      } else if (small && width < 32) {
        const mask = (1 << width) - 1
        let word = view.getInt32(at, true)
        let next = at + 4
        let used = 0
        for (let i = start; i < stop; i++) {
          let packed = word >>> used
          used += width
          if (used >= 32) {
            used -= 32
            if (next < end) {
              word = view.getInt32(next, true)
              next += 4
              if (used > 0) packed |= word << (width - used)
            }
          }
          value += least + (packed & mask)
          if (value > largest) largest = value
          else if (value < -largest) largest = -value
          out[i] = value
        }
      } else {
        if (!(largest <= Number.MAX_SAFE_INTEGER)) return false
        let lo = value | 0
        let hi = Math.floor(value / WORD)
        let bit = 0
        for (let i = start; i < stop; i++) {
          let packedLow = 0
          let packedHigh = 0
          if (width > 0) {
            packedLow = bitsAt(view, at, end, bit, Math.min(width, 32))
            if (width > 32) packedHigh = bitsAt(view, at, end, bit + 32, width - 32)
            bit += width
          }
          const stepLow = (leastLow + packedLow) | 0
          const stepHigh = leastHigh + packedHigh + (stepLow >>> 0 < packedLow >>> 0 ? 1 : 0)
          lo = (lo + stepLow) | 0
          hi = (hi + stepHigh + (lo >>> 0 < stepLow >>> 0 ? 1 : 0)) | 0
          value = hi * WORD + (lo >>> 0)
          if (value > largest) largest = value
          else if (value < -largest) largest = -value
          out[i] = value
        }
      }
      at = end
    }
    cursor.at = at
  }
  return cursor.at === bytes.length && largest <= Number.MAX_SAFE_INTEGER
}

/** `width` (1 to 32) bits that begin `bit` bits behind `at`. */
function bitsAt(view: DataView, at: number, end: number, bit: number, width: number): number {
  const place = at + ((bit >>> 5) << 2)
  const shift = bit & 31
  let bits = view.getInt32(place, true) >>> shift
  if (shift + width > 32 && place + 4 < end) bits |= view.getInt32(place + 4, true) << (32 - shift)
  return width === 32 ? bits : bits & ((1 << width) - 1)
}

function openDelta(bytes: Uint8Array, count: number): Cursor | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const cursor: Cursor = { bytes, view, at: 0, lo: 0, hi: 0 }
  for (const wanted of [BLOCK, MINIS, count]) {
    if (!readVarint(cursor) || cursor.hi !== 0 || cursor.lo !== wanted) return null
  }
  return readZigzag(cursor) ? cursor : null
}

function readVarint(cursor: Cursor): boolean {
  let lo = 0
  let hi = 0
  for (let shift = 0; shift < 70; shift += 7) {
    if (cursor.at >= cursor.bytes.length) return false
    const byte = cursor.bytes[cursor.at++]!
    const bits = byte & 127
    if (shift < 32) lo |= bits << shift
    if (shift > 25 && shift < 64) hi |= shift < 32 ? bits >>> (32 - shift) : bits << (shift - 32)
    if (byte < 128) {
      cursor.lo = lo
      cursor.hi = hi
      return true
    }
  }
  return false
}

function readZigzag(cursor: Cursor): boolean {
  if (!readVarint(cursor)) return false
  const sign = -(cursor.lo & 1)
  const lo = ((cursor.lo >>> 1) | (cursor.hi << 31)) ^ sign
  cursor.hi = (cursor.hi >>> 1) ^ sign
  cursor.lo = lo
  return true
}
