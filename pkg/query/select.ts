/**
 * Which rows a query wants of a source: matchers are decided once per series, time once per profile; rows are never
 * looked at. Neighbouring profiles become one run of rows.
 */
import type { Source } from '../../frostdb/scan/source.ts'
import { type Labels, labelValue } from '../labels/labels.ts'
import { compileMatcher, type Matcher, type ValueTest } from '../labels/matcher.ts'
import type { ProfileType } from '../profile/type.ts'
import type { NanoRange } from './engine.ts'

/** Of one source: the wanted profiles and their rows. */
export interface Selected {
  readonly source: Source
  /** Rows [start, end), ascending, by the factor their values are multiplied by (1 unless periods are asked for). */
  readonly runs: ReadonlyMap<number, Int32Array>
  readonly profiles: number
  /** At least the magnitude that the multiplied values can add up to. */
  readonly bound: number
  /** First start and last end of the wanted profiles; null when there are none. */
  readonly start: Moment | null
  readonly end: Moment | null
  readonly period: number // of the profile that starts first, 0 = none
}

export interface SelectOptions {
  readonly type: ProfileType
  readonly fits: LabelsTest
  readonly range: NanoRange
  /** Multiply by each profile's period. */
  readonly timesPeriod: boolean
  /** Only the profiles of these series, when given. */
  readonly only?: (series: number) => boolean
}

export const sameType = (a: ProfileType, b: ProfileType): boolean =>
  a.name === b.name &&
  a.sampleType === b.sampleType &&
  a.sampleUnit === b.sampleUnit &&
  a.periodType === b.periodType &&
  a.periodUnit === b.periodUnit &&
  a.delta === b.delta

export type LabelsTest = (labels: Labels) => boolean

/** Tests labels against all matchers; a pattern sees each distinct value of its label once, so make one test a query. */
export function labelsTest(matchers: readonly Matcher[]): LabelsTest {
  const tests = matchers.map(m => ({ name: m.name, test: remembered(m, compileMatcher(m)) }))
  return labels => tests.every(({ name, test }) => test(labelValue(labels, name)))
}

function remembered({ op }: Matcher, test: ValueTest): ValueTest {
  if (op === '=' || op === '!=') return test
  const known = new Map<string, boolean>()
  return value => {
    let fits = known.get(value)
    if (fits === undefined) known.set(value, (fits = test(value)))
    return fits
  }
}

/** 1 for each series of the type that fits the matchers. */
export function selectSeries(source: Source, type: ProfileType, fits: LabelsTest): Uint8Array {
  const wanted = new Uint8Array(source.series.length)
  source.series.forEach((series, i) => {
    if (sameType(series.type, type) && fits(series.labels)) wanted[i] = 1
  })
  return wanted
}

/** A moment as the columns have it. */
export interface Moment {
  readonly ms: number
  readonly rest: number // nanoseconds in the millisecond
}

export const isBefore = (a: Moment, b: Moment): boolean => a.ms < b.ms || (a.ms === b.ms && a.rest < b.rest)

export const nanosOf = ({ ms, rest }: Moment): bigint => BigInt(ms) * 1_000_000n + BigInt(rest)

export function momentOf(nanos: bigint): Moment {
  const rest = ((nanos % 1_000_000n) + 1_000_000n) % 1_000_000n
  return { ms: Number((nanos - rest) / 1_000_000n), rest: Number(rest) }
}

/** Profile rows of the wanted series within the range, ascending. */
export function selectProfiles(source: Source, wanted: Uint8Array, range: NanoRange): Int32Array {
  const { series, timeMs, timeRest, length } = source.profiles
  const start = momentOf(range.start)
  const end = momentOf(range.end)
  const out = new Int32Array(length)
  let count = 0
  for (let i = 0; i < length; i++) {
    if (wanted[series[i]!] === 0) continue
    const ms = timeMs[i]!
    if (ms < start.ms || ms > end.ms) continue
    if (ms === start.ms && timeRest[i]! < start.rest) continue
    if (ms === end.ms && timeRest[i]! > end.rest) continue
    out[count++] = i
  }
  return out.subarray(0, count)
}

export function select(source: Source, options: SelectOptions): Selected {
  const wanted = selectSeries(source, options.type, options.fits)
  const { only } = options
  if (only !== undefined) for (let i = 0; i < wanted.length; i++) if (!only(i)) wanted[i] = 0
  return runsOf(source, selectProfiles(source, wanted, options.range), options.timesPeriod)
}

export function runsOf(source: Source, rows: Int32Array, timesPeriod: boolean): Selected {
  const { profiles } = source
  const runs = new Map<number, number[]>()
  let bound = 0
  let start = { ms: Number.POSITIVE_INFINITY, rest: 0 }
  let end = { ms: Number.NEGATIVE_INFINITY, rest: 0 }
  let period = 0
  for (const i of rows) {
    const factor = timesPeriod ? profiles.period[i]! || 1 : 1
    let list = runs.get(factor)
    if (list === undefined) runs.set(factor, (list = []))
    const first = profiles.rowStart[i]!
    const last = first + profiles.rowCount[i]!
    if (list.length > 0 && list[list.length - 1] === first) list[list.length - 1] = last
    else if (last > first) list.push(first, last)
    bound += profiles.bound[i]! * Math.abs(factor)
    const ms = profiles.timeMs[i]!
    const rest = profiles.timeRest[i]!
    if (ms < start.ms || (ms === start.ms && rest < start.rest)) {
      start = { ms, rest }
      period = profiles.period[i]!
    }
    const restAtEnd = rest + profiles.durationNanos[i]!
    const wholeMs = Math.floor(restAtEnd / 1e6)
    if (ms + wholeMs >= end.ms) {
      const ended = { ms: ms + wholeMs, rest: restAtEnd - wholeMs * 1e6 }
      if (isBefore(end, ended)) end = ended
    }
  }
  return {
    source,
    runs: new Map([...runs].map(([factor, list]) => [factor, Int32Array.from(list)])),
    profiles: rows.length,
    bound,
    start: rows.length === 0 ? null : start,
    end: rows.length === 0 ? null : end,
    period,
  }
}

const TIME_UNITS = new Set(['nanoseconds', 'microseconds', 'milliseconds', 'seconds'])

/** Parca's API answers `samples:count` of a period in time in the period's own type. */
export const multipliesPeriod = (type: ProfileType): boolean =>
  type.sampleType === 'samples' && type.sampleUnit === 'count' && TIME_UNITS.has(type.periodUnit)
