/**
 * A selection over time, from the totals of its profiles alone: no sample is read.
 *
 * A delta type's profiles are added up by step and the labels asked for; a point type keeps, per series and step, the
 * last profile. Sums are exact: two doubles a point, value = hi × 2^32 + lo.
 */

import type { Source } from '../../frostdb/scan/source.ts'
import { RequestError } from '../base/errors.ts'
import { compareLabels, type Labels } from '../labels/labels.ts'
import type { ProfileQuery } from '../profile/query.ts'
import type { RangePoint, RangeRequest, RangeSeries } from './engine.ts'
import { labelsTest, multipliesPeriod, selectProfiles, selectSeries } from './select.ts'

const SECOND = 1_000_000_000n
const MAX_POINTS = 1_000_000
/** Steps are numbered in doubles. */
const LEAST_STEP = 1000n
/** A derived step gives at most 200 points; two of them may be cut by the ends of the range. */
const DERIVED_STEPS = 198n

export const NO_DATA =
  'No data found for the query, try a different query or time range or no data has been written to be queried yet.'

/** Whole seconds, so that the points of neighbouring questions fall on the same moments. */
export function stepOf({ stepNanos, range }: RangeRequest): bigint {
  if (stepNanos > 0n) return stepNanos < LEAST_STEP ? LEAST_STEP : stepNanos
  const span = range.end - range.start
  const step = (span + DERIVED_STEPS - 1n) / DERIVED_STEPS
  return step <= SECOND ? SECOND : ((step + SECOND - 1n) / SECOND) * SECOND
}

export function queryRange(sources: readonly Source[], query: ProfileQuery, request: RangeRequest): RangeSeries[] {
  const { profileType: type } = query
  const timesPeriod = request.timesPeriod && multipliesPeriod(type)
  const step = stepOf(request)
  const cells = createCells(step, type.delta)
  const fits = labelsTest(query.matchers)
  const groups = new Map<string, { readonly id: number; readonly labels: Labels }>()
  const seen: { readonly source: Source; readonly rows: Int32Array; readonly groupOf: Int32Array }[] = []
  for (const source of sources) {
    const wanted = selectSeries(source, type, fits)
    const rows = selectProfiles(source, wanted, request.range)
    const groupOf = new Int32Array(source.series.length).fill(-1)
    for (const i of rows) {
      const series = source.profiles.series[i]!
      if (groupOf[series]! < 0)
        groupOf[series] = groupId(groups, groupLabels(source.series[series]!.labels, type.delta, request.sumBy))
      cells.add(groupOf[series]!, source, i, timesPeriod)
    }
    seen.push({ source, rows, groupOf })
  }
  if (cells.outOfOrder()) {
    for (const { source, rows, groupOf } of seen) {
      for (const i of rows) cells.recount(groupOf[source.profiles.series[i]!]!, source, i)
    }
  }
  if (groups.size === 0) throw new RequestError('not_found', NO_DATA)
  const unit = timesPeriod ? type.periodUnit : type.sampleUnit
  const points = cells.points(groups.size, unit === 'nanoseconds')
  const periodType = { type: type.periodType, unit: type.periodUnit }
  const sampleType = timesPeriod ? periodType : { type: type.sampleType, unit: type.sampleUnit }
  return [...groups.values()]
    .sort((a, b) => compareLabels(a.labels, b.labels))
    .map(({ id, labels }) => ({ labels, points: points[id]!, sampleType, periodType }))
}

/** A point type is shown per series: adding up what was taken at different moments would mean nothing. */
function groupLabels(labels: Labels, delta: boolean, sumBy: readonly string[]): Labels {
  return delta ? labels.filter(l => sumBy.includes(l.name)) : labels
}

function groupId(groups: Map<string, { id: number; labels: Labels }>, labels: Labels): number {
  const key = JSON.stringify(labels.map(l => [l.name, l.value]))
  let group = groups.get(key)
  if (group === undefined) groups.set(key, (group = { id: groups.size, labels }))
  return group.id
}

interface Cells {
  add(group: number, source: Source, profile: number, timesPeriod: boolean): void
  /** Whether some cell met its profiles out of order: its moments must then be counted by another pass over all. */
  outOfOrder(): boolean
  recount(group: number, source: Source, profile: number): void
  points(groups: number, perNano: boolean): RangePoint[][]
}

