/**
 * A log segment: a numbered, append-only file of checksummed records.
 *
 *   header   ┌───────────────┬─────────────┬────────────────┬────────────┬──────────────┬────────────────┬───────────┐
 *   (twice)  │ magic "DWAL"  │ version u32 │ generation u32 │ number u32 │ previous u32 │ its length u32 │ crc32 u32 │
 *            └───────────────┴─────────────┴────────────────┴────────────┴──────────────┴────────────────┴───────────┘
 *   record   ┌────────────┬────────────┬───────────┬─────────┐
 *            │ marker u32 │ length u32 │ crc32 u32 │ payload │   little-endian; the checksum covers length and payload
 *            └────────────┴────────────┴───────────┴─────────┘
 *
 * A record never spans segments; a segment may end torn where the process or the machine died. The header stands there
 * twice, so that no single flaw costs a whole segment. It names the segment before, and up to where that one was
 * acknowledged: what a failed write or sync left behind there was refused, and is never read. The marker is what is
 * searched for behind a record whose length is damaged. Bytes only: what a payload means is decided in `record.ts`.
 */
import { crc32 } from 'node:zlib'

const HEADER_COPY_BYTES = 28
export const SEGMENT_HEADER_BYTES = 2 * HEADER_COPY_BYTES
export const RECORD_HEADER_BYTES = 12
const MAGIC = 0x4c415744 // "DWAL"
const VERSION = 1
const MARKER = Uint8Array.of(0xd3, 0x57, 0xc1, 0x9a) // no UTF-8, no small numbers
/** A record longer than this is not believed. */
const MAX_RECORD_BYTES = 1 << 30

export interface SegmentHeader {
  readonly generation: number
  readonly number: number
  /** Null: not known, what is there counts (the first segment of a process). */
  readonly previous: { readonly number: number; readonly bytes: number } | null
}

const NOT_KNOWN = 0xffffffff

export const segmentName = (number: number): string => `${String(number).padStart(8, '0')}.seg`

export function segmentNumber(name: string): number | null {
  const match = /^(\d{8})\.seg$/.exec(name)
  return match === null ? null : Number(match[1])
}

export function encodeSegmentHeader({ generation, number, previous }: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, VERSION, true)
  view.setUint32(8, generation, true)
  view.setUint32(12, number, true)
  view.setUint32(16, previous?.number ?? NOT_KNOWN, true)
  view.setUint32(20, previous?.bytes ?? NOT_KNOWN, true)
  view.setUint32(24, crc32(bytes.subarray(0, 24)), true)
  bytes.copyWithin(HEADER_COPY_BYTES, 0, HEADER_COPY_BYTES)
  return bytes
}

/** Null when the bytes are no header of this version: a segment that died while it was made, or another format. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | null {
  return headerAt(bytes, 0) ?? headerAt(bytes, HEADER_COPY_BYTES)
}

function headerAt(bytes: Uint8Array, at: number): SegmentHeader | null {
  if (bytes.length < SEGMENT_HEADER_BYTES) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, HEADER_COPY_BYTES)
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(4, true) !== VERSION) return null
  if (view.getUint32(24, true) !== crc32(bytes.subarray(at, at + 24))) return null
  const number = view.getUint32(16, true)
  const previous = number === NOT_KNOWN ? null : { number, bytes: view.getUint32(20, true) }
  return { generation: view.getUint32(8, true), number: view.getUint32(12, true), previous }
}

/** The record as the chunks to write. */
export function encodeRecordFrame(payload: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const header = new Uint8Array(RECORD_HEADER_BYTES)
  const view = new DataView(header.buffer)
  header.set(MARKER)
  view.setUint32(4, payload.length, true)
  view.setUint32(8, crc32(payload, crc32(header.subarray(4, 8))), true)
  return [header, payload]
}

export type SegmentPart =
  | { readonly kind: 'record'; readonly offset: number; readonly payload: Uint8Array }
  /** Bytes [offset, end) are no good record; a later one follows, or the end of the segment. Torn: cut off by that end. */
  | { readonly kind: 'damage'; readonly offset: number; readonly end: number; readonly torn: boolean }

/** Walks the records of a segment. After damage it looks for the next place where a whole good record begins. */
export function* readSegment(bytes: Uint8Array): Generator<SegmentPart> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = SEGMENT_HEADER_BYTES
  while (at < bytes.length) {
    const payload = recordAt(bytes, view, at)
    if (payload !== null) {
      yield { kind: 'record', offset: at, payload }
      at += RECORD_HEADER_BYTES + payload.length
      continue
    }
    const next = nextRecord(bytes, view, at)
    yield { kind: 'damage', offset: at, end: next, torn: next === bytes.length && declaredEnd(view, at) > next }
    at = next
  }
}

function recordAt(bytes: Uint8Array, view: DataView, at: number): Uint8Array | null {
  if (at + RECORD_HEADER_BYTES > bytes.length || !MARKER.every((byte, i) => bytes[at + i] === byte)) return null
  const length = view.getUint32(at + 4, true)
  const start = at + RECORD_HEADER_BYTES
  if (length === 0 || length > MAX_RECORD_BYTES || start + length > bytes.length) return null
  const payload = bytes.subarray(start, start + length)
  return crc32(payload, crc32(bytes.subarray(at + 4, at + 8))) === view.getUint32(at + 8, true) ? payload : null
}

/** Where a record would end by its own word, however wrong; past the end of the segment if its header is cut off. */
function declaredEnd(view: DataView, at: number): number {
  if (at + RECORD_HEADER_BYTES > view.byteLength) return at + RECORD_HEADER_BYTES
  return at + RECORD_HEADER_BYTES + view.getUint32(at + 4, true)
}

/**
 * A damaged length must not make the rest of a segment unreadable: every later marker is tried. The bytes checksummed
 * in all are bounded, so that a segment full of markers costs a pass or a few.
 */
function nextRecord(bytes: Uint8Array, view: DataView, from: number): number {
  const declared = declaredEnd(view, from)
  if (declared < bytes.length && recordAt(bytes, view, declared) !== null) return declared
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let budget = bytes.length * 4
  for (let at = buffer.indexOf(MARKER, from + 1); at >= 0; at = buffer.indexOf(MARKER, at + 1)) {
    const end = declaredEnd(view, at)
    if (end > bytes.length) continue
    budget -= end - at
    if (budget < 0) break
    if (recordAt(bytes, view, at) !== null) return at
  }
  return bytes.length
}
