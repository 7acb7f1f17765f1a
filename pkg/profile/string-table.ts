/**
 * Distinct byte strings, numbered in order of arrival; string 0 is empty. Interning hashes the
 * bytes where they lie and makes no JavaScript string.
 */
import { type Column, int32Column, reserve, uint8Column } from '../base/column.ts'

export interface StringInterner {
  readonly bytes: Column<Uint8Array>
  /** Over the memory of `bytes`, whichever that is now. */
  view: DataView<ArrayBufferLike>
  /** End of each string; string i begins where i-1 ends. Row 0 is the 0 in front. */
  readonly offsets: Column<Int32Array>
  /** Open addressing: pairs of hash and string + 1, 0 = free. */
  slots: Int32Array
}

export function createStrings(): StringInterner {
  const bytes = uint8Column()
  const strings: StringInterner = {
    bytes,
    view: new DataView(bytes.array.buffer),
    offsets: int32Column(),
    slots: new Int32Array(1 << 13),
  }
  reserve(strings.offsets, 1)[0] = 0
  strings.offsets.length = 1
  internString(strings, new Uint8Array(0), 0, 0)
  return strings
}

export function stringCount(strings: StringInterner): number {
  return strings.offsets.length - 1
}

let viewed: ArrayBufferLike | null = null
let viewOfSource: DataView<ArrayBufferLike> = new DataView(new ArrayBuffer(0))

/** One profile's strings lie in one buffer. */
function viewOf(source: Uint8Array): DataView<ArrayBufferLike> {
  if (source.buffer !== viewed) {
    viewed = source.buffer
    viewOfSource = new DataView(viewed)
  }
  return viewOfSource
}

/** Four bytes at a step, multiplied and mixed, as Murmur's. */
function hashBytes(view: DataView<ArrayBufferLike>, start: number, end: number): number {
  let h = end - start
  let i = start
  for (const last = end - 3; i < last; i += 4) {
    h = Math.imul(h ^ Math.imul(view.getInt32(i, true), 0xcc9e2d51), 0x1b873593)
    h ^= h >>> 15
  }
  for (; i < end; i++) h = Math.imul(h ^ view.getUint8(i), 0x01000193)
  h ^= h >>> 15
  h = Math.imul(h, 0x2c1b3c6d)
  return h ^ (h >>> 12)
}

function equalBytes(
  a: DataView<ArrayBufferLike>,
  aStart: number,
  b: DataView<ArrayBufferLike>,
  bStart: number,
  length: number,
): boolean {
  let i = 0
  for (const last = length - 3; i < last; i += 4) {
    if (a.getInt32(aStart + i, true) !== b.getInt32(bStart + i, true)) return false
  }
  for (; i < length; i++) if (a.getUint8(aStart + i) !== b.getUint8(bStart + i)) return false
  return true
}

/** The id of source[start..end), new or known. */
export function internString(strings: StringInterner, source: Uint8Array, start: number, end: number): number {
  const view = viewOf(source)
  const from = source.byteOffset + start
  const hash = hashBytes(view, from, source.byteOffset + end)
  const { slots } = strings
  const mask = slots.length - 2
  const length = end - start
  const known = strings.view
  const offsets = strings.offsets.array
  let slot = (hash << 1) & mask
  for (;;) {
    const id = slots[slot + 1]! - 1
    if (id < 0) break
    if (slots[slot] === hash) {
      const at = offsets[id]!
      if (offsets[id + 1]! - at === length && equalBytes(known, at, view, from, length)) return id
    }
    slot = (slot + 2) & mask
  }
  return addString(strings, source, start, end, hash)
}

function addString(strings: StringInterner, source: Uint8Array, start: number, end: number, hash: number): number {
  const id = stringCount(strings)
  const length = end - start
  const bytes = reserve(strings.bytes, length)
  bytes.set(source.subarray(start, end), strings.bytes.length)
  if (strings.view.buffer !== bytes.buffer) strings.view = new DataView(bytes.buffer)
  strings.bytes.length += length
  reserve(strings.offsets, 1)[strings.offsets.length++] = strings.bytes.length
  if ((id + 1) * 4 > strings.slots.length) growSlots(strings)
  place(strings.slots, id, hash)
  return id
}

function place(slots: Int32Array, id: number, hash: number): void {
  const mask = slots.length - 2
  let slot = (hash << 1) & mask
  while (slots[slot + 1] !== 0) slot = (slot + 2) & mask
  slots[slot] = hash
  slots[slot + 1] = id + 1
}

function growSlots(strings: StringInterner): void {
  const { slots } = strings
  strings.slots = new Int32Array(slots.length * 2)
  for (let i = 0; i < slots.length; i += 2) {
    if (slots[i + 1] !== 0) place(strings.slots, slots[i + 1]! - 1, slots[i]!)
  }
}
