/**
 * Summing values by stack, exactly. As long as the magnitudes of all values add up to less than 2^53 a double per stack
 * is exact (`hi` null); else a sum is hi × 2^32 + lo with lo in [0, 2^32), exact to 2^85.
 */

export interface Accumulator {
  readonly lo: Float64Array // by stack
  readonly hi: Float64Array | null
  /** Rows added since `lo` was last brought below 2^32 (wide sums only). */
  pending: number
}

export function createAccumulator(stacks: number, wide: boolean): Accumulator {
  return { lo: new Float64Array(stacks), hi: wide ? new Float64Array(stacks) : null, pending: 0 }
}

const CARRY_EVERY = 1 << 20

/** Values as the words of int64, low first: words[2 * i], words[2 * i + 1]. */
export function addWords(acc: Accumulator, stack: Int32Array, words: Int32Array, from: number, to: number): void {
  const { lo, hi } = acc
  if (hi === null) {
    for (let i = from; i < to; i++) lo[stack[i]!]! += words[i * 2 + 1]! * 4294967296 + (words[i * 2]! >>> 0)
    return
  }
  for (let start = from; start < to; ) {
    const end = Math.min(to, start + CARRY_EVERY - acc.pending)
    for (let i = start; i < end; i++) {
      lo[stack[i]!]! += words[i * 2]! >>> 0
      hi[stack[i]!]! += words[i * 2 + 1]!
    }
    acc.pending += end - start
    start = end
    if (acc.pending === CARRY_EVERY) carry(acc)
  }
}

/** Values that are exact as doubles. */
export function addDoubles(acc: Accumulator, stack: Int32Array, values: Float64Array, from: number, to: number): void {
  const { lo, hi } = acc
  if (hi === null) {
    for (let i = from; i < to; i++) lo[stack[i]!]! += values[i]!
    return
  }
  for (let start = from; start < to; ) {
    const end = Math.min(to, start + CARRY_EVERY - acc.pending)
    for (let i = start; i < end; i++) {
      const high = Math.floor(values[i]! / 4294967296)
      lo[stack[i]!]! += values[i]! - high * 4294967296
      hi[stack[i]!]! += high
    }
    acc.pending += end - start
    start = end
    if (acc.pending === CARRY_EVERY) carry(acc)
  }
}

/** Brings every `lo` back into [0, 2^32). */
export function carry(acc: Accumulator): void {
  const { lo, hi } = acc
  if (hi === null) return
  for (let i = 0; i < lo.length; i++) {
    if (lo[i]! < 4294967296 && lo[i]! >= 0) continue
    const over = Math.floor(lo[i]! / 4294967296)
    lo[i]! -= over * 4294967296
    hi[i]! += over
  }
  acc.pending = 0
}
