/**
 * LZ4 frames, written: independent blocks of at most 4 MiB, no checksums, no content size.
 *
 *   ┌───────────────┬──────┬──────┬──────┬───────────────────────────────┬──────────┐
 *   │ 04 22 4d 18   │ FLG  │ BD   │ HC   │ length u32le, block  (repeat) │ 0 u32le  │
 *   └───────────────┴──────┴──────┴──────┴───────────────────────────────┴──────────┘
 *
 * The top bit of a length says that the block is stored as it is. The matcher is greedy with one hash table: fast,
 * and enough for columns of small integers and for names.
 */

// FLG 0x60: version 1, independent blocks. BD 0x70: 4 MiB. HC: second byte of xxh32 of the two.
const HEADER = Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73)
const BLOCK = 4 << 20
const STORED = 0x8000_0000

const MIN_MATCH = 4
/** The last five bytes are literals and a match starts at least twelve bytes before the end: rules of the format. */
const LAST_LITERALS = 5
const MATCH_LIMIT = 12
const MAX_DISTANCE = 0xffff
/** Every 2^3 misses the search steps one byte further: data that does not compress costs little. */
const SKIP_SHIFT = 3

/** A block that after so many bytes has not come down to this part of itself is stored as it is: the rest is not worth the time. */
const TRIAL = 24_576
const WORTH = 0.6

/** Below this many bytes a loop copies faster than a call. */
const LOOP_LIMIT = 64

const TABLE_BITS = 14
const table = new Int32Array(1 << TABLE_BITS) // hash → position + 1 in the block, 0 = none

export function lz4FrameBound(length: number): number {
  const blocks = Math.ceil(length / BLOCK)
  return HEADER.length + blocks * 4 + 4 + length + blocks * 64
}

/** Writes `input` as a frame into `out` at `at` (room: `lz4FrameBound`), and returns where it ends. */
export function writeLz4Frame(input: Uint8Array, out: Uint8Array, at: number): number {
  out.set(HEADER, at)
  at += HEADER.length
  for (let from = 0; from < input.length; from += BLOCK) {
    const block = input.subarray(from, Math.min(from + BLOCK, input.length))
    const end = writeBlock(block, out, at + 4)
    if (end < 0) {
      writeUint32(out, at, (block.length | STORED) >>> 0)
      out.set(block, at + 4)
      at += 4 + block.length
    } else {
      writeUint32(out, at, end - at - 4)
      at = end
    }
  }
  writeUint32(out, at, 0)
  return at + 4
}

/** Returns the end, or -1 when the block does not get smaller. */
function writeBlock(input: Uint8Array, out: Uint8Array, at: number): number {
  const n = input.length
  const begin = at
  const limit = at + n - 16
  const bits = n < 4096 ? 10 : TABLE_BITS
  const shift = 32 - bits
  const positions = table.subarray(0, 1 << bits).fill(0)
  const lastMatch = n - MATCH_LIMIT
  const matchEnd = n - LAST_LITERALS
  let anchor = 0
  const view = new DataView(input.buffer, input.byteOffset, n)
  let i = 0
  let misses = 1 << SKIP_SHIFT
  while (i <= lastMatch) {
    const four = view.getInt32(i, true)
    const h = Math.imul(four, 0x9e3779b1) >>> shift
    let j = positions[h]! - 1
    positions[h] = i + 1
    if (j < 0 || i - j > MAX_DISTANCE || view.getInt32(j, true) !== four) {
      i += misses++ >> SKIP_SHIFT
      continue
    }
    misses = 1 << SKIP_SHIFT
    while (i > anchor && j > 0 && input[i - 1] === input[j - 1]) {
      i--
      j--
    }
    let k = i + MIN_MATCH
    let l = j + MIN_MATCH
    while (k < lastMatch && view.getInt32(k, true) === view.getInt32(l, true)) {
      k += 4
      l += 4
    }
    while (k < matchEnd && input[k] === input[l++]) k++
    if (at + (i - anchor) + ((i - anchor + k - i) >> 7) + 16 > limit) return -1
    if (i > TRIAL && at - begin > i * WORTH) return -1
    at = writeSequence(input, anchor, i, out, at, k - i - MIN_MATCH)
    const distance = i - j
    const afterLiterals = at
    out[afterLiterals] = distance & 0xff
    out[afterLiterals + 1] = distance >> 8
    at = writeRest(out, afterLiterals + 2, k - i - MIN_MATCH)
    i = anchor = k
  }
  if (at + (n - anchor) + ((n - anchor) >> 7) + 16 > limit) return -1
  return writeSequence(input, anchor, n, out, at, 0)
}

/** The token with both lengths, then the literals. */
function writeSequence(
  input: Uint8Array,
  from: number,
  to: number,
  out: Uint8Array,
  at: number,
  matchLength: number,
): number {
  const literals = to - from
  out[at++] = (Math.min(literals, 15) << 4) | Math.min(matchLength, 15)
  at = writeRest(out, at, literals)
  if (literals > LOOP_LIMIT) {
    out.set(input.subarray(from, to), at)
    return at + literals
  }
  for (let i = from; i < to; i++) out[at++] = input[i]!
  return at
}

/** What of a length did not fit into its half of the token. */
function writeRest(out: Uint8Array, at: number, length: number): number {
  if (length < 15) return at
  let rest = length - 15
  for (; rest >= 255; rest -= 255) out[at++] = 255
  out[at++] = rest
  return at
}

function writeUint32(out: Uint8Array, at: number, value: number): void {
  out[at] = value & 0xff
  out[at + 1] = (value >>> 8) & 0xff
  out[at + 2] = (value >>> 16) & 0xff
  out[at + 3] = value >>> 24
}
