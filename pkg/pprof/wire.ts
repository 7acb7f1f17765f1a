/**
 * The protobuf wire as pprof uses it: varints, lengths, and the text of what can be wrong with them.
 *
 * A cursor lives in a local variable of whoever loops; the fast path (varints of one and two bytes) is written out in
 * those loops, and what is longer comes here. A reader may run up to ten bytes past the message it is in, never past
 * the buffer: `bounded` sees to it that some byte ends every varint, and a loop over fields stops before the last byte
 * of its message, since a field has two at least. What was wrong then shows as a cursor that is not at the end.
 *
 * Cursors, lengths and low words stay int32 (`| 0`) on every path: one path that could give a double makes the engine
 * count in doubles on all of them, at about a third of the speed.
 */
import { RequestError } from '../base/errors.ts'

export const VARINT = 0
export const FIXED64 = 1
export const BYTES = 2
export const FIXED32 = 5

/** What a varint of more than ten bytes comes to: a cursor past every end. */
export const OVERLONG = 0x7fffffff

/** No limit, and any length over 2^31: more than every body has. An int32, like all that the loops count with. */
export const HUGE = 0x7fffffff

/** A length that was read into words. */
export function lengthOf(words: Uint32Array): number {
  return words[1] === 0 && words[0]! < HUGE ? words[0]! | 0 : HUGE
}

/**
 * Bytes in which no varint runs past the buffer: a copy with a zero behind it where the last byte says "more follows".
 * Never a Buffer, so that the loops over them see one kind of array.
 */
export function bounded(raw: Uint8Array): { readonly bytes: Uint8Array; readonly length: number } {
  const length = raw.length
  if (length === 0 || raw[length - 1]! < 0x80) {
    return { bytes: new Uint8Array(raw.buffer, raw.byteOffset, length), length }
  }
  const bytes = new Uint8Array(length + 1)
  bytes.set(raw)
  return { bytes, length }
}

/** Reads the varint at `p` into the 32-bit words out[2 * i] (low) and out[2 * i + 1] (high); the cursor behind it. */
export function readWide(raw: Uint8Array, p: number, out: Uint32Array, i: number): number {
  let byte = raw[p++]!
  let low = byte & 0x7f
  let high = 0
  if (byte > 0x7f) {
    byte = raw[p++]!
    low |= (byte & 0x7f) << 7
    if (byte > 0x7f) {
      byte = raw[p++]!
      low |= (byte & 0x7f) << 14
      if (byte > 0x7f) {
        byte = raw[p++]!
        low |= (byte & 0x7f) << 21
        if (byte > 0x7f) {
          byte = raw[p++]!
          low |= (byte & 0x0f) << 28
          high = (byte & 0x7f) >> 4
          let shift = 3
          while (byte > 0x7f) {
            if (shift > 31) return OVERLONG
            byte = raw[p++]!
            high |= (byte & 0x7f) << shift
            shift += 7
          }
        }
      }
    }
  }
  out[2 * i] = low
  out[2 * i + 1] = high
  return p
}

/** A 64-bit value from its words, as a signed number drawn to the nearest double. */
export function signedDouble(low: number, high: number): number {
  return (high | 0) * 0x1_0000_0000 + (low >>> 0)
}

/** Reads `sample[3].location_id: unknown location 77 at byte 1234`. */
export function malformed(field: string, what: string, at: number): RequestError {
  return new RequestError('invalid_argument', `${field}: ${what} at byte ${at}`)
}

/** A message whose fields do not end where it ends. */
export function overrun(field: string, at: number): RequestError {
  return malformed(field, 'a field runs past the end of its message, or a number is longer than 10 bytes,', at)
}

const scratch = new Uint32Array(2)

/** Steps over a field that is not known: `p` is behind its tag. A `known` one of another wire type is an error. */
export function skipField(
  raw: Uint8Array,
  p: number,
  end: number,
  tag: number,
  message: string,
  known: readonly string[],
): number {
  const at = p - 1
  const number = tag >>> 3
  if (number === 0) throw malformed(message, 'field number 0', at)
  const name = known[number]
  if (name) throw malformed(`${message}.${name}`, `wire type ${tag & 7} does not fit`, at)
  switch (tag & 7) {
    case VARINT:
      p = readWide(raw, p, scratch, 0)
      break
    case FIXED64:
      p += 8
      break
    case BYTES:
      p = readWide(raw, p, scratch, 0)
      if (scratch[1] !== 0 || scratch[0]! > end - p) throw overrun(`${message}.${number}`, at)
      p += scratch[0]!
      break
    case FIXED32:
      p += 4
      break
    default:
      throw malformed(message, `wire type ${tag & 7} of field ${number} is not known`, at)
  }
  if (p > end) throw overrun(`${message}.${number}`, at)
  return p
}

/** The rest of a tag of several bytes whose first byte is at `p - 1`; [tag, cursor behind it]. */
export function wideTag(raw: Uint8Array, p: number, end: number, message: string): readonly [number, number] {
  const next = readWide(raw, p - 1, scratch, 0)
  if (next >= end) throw overrun(message, p - 1)
  if (scratch[1] !== 0) throw malformed(message, 'field number over 2^29', p - 1)
  return [scratch[0]!, next]
}
