/**
 * The profiles of a block, from the rows of `profiles.parquet`: neighbours of one series, time, duration and period are
 * one. A type is a delta where its profiles have a duration. Columns are read one at a time, as the text of all rows
 * would not fit for a large block, and are runs at once.
 */
import { readTable } from '../../pkg/parquet/general.ts'
import type { FileLayout } from '../../pkg/parquet/schema.ts'
import { encodeSeries, type Series } from '../head/series.ts'
import { batchesOf, textOf } from './arrow-columns.ts'
import type { OrderedProfiles } from './order.ts'
import { LABEL_PREFIX } from './write.ts'

/** Rows from start[i] to start[i + 1] have value[i]. */
interface ColumnRuns<T> {
  readonly start: number[]
  readonly value: T[]
}

const decoder = new TextDecoder()

async function stringRuns(path: string, name: string): Promise<ColumnRuns<string | null>> {
  const runs: ColumnRuns<string | null> = { start: [], value: [] }
  let last: Uint8Array | null = null
  for (const { data, first } of batchesOf(await readTable(path, [name]), name)) {
    const { valueOffsets, values } = textOf(data)
    for (let i = 0; i < data.length; i++) {
      const text = data.getValid(i) ? values.subarray(valueOffsets[i]!, valueOffsets[i + 1]!) : null
      if (first + i > 0 && sameBytes(text, last)) continue
      runs.start.push(first + i)
      runs.value.push(text === null ? null : decoder.decode(text))
      last = text
    }
  }
  return runs
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

async function intRuns(path: string, name: string): Promise<ColumnRuns<bigint>> {
  const runs: ColumnRuns<bigint> = { start: [], value: [] }
  for (const { data, first } of batchesOf(await readTable(path, [name]), name)) {
    const values = data.values as BigInt64Array
    for (let i = 0; i < data.length; i++) {
      if (first + i > 0 && values[i] === runs.value.at(-1)) continue
      runs.start.push(first + i)
      runs.value.push(values[i]!)
    }
  }
  return runs
}

export async function readProfiles(
  path: string,
  layout: FileLayout,
): Promise<{ series: Series[]; profiles: OrderedProfiles }> {
  const types: ColumnRuns<string | null>[] = []
  for (const name of ['name', 'sample_type', 'sample_unit', 'period_type', 'period_unit']) {
    types.push(await stringRuns(path, name))
  }
  const labels: { name: string; runs: ColumnRuns<string | null> }[] = []
  for (const { name } of layout.schema) {
    if (!name.startsWith(LABEL_PREFIX)) continue
    labels.push({ name: name.slice(LABEL_PREFIX.length), runs: await stringRuns(path, name) })
  }
  const time = await intRuns(path, 'time_nanos')
  const duration = await intRuns(path, 'duration')
  const period = await intRuns(path, 'period')

  const begins = new Uint8Array(layout.rows + 1)
  for (const { start } of [...types, ...labels.map(l => l.runs), time, duration, period]) {
    for (const row of start) begins[row] = 1
  }
  begins[layout.rows] = 1
  const starts: number[] = []
  for (let row = 0; row <= layout.rows; row++) if (begins[row] === 1) starts.push(row)

  const length = Math.max(0, starts.length - 1)
  const profiles = emptyProfiles(length)
  const series: Series[] = []
  const seriesIds = new Map<string, number>()
  const cursors = { types: types.map(cursorOf), labels: labels.map(l => cursorOf(l.runs)) }
  const [timeAt, durationAt, periodAt] = [cursorOf(time), cursorOf(duration), cursorOf(period)]
  for (let i = 0; i < length; i++) {
    const row = starts[i]!
    const nanos = timeAt(row)
    const [name, sampleType, sampleUnit, periodType, periodUnit] = cursors.types.map(at => at(row) ?? '') as [
      string,
      string,
      string,
      string,
      string,
    ]
    const set = labels.flatMap((label, l) => {
      const value = cursors.labels[l]!(row)
      return value === null ? [] : [{ name: label.name, value }]
    })
    const delta = durationAt(row) > 0n
    const one: Series = { type: { name, sampleType, sampleUnit, periodType, periodUnit, delta }, labels: set }
    const key = encodeSeries(one)
    let id = seriesIds.get(key)
    if (id === undefined) {
      seriesIds.set(key, (id = series.length))
      series.push(one)
    }
    const rest = ((nanos % 1_000_000n) + 1_000_000n) % 1_000_000n
    profiles.series[i] = id
    profiles.timeMs[i] = Number((nanos - rest) / 1_000_000n)
    profiles.timeRest[i] = Number(rest)
    profiles.durationNanos[i] = Number(durationAt(row))
    profiles.period[i] = Number(periodAt(row))
    profiles.rowStart[i] = row
    profiles.rowCount[i] = starts[i + 1]! - row
  }
  await addTotals(path, profiles)
  return { series, profiles }
}

/** The value at a row; rows are asked for in ascending order. */
function cursorOf<T>({ start, value }: ColumnRuns<T>): (row: number) => T {
  let run = 0
  return row => {
    while (run + 1 < start.length && start[run + 1]! <= row) run++
    return value[run]!
  }
}

const emptyProfiles = (length: number) => ({
  length,
  series: new Int32Array(length),
  timeMs: new Float64Array(length),
  timeRest: new Int32Array(length),
  durationNanos: new Float64Array(length),
  period: new Float64Array(length),
  rowStart: new Int32Array(length),
  rowCount: new Int32Array(length),
  totalLow: new Float64Array(length),
  totalHigh: new Float64Array(length),
  bound: new Float64Array(length),
})

async function addTotals(path: string, profiles: OrderedProfiles): Promise<void> {
  const { totalLow, totalHigh, bound, rowStart, rowCount, length } = profiles
  let i = 0
  for (const { data, first } of batchesOf(await readTable(path, ['value']), 'value')) {
    const values = data.values as BigInt64Array
    const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
    for (let row = 0; row < data.length; row++) {
      while (first + row >= rowStart[i]! + rowCount[i]!) i++
      const low = words[row * 2]! >>> 0
      const high = words[row * 2 + 1]!
      totalLow[i]! += low
      totalHigh[i]! += high
      bound[i]! += Math.abs(high * 4294967296 + low)
    }
  }
  for (i = 0; i < length; i++) {
    const carry = Math.floor(totalLow[i]! / 4294967296)
    totalLow[i]! -= carry * 4294967296
    totalHigh[i]! += carry
    bound[i]! *= 1 + 1e-9
  }
}
