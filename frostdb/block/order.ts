/**
 * The order of a block: which profile comes where, and what its stacks, nodes and frames are numbered.
 *
 *   profiles  by (whole UTC hour, profile type, service, labels, time)
 *   stacks    by the service that uses them most, then by how often: near ids are used together, frequent ids are small
 *   nodes     depth first, in order of first use: a parent stands before its children, a subtree is a range
 *   frames    by first occurrence in that walk
 *
 * Only what the profiles use gets a number.
 */
import { formatProfileType } from '../../pkg/profile/type.ts'
import type { HeadView } from '../head/head.ts'
import { decodeSeries, type Series, seriesText } from '../head/series.ts'
import { serviceOf } from '../service.ts'
import { sortPairs } from './sort.ts'

export interface BlockOrder {
  /** In the block's order; sorted by type, service, labels. */
  readonly series: readonly Series[]
  readonly profiles: OrderedProfiles
  readonly rows: OrderedRows
  /** Block stack → head node. */
  readonly stackNode: Int32Array
}

export interface OrderedProfiles {
  readonly length: number
  readonly series: Int32Array // row in `series`
  readonly timeMs: Float64Array
  readonly timeRest: Int32Array
  readonly durationNanos: Float64Array
  readonly period: Float64Array
  readonly rowStart: Int32Array
  readonly rowCount: Int32Array
  readonly totalLow: Float64Array
  readonly totalHigh: Float64Array
  readonly bound: Float64Array
}

export interface OrderedRows {
  readonly length: number
  readonly stack: Int32Array // block stack; ascending within a profile
  readonly value: BigInt64Array
}

export const HOUR_MS = 3_600_000

export function orderHead(view: HeadView, serviceLabels: readonly string[]): BlockOrder {
  const { series, rank, service } = orderSeries(view, serviceLabels)
  const slots = orderProfiles(view, rank)
  const stacks = numberStacks(view, service)
  const rows = orderRows(view, slots, stacks.newStack, stacks.stackNode.length)
  return { series, profiles: slots.profiles, rows, stackNode: stacks.stackNode }
}

interface SeriesOrder {
  readonly series: Series[]
  readonly rank: Int32Array // head series → block series
  readonly service: Int32Array // head series → service, in order of names
}

function orderSeries(view: HeadView, serviceLabels: readonly string[]): SeriesOrder {
  const count = view.seriesOffsets.length - 1
  const used = new Set(view.profiles.series)
  const all = [...used].map(id => {
    const series = decodeSeries(seriesText(view.seriesBytes, view.seriesOffsets, id))
    const service = serviceOf(series.labels, serviceLabels)
    return {
      id,
      series,
      service,
      key: [formatProfileType(series.type), service, JSON.stringify(series.labels)] as const,
    }
  })
  all.sort((a, b) => compare(a.key, b.key))
  const names = [...new Set(all.map(s => s.service))].sort()
  const serviceNumber = new Map(names.map((name, i) => [name, i]))
  const rank = new Int32Array(count)
  const service = new Int32Array(count)
  for (const [i, { id, service: name }] of all.entries()) {
    rank[id] = i
    service[id] = serviceNumber.get(name)!
  }
  return { series: all.map(s => s.series), rank, service }
}

function compare(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length; i++) {
    if (a[i]! < b[i]!) return -1
    if (a[i]! > b[i]!) return 1
  }
  return 0
}

interface ProfileSlots {
  readonly profiles: OrderedProfiles
  /** Head profile → block profile; profiles of one series and time share one. */
  readonly slot: Int32Array
}

