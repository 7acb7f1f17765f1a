/**
 * The query threads. A task goes to an idle thread with a snapshot of the store, else it waits its turn; a thread that
 * dies takes its own task with it, and another is started for the next that needs one.
 */
import type { Worker } from 'node:worker_threads'
import type { Snapshot } from '../../frostdb/scan/snapshot.ts'
import { createPacker, type Pack, type PackedSnapshot } from '../../frostdb/scan/transfer.ts'
import { type RequestCode, RequestError } from '../base/errors.ts'
import type { Clock } from '../base/ports.ts'
import type { ProfileType } from '../profile/type.ts'
import type { Answer, Explanation, QueryEngine, RangeSeries, Report } from './engine.ts'
import type { QueryTask } from './execute.ts'

export interface TaskMessage {
  readonly id: number
  readonly task: QueryTask
  readonly snapshot: PackedSnapshot
}
export type AnswerMessage =
  | { readonly id: number; readonly answer: Answer<unknown> }
  | {
      readonly id: number
      readonly error: {
        readonly code: RequestCode
        readonly message: string
        readonly span: readonly [number, number] | null
      }
    }

export interface PoolOptions {
  readonly threads: number
  /** Tasks that may wait; one more is refused. */
  readonly maxWaiting: number
  readonly spawn: () => Worker
  readonly snapshot: () => Snapshot
  readonly clock: Clock
}

export interface QueryPool extends QueryEngine {
  close(): Promise<void>
  readonly status: { readonly running: number; readonly waiting: number; readonly deaths: number }
}

interface Waiting {
  readonly task: QueryTask
  resolve(answer: Answer<unknown>): void
  reject(error: RequestError): void
}

interface Thread {
  readonly worker: Worker
  readonly pack: Pack
  /** Of the clock's monotonic time. */
  idleSince: number
  current: (Waiting & { readonly id: number }) | null
}

/** A thread that had nothing to do for so long ends, but for the last one. */
const IDLE_MS = 30_000

export function createQueryPool(options: PoolOptions): QueryPool {
  const { clock } = options
  const closing = new AbortController()
  const threads: Thread[] = []
  const waiting: Waiting[] = []
  let nextId = 0
  let deaths = 0
  let closed = false

  function start(thread: Thread): void {
    const { worker } = thread
    worker.on('message', (message: AnswerMessage) => {
      const { current } = thread
      if (current === null || current.id !== message.id) return
      thread.current = null
      thread.idleSince = clock.monotonic()
      if ('answer' in message) current.resolve(message.answer)
      else {
        const { code, message: text, span } = message.error
        current.reject(new RequestError(code, text, span === null ? {} : { span }))
      }
      next()
    })
    // Until it has ended, a thread that failed keeps its task: the next one must not be given to it.
    let cause: Error | null = null
    worker.on('error', (error: Error) => {
      cause = error
    })
    worker.on('exit', () => {
      thread.current?.reject(closed ? stopping() : threadDied(cause))
      const at = threads.indexOf(thread)
      if (at < 0 || closed) return
      threads.splice(at, 1)
      deaths++
      next()
    })
  }

  function next(): void {
    while (waiting.length > 0) {
      const thread = threads.find(t => t.current === null) ?? (threads.length < options.threads ? added() : null)
      if (thread === null) return
      const one = waiting.shift()!
      const id = nextId++
      try {
        const snapshot = thread.pack(options.snapshot())
        thread.worker.postMessage({ id, task: one.task, snapshot } satisfies TaskMessage)
        thread.current = { ...one, id }
      } catch (error) {
        one.reject(RequestError.from(error))
      }
    }
  }

  function added(): Thread {
    const thread: Thread = {
      worker: options.spawn(),
      pack: createPacker(),
      current: null,
      idleSince: clock.monotonic(),
    }
    threads.push(thread)
    start(thread)
    return thread
  }

  async function retireIdle(): Promise<void> {
    while (!closed) {
      await clock.sleep(IDLE_MS, closing.signal)
      for (const thread of threads.slice(1)) {
        if (thread.current !== null || !threads.includes(thread)) continue
        if (clock.monotonic() - thread.idleSince < IDLE_MS) continue
        threads.splice(threads.indexOf(thread), 1)
        await thread.worker.terminate()
      }
    }
  }
  void retireIdle()

  function ask<T>(task: QueryTask, signal: AbortSignal | undefined): Promise<Answer<T>> {
    if (closed) return Promise.reject(stopping())
    if (signal?.aborted) return Promise.reject(wentAway())
    if (waiting.length >= options.maxWaiting) {
      return Promise.reject(
        new RequestError(
          'resource_exhausted',
          `${waiting.length} queries are waiting already, no more are taken: try again later`,
        ),
      )
    }
    return new Promise((resolve, reject) => {
      const one: Waiting = { task, resolve: answer => resolve(answer as Answer<T>), reject }
      waiting.push(one)
      signal?.addEventListener('abort', () => {
        const at = waiting.indexOf(one)
        if (at >= 0) waiting.splice(at, 1)
        reject(wentAway())
      })
      next()
    })
  }

  return {
    profileTypes: (range, signal) => ask<readonly ProfileType[]>({ kind: 'types', range }, signal),
    labelNames: (request, signal) => ask<readonly string[]>({ kind: 'labels', request }, signal),
    labelValues: (name, request, signal) => ask<readonly string[]>({ kind: 'values', name, request }, signal),
    range: (request, signal) => ask<readonly RangeSeries[]>({ kind: 'range', request }, signal),
    report: (request, signal) => ask<Report>({ kind: 'report', request }, signal),
    explain: async (query, range, signal) => (await ask<Explanation>({ kind: 'explain', query, range }, signal)).value,
    get status() {
      return { running: threads.filter(t => t.current !== null).length, waiting: waiting.length, deaths }
    },
    async close() {
      closed = true
      closing.abort()
      for (const one of waiting.splice(0)) one.reject(stopping())
      await Promise.all(threads.map(t => t.worker.terminate()))
    },
  }
}

const stopping = (): RequestError => new RequestError('unavailable', 'the server is stopping')
const wentAway = (): RequestError => new RequestError('canceled', 'the client went away')
const threadDied = (cause: Error | null): RequestError =>
  cause === null
    ? new RequestError('internal', 'the query thread died')
    : new RequestError('internal', `the query thread died: ${cause.message}`, { cause })
