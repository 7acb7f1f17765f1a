/** The threads beside the main one, by name. */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { Mended } from '../../frostdb/block/mend.ts'
import type { BlockEntry } from '../../frostdb/manifest.ts'
import type { SelfProfiler } from '../../pkg/telemetry/self-profile.ts'
import type { FlushData } from './flush-thread.ts'
import type { MendData } from './mend-thread.ts'

/** What every thread gets: the port over which it is profiled. */
export interface ThreadData {
  readonly profiling: MessagePort
}

export interface Threads {
  spawnQuery(): Worker
  /** One thread for one block; it ends with it. */
  flush(data: FlushData): Promise<BlockEntry>
  /** One thread for all blocks; it ends with them. */
  mend(data: MendData): Promise<readonly Mended[]>
}

/** These threads work on typed arrays, which lie outside the young generation: a large one would only stay in memory. */
const YOUNG_MB = 8

export function createThreads(profiler: SelfProfiler): Threads {
  let queries = 0
  const spawn = (file: string, name: string, workerData: object): Worker => {
    const { port1, port2 } = new MessageChannel()
    const worker = new Worker(new URL(file, import.meta.url), {
      name,
      workerData: { profiling: port2, ...workerData } satisfies ThreadData,
      transferList: [port2],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    })
    profiler.addWorker(name, worker, port1)
    return worker
  }
  const job = <T>(file: string, name: string, data: object): Promise<T> =>
    new Promise((resolve, reject) => {
      const worker = spawn(file, name, data)
      worker.once('message', resolve)
      worker.once('error', reject)
      worker.once('exit', code => reject(new Error(`the ${name} thread ended with ${code}`)))
    })
  return {
    spawnQuery: () => spawn('./query-thread.ts', `query-${++queries}`, {}),
    flush: data => job('./flush-thread.ts', 'flush', data),
    mend: data => job('./mend-thread.ts', 'mend', data),
  }
}
