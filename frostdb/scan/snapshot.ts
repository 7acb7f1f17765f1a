import type { HeadView } from '../head/head.ts'

/** What a query sees: immutable, can be posted to a worker. */
export interface Snapshot {
  readonly blocks: readonly {
    readonly ulid: string
    readonly directory: string
    readonly minTime: number
    readonly maxTime: number
  }[]
  readonly heads: readonly HeadView[]
}
