/**
 * Arithmetic over `Sums`: exact whether they are safe doubles or two words. Loops stay in doubles; a bigint is made for
 * single numbers only.
 */
import { assert } from '../base/assert.ts'
import { RequestError } from '../base/errors.ts'
import type { StackTree, Sums } from '../query/result.ts'

const WORD = 2 ** 32
const HALF_WORD = 2 ** 31
const SAFE = 2 ** 53

export function zeroSums(length: number, wide: boolean): Sums {
  return { lo: new Float64Array(length), hi: wide ? new Float64Array(length) : null }
}

export function widen(sums: Sums): Sums {
  if (sums.hi !== null) return sums
  const n = sums.lo.length
  const lo = new Float64Array(n)
  const hi = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    const v = sums.lo[i]!
    const h = Math.floor(v / WORD)
    hi[i] = h
    lo[i] = v - h * WORD
  }
  return { lo, hi }
}

/** Doubles if every partial sum of the values is sure to stay safe, else two words. */
export function summable(sums: Sums): Sums {
  if (sums.hi !== null) return sums
  let bound = 0
  for (let i = 0; i < sums.lo.length; i++) bound += Math.abs(sums.lo[i]!)
  return bound < SAFE ? sums : widen(sums)
}

/** Adds `from[i]` to `into[j]`; both are of one width. */
export function addTo(into: Sums, j: number, from: Sums, i: number): void {
  if (into.hi === null || from.hi === null) {
    into.lo[j] = into.lo[j]! + from.lo[i]!
    return
  }
  const low = into.lo[j]! + from.lo[i]!
  const carry = low >= WORD ? 1 : 0
  into.lo[j] = low - carry * WORD
  into.hi[j] = into.hi[j]! + from.hi[i]! + carry
}

/** Self values summed over each node's subtree, in one backward pass (parents precede children). */
export function totals(tree: StackTree, self: Sums): Sums {
  const from = summable(self)
  const { parent, length } = tree
  const lo = from.lo.slice(0, length)
  if (from.hi === null) {
    for (let i = length - 1; i > 0; i--) {
      const p = parent[i]!
      lo[p] = lo[p]! + lo[i]!
    }
    return { lo, hi: null }
  }
  const out = { lo, hi: from.hi.slice(0, length) }
  for (let i = length - 1; i > 0; i--) addTo(out, parent[i]!, out, i)
  return out
}

export function sumAt(sums: Sums, i: number): bigint {
  if (sums.hi === null) return BigInt(sums.lo[i]!)
  return (BigInt(sums.hi[i]!) << 32n) + BigInt(sums.lo[i]!)
}

export function sumOf(sums: Sums): bigint {
  const from = summable(sums)
  const out = zeroSums(1, from.hi !== null)
  for (let i = 0; i < from.lo.length; i++) addTo(out, 0, from, i)
  return sumAt(out, 0)
}

function setSum(sums: Sums, i: number, value: bigint): void {
  if (sums.hi === null) {
    sums.lo[i] = Number(value)
    return
  }
  sums.hi[i] = Number(value >> 32n)
  sums.lo[i] = Number(value & 0xffff_ffffn)
}

/** The nearest doubles: to order, trim and draw by. Shares memory with `sums` where they are doubles. */
export function approximate(sums: Sums): Float64Array {
  const { lo, hi } = sums
  if (hi === null) return lo
  const out = new Float64Array(lo.length)
  for (let i = 0; i < out.length; i++) out[i] = hi[i]! * WORD + lo[i]!
  return out
}

/** a − b, value by value. */
export function difference(a: Sums, b: Sums): Sums {
  const n = a.lo.length
  assert(b.lo.length === n, 'sums of two lengths')
  if (a.hi === null && b.hi === null) {
    const lo = new Float64Array(n)
    let bound = 0
    for (let i = 0; i < n; i++) {
      const d = a.lo[i]! - b.lo[i]!
      lo[i] = d
      bound = Math.max(bound, Math.abs(d))
    }
    if (bound < SAFE) return { lo, hi: null }
  }
  const x = widen(a)
  const y = widen(b)
  const out = zeroSums(n, true)
  for (let i = 0; i < n; i++) {
    const low = x.lo[i]! - y.lo[i]!
    const borrow = low < 0 ? 1 : 0
    out.lo[i] = low + borrow * WORD
    out.hi![i] = x.hi![i]! - y.hi![i]! - borrow
  }
  return out
}

/** `sums[rows[0]], sums[rows[1]], …` */
export function gather(sums: Sums, rows: Int32Array): Sums {
  const m = rows.length
  const lo = new Float64Array(m)
  for (let r = 0; r < m; r++) lo[r] = sums.lo[rows[r]!]!
  if (sums.hi === null) return { lo, hi: null }
  const hi = new Float64Array(m)
  for (let r = 0; r < m; r++) hi[r] = sums.hi[rows[r]!]!
  return { lo, hi }
}

/** The values as int64; one outside its range is the caller's to mend. */
export function toBigInt64(sums: Sums): BigInt64Array<ArrayBuffer> {
  const { lo, hi } = sums
  const n = lo.length
  const out = new BigInt64Array(n)
  const words = new Int32Array(out.buffer)
  for (let i = 0; i < n; i++) {
    let high: number
    let low = lo[i]!
    if (hi === null) {
      high = Math.floor(low / WORD)
      low -= high * WORD
    } else {
      high = hi[i]!
      if (high < -HALF_WORD || high >= HALF_WORD) throw outOfRange(sumAt(sums, i))
    }
    words[2 * i] = low | 0
    words[2 * i + 1] = high
  }
  return out
}

export function int64(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw outOfRange(value)
  return value
}

function outOfRange(value: bigint): RequestError {
  return new RequestError(
    'out_of_range',
    `the sum ${value} does not fit into int64: narrow the time range or add matchers`,
  )
}

/**
 * The values times `to`/`total`, whole numbers that sum to `to` exactly when those of `sums` sum to `total`: running
 * sums are rounded, not values, so that none is off by more than one and nothing is lost over many small ones.
 */
export function scale(sums: Sums, total: bigint, to: bigint): Sums {
  if (total === to || total === 0n) return sums
  const from = summable(sums)
  const most = to < 0n ? -to : to
  const n = from.lo.length
  if (from.hi === null && most < BigInt(SAFE)) {
    const lo = new Float64Array(n)
    const a = Number(total)
    const b = Number(to)
    let sum = 0
    let done = 0
    let bound = 0
    for (let i = 0; i < n; i++) {
      const v = from.lo[i]!
      if (v === 0) continue
      sum += v
      const upTo = sum === a ? b : Math.round(sum * (b / a))
      lo[i] = upTo - done
      bound = Math.max(bound, Math.abs(upTo))
      done = upTo
    }
    // Past this the quotient of doubles is off by more than rounding.
    if (bound < SAFE / 16) return { lo, hi: null }
  }
  const out = zeroSums(n, true)
  let sum = 0n
  let done = 0n
  for (let i = 0; i < n; i++) {
    const v = sumAt(from, i)
    if (v === 0n) continue
    sum += v
    const upTo = (sum * to) / total
    setSum(out, i, upTo - done)
    done = upTo
  }
  return out
}
