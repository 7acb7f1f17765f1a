/**
 * Dictionaries: the distinct values of a chunk in order of first use, and for each value its index. Open addressing over
 * the words or the UTF-8 themselves; gives up (null) past `limit` distinct values.
 */
import type { Ints, Utf8 } from './values.ts'

export interface IntDictionary {
  readonly values: Ints
  readonly index: Int32Array
}

export interface StringDictionary {
  readonly values: Utf8
  readonly index: Int32Array
}

export function distinctInts(ints: Ints, limit: number): IntDictionary | null {
  const { words, perValue, length } = ints
  const capacity = tableSize(Math.min(limit, length))
  const mask = capacity - 1
  const slots = new Int32Array(capacity) // index + 1
  const low = new Int32Array(Math.min(limit, length))
  const high = new Int32Array(perValue === 1 ? 0 : low.length)
  const index = new Int32Array(length)
  let count = 0
  let found = -1
  let lastLow = 0
  let lastHigh = 0
  for (let i = 0; i < length; i++) {
    const lo = words[i * perValue]!
    const hi = perValue === 1 ? 0 : words[i * 2 + 1]!
    if (found < 0 || lo !== lastLow || hi !== lastHigh) {
      lastLow = lo
      lastHigh = hi
      let hash = Math.imul(lo ^ Math.imul(hi, 0x85ebca6b), 0x9e3779b1)
      hash ^= hash >>> 15
      let slot = hash & mask
      for (;;) {
        found = slots[slot]! - 1
        if (found < 0) {
          if (count === limit) return null
          found = count++
          slots[slot] = count
          low[found] = lo
          if (perValue === 2) high[found] = hi
          break
        }
        if (low[found] === lo && (perValue === 1 || high[found] === hi)) break
        slot = (slot + 1) & mask
      }
    }
    index[i] = found
  }
  const used = new Int32Array(count * perValue)
  if (perValue === 1) used.set(low.subarray(0, count))
  else {
    for (let i = 0; i < count; i++) {
      used[i * 2] = low[i]!
      used[i * 2 + 1] = high[i]!
    }
  }
  return { values: { ...ints, words: used, length: count }, index }
}

export function distinctStrings(strings: Utf8, limit: number): StringDictionary | null {
  const { offsets, bytes, length } = strings
  const capacity = tableSize(Math.min(limit, length))
  const mask = capacity - 1
  const slots = new Int32Array(capacity) // index + 1
  const first = new Int32Array(Math.min(limit, length)) // where each distinct string was seen first
  const hashes = new Int32Array(first.length)
  const index = new Int32Array(length)
  let count = 0
  for (let i = 0; i < length; i++) {
    const from = offsets[i]!
    const to = offsets[i + 1]!
    let hash = 0x811c9dc5
    for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
    hash ^= hash >>> 15
    let slot = hash & mask
    for (;;) {
      const found = slots[slot]! - 1
      if (found < 0) {
        if (count === limit) return null
        first[count] = i
        hashes[count] = hash
        index[i] = count++
        slots[slot] = count
        break
      }
      if (hashes[found] === hash && sameBytes(bytes, offsets, first[found]!, from, to)) {
        index[i] = found
        break
      }
      slot = (slot + 1) & mask
    }
  }
  return { values: gatherStrings(strings, first.subarray(0, count)), index }
}

function sameBytes(bytes: Uint8Array, offsets: Int32Array, other: number, from: number, to: number): boolean {
  let at = offsets[other]!
  if (offsets[other + 1]! - at !== to - from) return false
  for (let i = from; i < to; i++) if (bytes[i] !== bytes[at++]) return false
  return true
}

/** The strings at `places`, in that order. */
export function gatherStrings(strings: Utf8, places: Int32Array): Utf8 {
  const offsets = new Int32Array(places.length + 1)
  for (let i = 0; i < places.length; i++) {
    const place = places[i]!
    offsets[i + 1] = offsets[i]! + strings.offsets[place + 1]! - strings.offsets[place]!
  }
  const bytes = new Uint8Array(offsets[places.length]!)
  for (let i = 0; i < places.length; i++) {
    const place = places[i]!
    bytes.set(strings.bytes.subarray(strings.offsets[place]!, strings.offsets[place + 1]!), offsets[i]!)
  }
  return { offsets, bytes, length: places.length }
}

/** At most half full. */
const tableSize = (entries: number): number => 2 ** Math.ceil(Math.log2(Math.max(entries, 1) * 2 + 2))
