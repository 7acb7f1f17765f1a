/**
 * The head's rows: samples as (stack, value), and one profile row per profile and profile type that says which rows are
 * its own. A profile row is the last thing written, so that rows without one are never seen.
 */
import { type Column, float64Column, int32Column, int64Column, push, reserve, view } from '../../pkg/base/column.ts'

export interface ProfileColumns {
  readonly length: number
  readonly series: Int32Array
  /** Whole milliseconds, and the nanoseconds within the millisecond: time_nanos = timeMs × 10⁶ + timeRest. */
  readonly timeMs: Float64Array
  readonly timeRest: Int32Array // [0, 10⁶)
  readonly durationNanos: Float64Array
  readonly period: Float64Array
  readonly rowStart: Int32Array
  readonly rowCount: Int32Array
  /** Sum of the values: totalHigh × 2³² + totalLow, totalLow in [0, 2³²). */
  readonly totalLow: Float64Array
  readonly totalHigh: Float64Array
  /** At least the sum of the values' magnitudes. */
  readonly bound: Float64Array
}

export interface SampleColumns {
  readonly length: number
  readonly stack: Int32Array
  readonly value: BigInt64Array
}

export interface Rows {
  readonly series: Column<Int32Array>
  readonly timeMs: Column<Float64Array>
  readonly timeRest: Column<Int32Array>
  readonly durationNanos: Column<Float64Array>
  readonly period: Column<Float64Array>
  readonly rowStart: Column<Int32Array>
  readonly rowCount: Column<Int32Array>
  readonly totalLow: Column<Float64Array>
  readonly totalHigh: Column<Float64Array>
  readonly bound: Column<Float64Array>
  readonly stack: Column<Int32Array>
  readonly value: Column<BigInt64Array>
}

export const createRows = (): Rows => ({
  series: int32Column(),
  timeMs: float64Column(),
  timeRest: int32Column(),
  durationNanos: float64Column(),
  period: float64Column(),
  rowStart: int32Column(),
  rowCount: int32Column(),
  totalLow: float64Column(),
  totalHigh: float64Column(),
  bound: float64Column(),
  stack: int32Column(),
  value: int64Column(),
})

export interface ProfileTimes {
  readonly timeMs: number
  readonly timeRest: number
  readonly durationNanos: number
  readonly period: number
}

/** Value `v` of stack i is words[(i * valueTypes + v) * 2], low word first. */
export interface StackValues {
  readonly count: number
  readonly stack: Int32Array
  readonly words: Int32Array
  readonly valueTypes: number
}

/** Appends one profile row and the samples of value type `v` that are not zero. */
export function appendProfile(rows: Rows, series: number, times: ProfileTimes, values: StackValues, v: number): void {
  const { count, stack, words, valueTypes } = values
  const stacks = reserve(rows.stack, count)
  const out = reserve(rows.value, count)
  const outWords = new Int32Array(out.buffer)
  const first = rows.stack.length
  let row = first
  let low = 0
  let high = 0
  let bound = 0
  for (let i = 0, at = v * 2; i < count; i++, at += valueTypes * 2) {
    const lo = words[at]!
    const hi = words[at + 1]!
    if ((lo | hi) === 0) continue
    stacks[row] = stack[i]!
    outWords[row * 2] = lo
    outWords[row * 2 + 1] = hi
    row++
    low += lo >>> 0
    high += hi
    bound += Math.abs(hi * 4294967296 + (lo >>> 0))
  }
  rows.stack.length = row
  rows.value.length = row
  const carry = Math.floor(low / 4294967296)
  push(rows.timeMs, times.timeMs)
  push(rows.timeRest, times.timeRest)
  push(rows.durationNanos, times.durationNanos)
  push(rows.period, times.period)
  push(rows.rowStart, first)
  push(rows.rowCount, row - first)
  push(rows.totalLow, low - carry * 4294967296)
  push(rows.totalHigh, high + carry)
  push(rows.bound, bound * (1 + 1e-9))
  push(rows.series, series)
}

/** Forgets what came after: a write that failed half way. */
export function truncateRows(rows: Rows, profiles: number, samples: number): void {
  for (const column of profileColumns(rows)) column.length = profiles
  rows.stack.length = samples
  rows.value.length = samples
}

function profileColumns(rows: Rows): Column<Int32Array | Float64Array>[] {
  const { stack: _stack, value: _value, ...profile } = rows
  return Object.values(profile)
}

export function viewProfiles(rows: Rows, length: number): ProfileColumns {
  return {
    length,
    series: view(rows.series, length),
    timeMs: view(rows.timeMs, length),
    timeRest: view(rows.timeRest, length),
    durationNanos: view(rows.durationNanos, length),
    period: view(rows.period, length),
    rowStart: view(rows.rowStart, length),
    rowCount: view(rows.rowCount, length),
    totalLow: view(rows.totalLow, length),
    totalHigh: view(rows.totalHigh, length),
    bound: view(rows.bound, length),
  }
}

export function viewSamples(rows: Rows, length: number): SampleColumns {
  return { length, stack: view(rows.stack, length), value: view(rows.value, length) }
}
