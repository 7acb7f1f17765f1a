/** A range answer as what the chart draws: one sorted time axis, a column a series, null where a series has no point. */
import type { Labels } from '../pkg/labels/labels.ts'

export interface Series {
  readonly labels: Labels
  readonly times: readonly number[] // unix seconds, rising
  readonly values: readonly number[]
  readonly sum: number
}

export interface Chart {
  readonly times: number[]
  readonly columns: (number | null)[][]
  readonly series: readonly Series[] // as drawn, the largest first
  readonly hidden: number // further series that are not drawn
}

/** The largest `limit` series. A gap wider than three steps breaks the line. */
export function chartOf(series: readonly Series[], stepSeconds: number, limit: number): Chart {
  const shown = [...series].sort((a, b) => b.sum - a.sum).slice(0, limit)
  const distinct = new Set<number>()
  for (const one of shown) {
    for (let i = 0; i < one.times.length; i++) {
      distinct.add(one.times[i]!)
      const next = one.times[i + 1]
      if (next !== undefined && next - one.times[i]! > 3 * stepSeconds) distinct.add(one.times[i]! + stepSeconds)
    }
  }
  const times = [...distinct].sort((a, b) => a - b)
  const columns = shown.map(one => alignTo(times, one, stepSeconds))
  return { times, columns, series: shown, hidden: series.length - shown.length }
}

/** `undefined` lets the chart bridge a time that only other series have; null breaks the line. */
function alignTo(times: readonly number[], series: Series, step: number): (number | null)[] {
  const out: (number | null)[] = new Array(times.length).fill(undefined)
  let at = 0
  for (let i = 0; i < times.length; i++) {
    if (series.times[at] === times[i]) out[i] = series.values[at++]!
    else if (at > 0 && at < series.times.length && series.times[at]! - series.times[at - 1]! > 3 * step) out[i] = null
  }
  return out
}

/** The labels that tell the series apart, in the order of their names; all of them when one series is there. */
export function distinguishing(series: readonly Series[]): string[] {
  const values = new Map<string, Set<string>>()
  const present = new Map<string, number>()
  for (const { labels } of series) {
    for (const { name, value } of labels) {
      if (!values.has(name)) values.set(name, new Set())
      values.get(name)!.add(value)
      present.set(name, (present.get(name) ?? 0) + 1)
    }
  }
  const names = [...values.keys()].sort()
  if (series.length <= 1) return names
  return names.filter(name => values.get(name)!.size > 1 || present.get(name)! < series.length)
}

export function seriesTitle(labels: Labels, names: readonly string[]): string {
  const parts = labels.filter(l => names.includes(l.name)).map(l => `${l.name}="${l.value}"`)
  return parts.length > 0 ? parts.join(', ') : labels.length > 0 ? '{}' : 'all'
}
