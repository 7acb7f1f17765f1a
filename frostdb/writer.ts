/** What the write path hands to the store. */
import type { Labels } from '../pkg/labels/labels.ts'
import type { DecodedProfile } from '../pkg/profile/columns.ts'
import type { ProfileType } from '../pkg/profile/type.ts'

export interface ProfileWrite {
  readonly profile: DecodedProfile
  /** The profile types to store and which of a sample's values is theirs. */
  readonly types: readonly { readonly type: ProfileType; readonly value: number }[]
  /** One entry per distinct label set of the samples. */
  readonly series: readonly SeriesWrite[]
  readonly timeNanos: bigint
  readonly durationNanos: bigint
  readonly period: bigint
  /** Frames kept of one stack, the innermost; the rest become one root frame `[truncated]`. */
  readonly stackDepth: number
  /** Same key within ten minutes: the same profile again. Null: never a repeat. */
  readonly repeatKey: string | null
}

export interface SeriesWrite {
  readonly labels: Labels
  /** What is left of the labels without those that samples brought; null when they brought none. */
  readonly targetLabels: Labels | null
  readonly samples: Int32Array | null // rows; null = all
}

export interface Writer {
  /**
   * Appends all or none, and resolves once they are durable and seen by queries. Rejects with `RequestError`:
   * resource_exhausted when the store takes no writes now, invalid_argument when sums leave int64. The writes are pulled
   * one after the other before this returns; what one borrows need only last until the next is pulled. What pulling
   * throws rejects all.
   */
  write(writes: Iterable<ProfileWrite>): Promise<{ readonly repeated: number }>
}
