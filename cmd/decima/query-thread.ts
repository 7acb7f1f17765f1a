/** A query thread: takes one task at a time with a snapshot of the store, answers, and keeps what it opened. */
import { parentPort, workerData } from 'node:worker_threads'
import { createOpener } from '../../frostdb/scan/open.ts'
import { noReads } from '../../frostdb/scan/source.ts'
import { createUnpacker } from '../../frostdb/scan/transfer.ts'
import { RequestError } from '../../pkg/base/errors.ts'
import { createExecutor } from '../../pkg/query/execute.ts'
import type { AnswerMessage, TaskMessage } from '../../pkg/query/pool.ts'
import { needsFrames, report } from '../../pkg/report/report.ts'
import { attachSelfProfiler } from '../../pkg/telemetry/self-profile.ts'
import type { ThreadData } from './threads.ts'

const port = parentPort!
attachSelfProfiler((workerData as ThreadData).profiling)
const opener = createOpener()
const unpack = createUnpacker()
const executor = createExecutor({ needsFrames, report }, () => performance.now())

port.on('message', ({ id, task, snapshot }: TaskMessage) => {
  const started = performance.now()
  try {
    const opened = noReads()
    const answer = executor.execute(task, opener.open(unpack(snapshot), opened), opened, started)
    port.postMessage({ id, answer } satisfies AnswerMessage, buffersOf(answer.value))
  } catch (thrown) {
    const { code, message, span } = RequestError.from(thrown)
    port.postMessage({ id, error: { code, message, span } } satisfies AnswerMessage)
  }
})

/** The bytes of a report are handed over, not copied. */
function buffersOf(value: unknown): ArrayBuffer[] {
  const body = (value as { body?: Record<string, unknown> } | null)?.body
  if (body === undefined) return []
  return Object.values(body).flatMap(part =>
    part instanceof Uint8Array && part.buffer instanceof ArrayBuffer && part.byteLength === part.buffer.byteLength
      ? [part.buffer]
      : [],
  )
}
