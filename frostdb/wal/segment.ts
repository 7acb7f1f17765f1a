/**
 * A log segment: a numbered, append-only file of checksummed records.
 *
 *   file     ┌───────────────┬─────────────┬────────────────┬────────────┬─────────┐
 *   header   │ magic "DWAL"  │ version u32 │ generation u32 │ number u32 │         │  little-endian
 *            └───────────────┴─────────────┴────────────────┴────────────┴─────────┘
 *   record   ┌────────────┬───────────┬─────────┐
 *            │ length u32 │ crc32 u32 │ payload │   the checksum covers length and payload
 *            └────────────┴───────────┴─────────┘
 *
 * A record never spans segments; a segment may end torn where the process or the machine died. Bytes only: what a
 * payload means is decided in `record.ts`.
 */
import { crc32 } from 'node:zlib'

export const SEGMENT_HEADER_BYTES = 16
export const RECORD_HEADER_BYTES = 8
const MAGIC = 0x4c415744 // "DWAL"
const VERSION = 1
/** A record longer than this is not believed. */
const MAX_RECORD_BYTES = 1 << 30

export interface SegmentHeader {
  readonly generation: number
  readonly number: number
}

export const segmentName = (number: number): string => `${String(number).padStart(8, '0')}.seg`

export function segmentNumber(name: string): number | null {
  const match = /^(\d{8})\.seg$/.exec(name)
  return match === null ? null : Number(match[1])
}

export function encodeSegmentHeader({ generation, number }: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, VERSION, true)
  view.setUint32(8, generation, true)
  view.setUint32(12, number, true)
  return bytes
}

/** Null when the bytes are no header of this version: a segment that died while it was made, or another format. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | null {
  if (bytes.length < SEGMENT_HEADER_BYTES) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(4, true) !== VERSION) return null
  return { generation: view.getUint32(8, true), number: view.getUint32(12, true) }
}

/** The record as the chunks to write. */
export function encodeRecordFrame(payload: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const header = new Uint8Array(RECORD_HEADER_BYTES)
  const view = new DataView(header.buffer)
  view.setUint32(0, payload.length, true)
  view.setUint32(4, crc32(payload, crc32(header.subarray(0, 4))), true)
  return [header, payload]
}

export type SegmentPart =
  | { readonly kind: 'record'; readonly offset: number; readonly payload: Uint8Array }
  /** Bytes [offset, end) are no good record; a later one follows, or the end of the segment. */
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
    yield { kind: 'damage', offset: at, end: next, torn: next === bytes.length }
    at = next
  }
}

function recordAt(bytes: Uint8Array, view: DataView, at: number): Uint8Array | null {
  if (at + RECORD_HEADER_BYTES > bytes.length) return null
  const length = view.getUint32(at, true)
  const start = at + RECORD_HEADER_BYTES
  if (length === 0 || length > MAX_RECORD_BYTES || start + length > bytes.length) return null
  const payload = bytes.subarray(start, start + length)
  return crc32(payload, crc32(bytes.subarray(at, at + 4))) === view.getUint32(at + 4, true) ? payload : null
}

/**
 * A damaged length must not make the rest of a segment unreadable: every later offset is tried. Most are refused by
 * their length alone; the bytes checksummed in all are bounded, so that a hostile file costs a pass or a few.
 */
function nextRecord(bytes: Uint8Array, view: DataView, from: number): number {
  let budget = bytes.length * 4
  const declared =
    from + RECORD_HEADER_BYTES <= bytes.length ? from + RECORD_HEADER_BYTES + view.getUint32(from, true) : bytes.length
  if (declared < bytes.length && recordAt(bytes, view, declared) !== null) return declared
  for (let at = from + 1; at + RECORD_HEADER_BYTES < bytes.length; at++) {
    const length = view.getUint32(at, true)
    if (length === 0 || at + RECORD_HEADER_BYTES + length > bytes.length) continue
    budget -= length
    if (budget < 0) return bytes.length
    if (recordAt(bytes, view, at) !== null) return at
  }
  return bytes.length
}
