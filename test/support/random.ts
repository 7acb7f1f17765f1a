/** Numbers that are the same for the same seed, and quick enough to make millions of. */

export interface Random {
  /** [0, 1) */
  next(): number
  /** A whole number in [0, n). */
  below(n: number): number
}

export function randomFrom(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
  return { next, below: n => Math.floor(n * next()) }
}
