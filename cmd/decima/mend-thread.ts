/** A thread of one job: mends the indexes of blocks, says what it found, and ends. */
import { parentPort, workerData } from 'node:worker_threads'
import { mendIndexes } from '../../frostdb/block/mend.ts'
import { attachSelfProfiler } from '../../pkg/telemetry/self-profile.ts'
import type { ThreadData } from './threads.ts'

export interface MendData {
  readonly blocks: readonly { readonly ulid: string; readonly directory: string }[]
}

const { blocks, profiling } = workerData as MendData & ThreadData
attachSelfProfiler(profiling)
parentPort!.postMessage(await mendIndexes(blocks))
