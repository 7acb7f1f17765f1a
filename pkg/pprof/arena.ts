/**
 * Cuts the columns of one profile out of one buffer: an allocation costs about as much as decoding a hundred fields,
 * and a profile has some twenty columns. Every column begins on eight bytes.
 */
import { RequestError } from '../base/errors.ts'

export interface Arena {
  readonly buffer: ArrayBuffer
  used: number
}

/** A buffer to decode into again and again, for who is done with one profile before the next. */
export interface DecodeScratch {
  buffer: ArrayBuffer
}

export const createDecodeScratch = (): DecodeScratch => ({ buffer: new ArrayBuffer(0) })

/** A larger profile gets a buffer of its own: one of them must not make the scratch large for good. */
const MAX_SCRATCH_BYTES = 4 << 20

/** More than this is a body made to be large: its tables take over ten times what it takes itself. */
const MAX_BYTES = 2 ** 31

export function arenaOf(bytes: number, scratch?: DecodeScratch): Arena {
  if (bytes > MAX_BYTES) {
    throw new RequestError('invalid_argument', `profile: its tables take ${bytes} bytes, more than ${MAX_BYTES}`)
  }
  if (scratch === undefined || bytes > MAX_SCRATCH_BYTES) return { buffer: new ArrayBuffer(bytes), used: 0 }
  if (scratch.buffer.byteLength < bytes)
    scratch.buffer = new ArrayBuffer(Math.max(bytes, 2 * scratch.buffer.byteLength))
  else new Uint8Array(scratch.buffer, 0, bytes).fill(0)
  return { buffer: scratch.buffer, used: 0 }
}

/** Bytes that `length` elements of `size` bytes take up. */
export function roomFor(length: number, size: number): number {
  return 8 * Math.ceil((length * size) / 8)
}

function take(arena: Arena, bytes: number): number {
  const at = arena.used
  arena.used = at + roomFor(bytes, 1)
  return at
}

export function takeInt32(arena: Arena, length: number): Int32Array {
  return new Int32Array(arena.buffer, take(arena, 4 * length), length)
}
export function takeUint32(arena: Arena, length: number): Uint32Array {
  return new Uint32Array(arena.buffer, take(arena, 4 * length), length)
}
export function takeFloat64(arena: Arena, length: number): Float64Array {
  return new Float64Array(arena.buffer, take(arena, 8 * length), length)
}
