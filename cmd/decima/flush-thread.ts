/** A thread of one job: makes a block of a sealed head, says how it went, and ends. */
import { parentPort, workerData } from 'node:worker_threads'
import { type WriteBlockOptions, writeHeadBlock } from '../../frostdb/block/write.ts'
import type { HeadView } from '../../frostdb/head/head.ts'
import { attachSelfProfiler } from '../../pkg/telemetry/self-profile.ts'
import type { ThreadData } from './threads.ts'

export interface FlushData {
  readonly view: HeadView
  readonly options: WriteBlockOptions
}

const { view, options, profiling } = workerData as FlushData & ThreadData
const leave = attachSelfProfiler(profiling)
parentPort!.postMessage(writeHeadBlock(view, options))
await leave()