function orderProfiles(view: HeadView, rank: Int32Array): ProfileSlots {
  const { profiles: p } = view
  const order = Array.from({ length: p.length }, (_, i) => i)
  const hour = (i: number): number => Math.floor(p.timeMs[i]! / HOUR_MS)
  order.sort(
    (a, b) =>
      hour(a) - hour(b) ||
      rank[p.series[a]!]! - rank[p.series[b]!]! ||
      p.timeMs[a]! - p.timeMs[b]! ||
      p.timeRest[a]! - p.timeRest[b]! ||
      a - b,
  )
  const slot = new Int32Array(p.length)
  const n = p.length
  const out = {
    length: 0,
    series: new Int32Array(n),
    timeMs: new Float64Array(n),
    timeRest: new Int32Array(n),
    durationNanos: new Float64Array(n),
    period: new Float64Array(n),
    rowStart: new Int32Array(n),
    rowCount: new Int32Array(n),
    totalLow: new Float64Array(n),
    totalHigh: new Float64Array(n),
    bound: new Float64Array(n),
  }
  let at = -1
  for (const i of order) {
    const series = rank[p.series[i]!]!
    const same =
      at >= 0 &&
      out.series[at] === series &&
      out.timeMs[at] === p.timeMs[i] &&
      out.timeRest[at] === p.timeRest[i] &&
      out.durationNanos[at] === p.durationNanos[i] &&
      out.period[at] === p.period[i]
    if (!same) {
      at++
      out.series[at] = series
      out.timeMs[at] = p.timeMs[i]!
      out.timeRest[at] = p.timeRest[i]!
      out.durationNanos[at] = p.durationNanos[i]!
      out.period[at] = p.period[i]!
    }
    slot[i] = at
    out.rowCount[at]! += p.rowCount[i]!
    const low = out.totalLow[at]! + p.totalLow[i]!
    const carry = low >= 4294967296 ? 1 : 0
    out.totalLow[at] = low - carry * 4294967296
    out.totalHigh[at]! += p.totalHigh[i]! + carry
    out.bound[at]! += p.bound[i]!
  }
  let row = 0
  for (let i = 0; i <= at; i++) {
    out.rowStart[i] = row
    row += out.rowCount[i]!
  }
  const length = at + 1
  const cut = Object.fromEntries(
    Object.entries(out).map(([name, column]) => [
      name,
      typeof column === 'number' ? length : column.subarray(0, length),
    ]),
  )
  return { profiles: cut as unknown as OrderedProfiles, slot }
}

/** Stacks in use, clustered by the service with most rows of them and ranked by rows. */
function numberStacks(view: HeadView, service: Int32Array): { newStack: Int32Array; stackNode: Int32Array } {
  const { profiles: p, samples, nodes } = view
  const byService = new Map<number, number[]>()
  for (let i = 0; i < p.length; i++) {
    const s = service[p.series[i]!]!
    const list = byService.get(s)
    if (list === undefined) byService.set(s, [i])
    else list.push(i)
  }
  const total = new Float64Array(nodes.length)
  const best = new Int32Array(nodes.length)
  const bestService = new Int32Array(nodes.length).fill(-1)
  const count = new Int32Array(nodes.length)
  const touched: number[] = []
  for (const [s, list] of [...byService].sort(([a], [b]) => a - b)) {
    for (const i of list) {
      const end = p.rowStart[i]! + p.rowCount[i]!
      for (let row = p.rowStart[i]!; row < end; row++) {
        const node = samples.stack[row]!
        if (count[node]!++ === 0) touched.push(node)
      }
    }
    for (const node of touched) {
      total[node]! += count[node]!
      if (count[node]! > best[node]!) {
        best[node] = count[node]!
        bestService[node] = s
      }
      count[node] = 0
    }
    touched.length = 0
  }
  const used: number[] = []
  for (let node = 0; node < nodes.length; node++) if (bestService[node]! >= 0) used.push(node)
  used.sort((a, b) => bestService[a]! - bestService[b]! || total[b]! - total[a]! || a - b)
  const newStack = new Int32Array(nodes.length).fill(-1)
  for (const [stack, node] of used.entries()) newStack[node] = stack
  return { newStack, stackNode: Int32Array.from(used) }
}

/** The rows of each profile, by stack. */
function orderRows(
  view: HeadView,
  { profiles, slot }: ProfileSlots,
  newStack: Int32Array,
  stacks: number,
): OrderedRows {
  const { profiles: p, samples } = view
  const last = profiles.length - 1
  const length = profiles.length === 0 ? 0 : profiles.rowStart[last]! + profiles.rowCount[last]!
  const stack = new Int32Array(length)
  const value = new BigInt64Array(length)
  const words = new Int32Array(value.buffer)
  const inWords = new Int32Array(samples.value.buffer, samples.value.byteOffset, samples.length * 2)
  const from = new Int32Array(length) // row of the head
  const next = Int32Array.from(profiles.rowStart)
  for (let i = 0; i < p.length; i++) {
    const end = p.rowStart[i]! + p.rowCount[i]!
    let to = next[slot[i]!]!
    for (let row = p.rowStart[i]!; row < end; row++, to++) {
      stack[to] = newStack[samples.stack[row]!]!
      from[to] = row
    }
    next[slot[i]!] = to
  }
  for (let i = 0; i < profiles.length; i++) sortPairs(stack, from, profiles.rowStart[i]!, profiles.rowCount[i]!, stacks)
  for (let to = 0; to < length; to++) {
    words[to * 2] = inWords[from[to]! * 2]!
    words[to * 2 + 1] = inWords[from[to]! * 2 + 1]!
  }
  return { length, stack, value }
}
