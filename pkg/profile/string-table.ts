/**
 * Distinct byte strings, numbered in order of arrival; string 0 is empty. Interning hashes the
 * bytes where they lie and makes no JavaScript string.
 */
import { type Column, int32Column, reserve, uint8Column } from '../base/column.ts'

export interface StringInterner {
  readonly bytes: Column<Uint8Array>
  /** End of each string; string i begins where i-1 ends. Row 0 is the 0 in front. */
  readonly offsets: Column<Int32Array>
  /** Open addressing: string id + 1, 0 = free; beside it the hash, so that most misses cost no byte compare. */
  slots: Int32Array
  hashes: Int32Array
}

export function createStrings(): StringInterner {
  const strings: StringInterner = {
    bytes: uint8Column(),
    offsets: int32Column(),
    slots: new Int32Array(1 << 12),
    hashes: new Int32Array(1 << 12),
  }
  reserve(strings.offsets, 1)[0] = 0
  strings.offsets.length = 1
  internString(strings, new Uint8Array(0), 0, 0)
  return strings
}

export function stringCount(strings: StringInterner): number {
  return strings.offsets.length - 1
}

/** FNV-1a with a final mix, over source[start..end). */
function hashBytes(source: Uint8Array, start: number, end: number): number {
  let h = 0x811c9dc5
  for (let i = start; i < end; i++) h = Math.imul(h ^ source[i]!, 0x01000193)
  h ^= h >>> 15
  h = Math.imul(h, 0x2c1b3c6d)
  return h ^ (h >>> 12)
}

/** The id of source[start..end), new or known. */
export function internString(strings: StringInterner, source: Uint8Array, start: number, end: number): number {
  const hash = hashBytes(source, start, end)
  const { slots, hashes } = strings
  const mask = slots.length - 1
  const length = end - start
  const bytes = strings.bytes.array
  const offsets = strings.offsets.array
  let slot = hash & mask
  for (;;) {
    const id = slots[slot]! - 1
    if (id < 0) break
    if (hashes[slot] === hash) {
      const from = offsets[id]!
      if (offsets[id + 1]! - from === length) {
        let i = 0
        while (i < length && bytes[from + i] === source[start + i]) i++
        if (i === length) return id
      }
    }
    slot = (slot + 1) & mask
  }
  return addString(strings, source, start, end, hash)
}

function addString(strings: StringInterner, source: Uint8Array, start: number, end: number, hash: number): number {
  const id = stringCount(strings)
  const length = end - start
  const bytes = reserve(strings.bytes, length)
  bytes.set(source.subarray(start, end), strings.bytes.length)
  strings.bytes.length += length
  reserve(strings.offsets, 1)[strings.offsets.length++] = strings.bytes.length
  if ((id + 1) * 2 > strings.slots.length) growSlots(strings)
  place(strings, id, hash)
  return id
}

function place(strings: StringInterner, id: number, hash: number): void {
  const mask = strings.slots.length - 1
  let slot = hash & mask
  while (strings.slots[slot] !== 0) slot = (slot + 1) & mask
  strings.slots[slot] = id + 1
  strings.hashes[slot] = hash
}

function growSlots(strings: StringInterner): void {
  const { slots, hashes } = strings
  strings.slots = new Int32Array(slots.length * 2)
  strings.hashes = new Int32Array(slots.length * 2)
  for (let i = 0; i < slots.length; i++) if (slots[i] !== 0) place(strings, slots[i]! - 1, hashes[i]!)
}
