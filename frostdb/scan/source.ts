/**
 * The reader's contract: a head and a block look the same to a query. Ids (strings, frames, nodes, stacks, series) are
 * local to a source; a query makes them common where sources meet.
 */
import type { FrameColumns, StringColumn } from '../../pkg/profile/frames.ts'
import type { ProfileColumns } from '../head/rows.ts'
import type { Series } from '../head/series.ts'
import type { Accumulator } from './accumulate.ts'

export interface Source {
  /** `head`, or the ulid of the block. */
  readonly name: string
  /** Names what the ids are local to: ids under one key never change their meaning, though new ones may come. */
  readonly key: string
  readonly strings: StringColumn
  readonly frames: FrameColumns
  /** Trie of frames: node 0 is the empty stack, parent[i] < i. */
  readonly nodes: { readonly parent: Int32Array; readonly frame: Int32Array; readonly length: number }
  /** Trie of functions: `key` is the string that names the function, or -1 - frame for a frame without a name. */
  readonly functionNodes: { readonly parent: Int32Array; readonly key: Int32Array; readonly length: number }
  /** node → function node */
  readonly functionNodeOf: Int32Array
  /** stack → node; null where a stack is its node. */
  readonly stackNode: Int32Array | null
  readonly stacks: number
  readonly series: readonly Series[]
  readonly profiles: ProfileColumns
  readonly rowGroups: readonly RowGroup[]
  /**
   * Adds the values of rows to the accumulator, by stack. `runs` holds [start, end) pairs of rows, ascending. Reads
   * nothing but the stack and value columns of the pages that hold those rows.
   */
  accumulate(runs: Int32Array, accumulator: Accumulator, reads: Reads): void
  /** What `accumulate` would read for these runs. */
  plan(runs: Int32Array): SourcePlan
}

export interface RowGroup {
  readonly firstRow: number
  readonly rows: number
  /** Compressed bytes of its stack and value columns. */
  readonly bytes: number
}

export interface SourcePlan {
  /** By row group: whether any of its rows is wanted. */
  readonly read: readonly boolean[]
  readonly bytes: number
  readonly rows: number
}

/** What reading took so far. */
export interface Reads {
  rowGroupsRead: number
  rowGroupsSkipped: number
  bytesRead: number
  bytesSkipped: number
  requests: number
  cacheHits: number
  rows: number
}

export const noReads = (): Reads => ({
  rowGroupsRead: 0,
  rowGroupsSkipped: 0,
  bytesRead: 0,
  bytesSkipped: 0,
  requests: 0,
  cacheHits: 0,
  rows: 0,
})
