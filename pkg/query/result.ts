/**
 * What a merge, a single profile or a diff comes to: a tree of stacks with its sums, as columns. Reports are pure
 * functions over it.
 */
import type { Labels } from '../labels/labels.ts'
import type { FrameColumns, StringColumn } from '../profile/frames.ts'

export type { FrameColumns, StringColumn } from '../profile/frames.ts'

/**
 * Exact int64 sums. With `hi` null every value is a safe double in `lo` (|v| < 2^53). Else value = hi × 2^32 + lo with
 * lo in [0, 2^32) and |hi| < 2^53: room for 2^85, so that sums never wrap.
 */
export interface Sums {
  readonly lo: Float64Array
  readonly hi: Float64Array | null
}

/** Node 0 is the root. parent[0] = -1, parent[i] < i: one backward pass turns self into total. */
export interface StackTree {
  /**
   * `frame`: siblings differ in some column of the frame. `function`: frames of one function under one parent are one
   * node; frames without a function name are apart by address.
   */
  readonly level: 'frame' | 'function'
  readonly strings: StringColumn
  readonly frames: FrameColumns
  readonly parent: Int32Array
  readonly frame: Int32Array // frame; -1 at the root
  /** Of samples whose innermost frame is this node; self[0]: samples without a stack. */
  readonly self: Sums
  /** In a diff: the base (A) side, while `self` is the compare (B) side. Else null. */
  readonly baseSelf: Sums | null
  readonly length: number
}

/** A selection's tree with what the selection says of its profiles. */
export interface Merged {
  readonly tree: StackTree
  /** One tree per distinct value set of the labels that were grouped by; empty when none were. `tree` is then their sum. */
  readonly groups: readonly { readonly labels: Labels; readonly tree: StackTree }[]
  /** The type of the values in the tree: of the samples, or of the period where samples:count was multiplied by it. */
  readonly valueType: { readonly type: string; readonly unit: string }
  readonly periodType: { readonly type: string; readonly unit: string }
  readonly period: bigint // of the first profile; 0 = none
  /** First start and last end of the profiles that were read, ns; both 0 when there were none. */
  readonly timeNanos: bigint
  readonly durationNanos: bigint
  readonly profiles: number
}

/** What reading took, in `decima-query-stats` of every answer. */
export interface QueryStats {
  blocks: number
  row_groups_read: number
  row_groups_skipped: number
  bytes_read: number
  bytes_skipped: number
  requests: number
  cache_hits: number
  rows: number
  ms: number
  level: 'raw' | '1h' | '1d'
}