/** One cell per group and step that has a profile, found by open addressing. */
function createCells(step: bigint, delta: boolean): Cells {
  const stepMs = Number(step / 1_000_000n)
  const stepIsMs = step % 1_000_000n === 0n
  let capacity = 1 << 10
  let slots = new Int32Array(capacity * 2) // cell + 1
  let count = 0
  const cell = {
    group: new Int32Array(capacity),
    bucket: new Float64Array(capacity),
    lo: new Float64Array(capacity),
    hi: new Float64Array(capacity),
    duration: new Float64Array(capacity), // least
    ms: new Float64Array(capacity), // of the last profile
    rest: new Int32Array(capacity),
    severalTimes: new Uint8Array(capacity),
    count: new Float64Array(capacity),
  }

  const hashOf = (group: number, bucket: number): number => {
    const h = Math.imul(group ^ Math.imul(bucket | 0, 0x9e3779b1), 0x85ebca6b) ^ (bucket / 4294967296)
    return h ^ (h >>> 15)
  }

  function find(group: number, bucket: number): number {
    let slot = hashOf(group, bucket) & (slots.length - 1)
    for (;;) {
      const at = slots[slot]! - 1
      if (at < 0) break
      if (cell.group[at] === group && cell.bucket[at] === bucket) return at
      slot = (slot + 1) & (slots.length - 1)
    }
    if (count === MAX_POINTS) {
      throw new RequestError(
        'invalid_argument',
        `the answer would have more than ${MAX_POINTS} points: choose a larger step or a shorter range`,
      )
    }
    if (count === capacity) {
      grow()
      slot = hashOf(group, bucket) & (slots.length - 1)
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1)
    }
    slots[slot] = count + 1
    cell.group[count] = group
    cell.bucket[count] = bucket
    cell.duration[count] = Number.POSITIVE_INFINITY
    cell.ms[count] = Number.NEGATIVE_INFINITY
    return count++
  }

  function grow(): void {
    capacity *= 2
    for (const [name, column] of Object.entries(cell)) {
      const longer = new (column.constructor as new (n: number) => typeof column)(capacity)
      longer.set(column as never)
      Object.assign(cell, { [name]: longer })
    }
    slots = new Int32Array(capacity * 2)
    for (let i = 0; i < count; i++) {
      let slot = hashOf(cell.group[i]!, cell.bucket[i]!) & (slots.length - 1)
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1)
      slots[slot] = i + 1
    }
  }

  /** By cell, the moments of those that met an earlier one after a later. */
  const moments = new Map<number, Set<string>>()

  const bucketOf = (ms: number, rest: number): number =>
    stepIsMs ? Math.floor(ms / stepMs) : Number((BigInt(ms) * 1_000_000n + BigInt(rest)) / step)

  return {
    add(group, { profiles }, i, timesPeriod) {
      const ms = profiles.timeMs[i]!
      const rest = profiles.timeRest[i]!
      const at = find(group, bucketOf(ms, rest))
      const factor = timesPeriod ? profiles.period[i]! || 1 : 1
      let lo = profiles.totalLow[i]!
      let hi = profiles.totalHigh[i]!
      if (factor !== 1) {
        const product = ((BigInt(hi) << 32n) + BigInt(lo)) * BigInt(factor)
        lo = Number(product & 0xffffffffn)
        hi = Number(product >> 32n)
      }
      const same = ms === cell.ms[at] && rest === cell.rest[at]
      if (delta) {
        if (cell.ms[at] !== Number.NEGATIVE_INFINITY && !same) cell.severalTimes[at] = 1
        cell.count[at]! += profiles.rowCount[i]!
      } else {
        if (!same) cell.count[at]! += 1
        const later = ms > cell.ms[at]! || (ms === cell.ms[at] && rest > cell.rest[at]!)
        if (!same && !later) {
          moments.set(at, new Set())
          return
        }
        if (later) {
          cell.lo[at] = 0
          cell.hi[at] = 0
        }
      }
      cell.ms[at] = ms
      cell.rest[at] = rest
      cell.duration[at] = Math.min(cell.duration[at]!, profiles.durationNanos[i]!)
      const sum = cell.lo[at]! + lo
      const over = sum >= 4294967296 ? 1 : 0
      cell.lo[at] = sum - over * 4294967296
      cell.hi[at]! += hi + over
    },
    outOfOrder: () => moments.size > 0,
    recount(group, { profiles }, i) {
      const ms = profiles.timeMs[i]!
      const rest = profiles.timeRest[i]!
      const at = find(group, bucketOf(ms, rest))
      const known = moments.get(at)
      if (known !== undefined) cell.count[at] = known.add(`${ms} ${rest}`).size
    },
    points(groups, perNano) {
      const out: { point: RangePoint; order: number }[][] = Array.from({ length: groups }, () => [])
      for (let i = 0; i < count; i++) {
        const exact = (BigInt(cell.hi[i]!) << 32n) + BigInt(cell.lo[i]!)
        const approximate = cell.hi[i]! * 4294967296 + cell.lo[i]!
        if (exact > MAX_INT64 || exact < MIN_INT64) {
          throw new RequestError(
            'out_of_range',
            `a point adds up to ${exact}, more than an int64 holds: choose a smaller step or fewer series`,
          )
        }
        const duration = !delta ? 0 : cell.severalTimes[i] === 1 ? Number(step) : cell.duration[i]!
        const perSecond = delta
          ? duration === 0
            ? 0
            : approximate / (perNano ? duration : duration / 1e9)
          : approximate
        const time = delta ? BigInt(cell.bucket[i]!) * step : BigInt(cell.ms[i]!) * 1_000_000n + BigInt(cell.rest[i]!)
        const point = {
          timeNanos: time,
          value: exact,
          valuePerSecond: perSecond,
          durationNanos: BigInt(duration),
          count: cell.count[i]!,
        }
        out[cell.group[i]!]!.push({ point, order: cell.bucket[i]! })
      }
      return out.map(list => list.sort((a, b) => a.order - b.order).map(({ point }) => point))
    },
  }
}

const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)
