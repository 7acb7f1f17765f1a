/**
 * Reads LZ4 frames, one or several after another.
 *
 *   magic u32 │ flags u8 │ block size u8 │ [content size u64] │ [dictionary u32] │ header checksum u8
 *   ( block size u32, high bit = stored │ block │ [checksum u32] )*  0 u32  │ [content checksum u32]
 *
 * Checksums are stepped over: what comes out is checked by whoever decodes it. Frames that need a dictionary are refused.
 */
import { RequestError } from '../base/errors.ts'

const MAGIC = 0x184d2204

/** Throws `RequestError`, also when more than `maxBytes` would come out. */
export function lz4FrameDecompress(body: Uint8Array, maxBytes: number): Uint8Array {
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  // A sequence of k bytes makes at most 255 k; most bodies are content with a guess of four.
  let out = new Uint8Array(Math.min(maxBytes, 4 * body.length + 64))
  let length = 0
  let p = 0
  while (p < body.length) {
    if (p + 7 > body.length) throw broken('truncated', p)
    if (view.getUint32(p, true) !== MAGIC) throw broken('no frame', p)
    const flags = body[p + 4]!
    if (flags >> 6 !== 1) throw broken(`version ${flags >> 6}`, p + 4)
    if (flags & 1) throw broken('a dictionary is needed', p + 4)
    const frameStart = length
    p += 7 + (flags & 8 ? 8 : 0)
    for (;;) {
      if (p + 4 > body.length) throw broken('truncated', p)
      const word = view.getUint32(p, true)
      p += 4
      if (word === 0) break
      const size = word & 0x7fffffff
      if (p + size > body.length) throw broken('truncated', p)
      if (word >>> 31) {
        out = withRoom(out, length, size, maxBytes)
        out.set(body.subarray(p, p + size), length)
        length += size
      } else {
        const block = lz4Block(body, p, p + size, out, length, frameStart, maxBytes)
        out = block.out
        length = block.length
      }
      p += size + (flags & 16 ? 4 : 0)
    }
    p += flags & 4 ? 4 : 0
    if (p > body.length) throw broken('truncated', body.length)
  }
  return out.subarray(0, length)
}

/** One block: sequences of literals and a match, which may reach back to `floor`; the last has literals only. */
function lz4Block(
  body: Uint8Array,
  p: number,
  end: number,
  out: Uint8Array<ArrayBuffer>,
  length: number,
  floor: number,
  maxBytes: number,
): { out: Uint8Array<ArrayBuffer>; length: number } {
  while (p < end) {
    const token = body[p++]!
    let literals = token >> 4
    if (literals === 15) {
      let more = 255
      while (more === 255 && p < end) literals += more = body[p++]!
    }
    if (p + literals > end) throw broken('literals run past their block', p)
    let match = token & 15
    const offsetAt = p + literals
    out = withRoom(out, length, literals, maxBytes)
    out.set(body.subarray(p, offsetAt), length)
    length += literals
    p = offsetAt
    if (p === end) break
    if (p + 2 > end) throw broken('truncated', p)
    const offset = body[p]! | (body[p + 1]! << 8)
    p += 2
    if (match === 15) {
      let more = 255
      while (more === 255 && p < end) match += more = body[p++]!
    }
    match += 4
    if (offset === 0 || length - offset < floor) throw broken(`match at distance ${offset}`, p)
    out = withRoom(out, length, match, maxBytes)
    if (offset >= match) out.copyWithin(length, length - offset, length - offset + match)
    else for (let i = length; i < length + match; i++) out[i] = out[i - offset]!
    length += match
  }
  return { out, length }
}

function withRoom(
  out: Uint8Array<ArrayBuffer>,
  length: number,
  more: number,
  maxBytes: number,
): Uint8Array<ArrayBuffer> {
  const needed = length + more
  if (needed <= out.length) return out
  if (needed > maxBytes) {
    throw new RequestError(
      'invalid_argument',
      `body: more than ${maxBytes} bytes uncompressed (--body-size-limit ${maxBytes})`,
    )
  }
  const bigger = new Uint8Array(Math.min(maxBytes, Math.max(needed, 2 * out.length)))
  bigger.set(out.subarray(0, length))
  return bigger
}

function broken(what: string, at: number): RequestError {
  return new RequestError('invalid_argument', `body: lz4: ${what} at byte ${at}`)
}
