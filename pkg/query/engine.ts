/**
 * The questions that can be asked of the store, as every protocol asks them. Answers come from worker threads: a query
 * never holds up a scrape. Rejects with `RequestError`.
 */
import type { Labels } from '../labels/labels.ts'
import type { ProfileType } from '../profile/type.ts'
import type { QueryStats } from './result.ts'

/** Both ends inclusive, on a profile's `time_nanos`. */
export interface NanoRange {
  readonly start: bigint
  readonly end: bigint
}

export interface MergeSelection {
  readonly kind: 'merge'
  /** A selector: `profile_type{matchers}`. */
  readonly query: string
  readonly range: NanoRange
}
/** The profile whose time, in whole milliseconds, is `timeMs`. */
export interface SingleSelection {
  readonly kind: 'single'
  readonly query: string
  readonly timeMs: number
}
export interface DiffSelection {
  readonly kind: 'diff'
  readonly base: MergeSelection | SingleSelection
  readonly compare: MergeSelection | SingleSelection
  /** Raw subtraction; else the smaller side is scaled up to the total of the larger. */
  readonly absolute: boolean
}
export type Selection = MergeSelection | SingleSelection | DiffSelection

export type StringCondition = {
  readonly op: 'equal' | 'contains' | 'starts_with'
  readonly not: boolean
  readonly value: string
}
export type NumberCondition = { readonly not: boolean; readonly value: bigint }
export interface FilterCriteria {
  readonly functionName?: StringCondition
  readonly systemName?: StringCondition
  readonly binary?: StringCondition
  readonly file?: StringCondition
  readonly address?: NumberCondition
  readonly line?: NumberCondition
}
/** `stack` keeps whole samples, `frame` keeps frames (reference: Parca's filters). */
export type Filter = { readonly kind: 'stack' | 'frame'; readonly criteria: FilterCriteria }

export type ReportKind = 'flamegraph_arrow' | 'flamegraph_table' | 'table_arrow' | 'top' | 'pprof' | 'web_flamegraph'

export interface ReportRequest {
  readonly selection: Selection
  readonly report: ReportKind
  /** Multiply `samples:count` by the period, and answer in the period's type (what Parca's API does). */
  readonly timesPeriod: boolean
  /** A child is kept when it has more than this share of its parent, in percent; 0 trims nothing. */
  readonly trimPercent: number
  readonly groupBy: readonly string[]
  readonly invert: boolean
  readonly filters: readonly Filter[]
  readonly sandwichFunction: string | null
}

export interface TopRow {
  readonly functionName: string
  readonly systemName: string
  readonly file: string
  readonly line: number
  readonly startLine: number
  readonly address: bigint
  readonly mapping: string
  readonly buildId: string
  readonly cumulative: bigint
  readonly flat: bigint
  readonly diff: bigint
}

/** Columns of Parca's FLAMEGRAPH_TABLE: nodes in the order of a pre-order walk. */
export interface FlamegraphTable {
  readonly strings: readonly string[] // [0] is ''
  readonly functions: readonly { name: number; systemName: number; file: number; startLine: number }[]
  readonly mappings: readonly { file: number; buildId: number }[]
  readonly locations: readonly {
    address: bigint
    mapping: number
    lines: readonly { function: number; line: number }[]
  }[] // mapping -1 = none
  readonly parent: Int32Array // node; root 0 has -1
  readonly location: Int32Array // location; -1 at the root
  readonly lineIndex: Int32Array
  readonly cumulative: BigInt64Array
  readonly diff: BigInt64Array
  readonly height: number
  readonly trimmed: bigint
}

export type ReportBody =
  /** Arrow IPC stream, one record batch. */
  | {
      readonly kind: 'flamegraph_arrow'
      readonly record: Uint8Array
      readonly height: number
      readonly trimmed: bigint
    }
  | { readonly kind: 'flamegraph_table'; readonly table: FlamegraphTable }
  | { readonly kind: 'table_arrow'; readonly record: Uint8Array }
  | { readonly kind: 'top'; readonly rows: readonly TopRow[]; readonly reported: number }
  /** gzip */
  | { readonly kind: 'pprof'; readonly pprof: Uint8Array }
  | { readonly kind: 'web_flamegraph'; readonly record: Uint8Array }

export interface Report {
  readonly body: ReportBody
  readonly unit: string
  readonly total: bigint
  /** Taken away by filters. */
  readonly filtered: bigint
  /** Profiles that were merged; 0 = the selection is empty. */
  readonly profiles: number
}

export interface RangeRequest {
  readonly query: string
  readonly range: NanoRange
  /** 0 = derive one: at most 200 points, at least 1 s. */
  readonly stepNanos: bigint
  readonly sumBy: readonly string[]
  readonly timesPeriod: boolean
}
export interface RangePoint {
  readonly timeNanos: bigint
  readonly value: bigint
  readonly valuePerSecond: number
  readonly durationNanos: bigint
  readonly count: number
}
export interface RangeSeries {
  readonly labels: Labels
  readonly points: readonly RangePoint[]
  readonly sampleType: { readonly type: string; readonly unit: string }
  readonly periodType: { readonly type: string; readonly unit: string }
}

/** What would be read, as data; printed by `/api/v1/query/explain`. */
export interface Explanation {
  readonly query: string
  readonly start: string // unix nanoseconds
  readonly end: string
  readonly blocks: readonly {
    readonly block: string // ulid, or `head`
    readonly min_time: string
    readonly max_time: string
    readonly series: number
    readonly profiles: number
    readonly rows: number
    readonly row_groups: readonly {
      readonly index: number
      readonly action: 'read' | 'skip'
      readonly reason: string
    }[]
    readonly columns: readonly string[]
    readonly bytes: number
  }[]
  readonly totals: { readonly bytes_read: number; readonly bytes_skipped: number; readonly rows: number }
}

export interface Answer<T> {
  readonly value: T
  readonly stats: QueryStats
}

/** A range of null means all that is stored. `matchers` are texts `name="value"`, joined by AND, within `profileType`. */
export interface LabelRequest {
  readonly range: NanoRange | null
  readonly profileType: string | null
  readonly matchers: readonly string[]
}

export interface QueryEngine {
  profileTypes(range: NanoRange | null, signal?: AbortSignal): Promise<Answer<readonly ProfileType[]>>
  /** Sorted. */
  labelNames(request: LabelRequest, signal?: AbortSignal): Promise<Answer<readonly string[]>>
  /** Sorted. */
  labelValues(name: string, request: LabelRequest, signal?: AbortSignal): Promise<Answer<readonly string[]>>
  /** not_found when nothing matches. Series sorted by labels, points by time. */
  range(request: RangeRequest, signal?: AbortSignal): Promise<Answer<readonly RangeSeries[]>>
  /** An empty merge is an empty report; an empty single is not_found. */
  report(request: ReportRequest, signal?: AbortSignal): Promise<Answer<Report>>
  explain(query: string, range: NanoRange, signal?: AbortSignal): Promise<Explanation>
}
