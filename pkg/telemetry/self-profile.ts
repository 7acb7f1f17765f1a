/**
 * Decima's profiles of itself, for `/debug/pprof/{profile,heap,allocs}`: every thread is in them, told apart by the label
 * `thread`. Each worker is added by `addWorker`, and answers for its heap once it has called `attachSelfProfiler`.
 *
 *   main thread ── worker.startCpuProfile ──▶ interrupts the worker, also one that computes
 *               ── port: heap ─────────────▶ answered between two tasks of the worker
 *               ◀───────── port: leaving ──  a worker about to end lets its CPU profiles be taken first
 *
 * CPU profiles do not exclude each other: each request has a profiler of its own, up to four at once. A worker that starts
 * meanwhile joins them. A thread that ends without leaving, or does not answer in time, is left out, and a comment in the
 * profile names it.
 */
import v8 from 'node:v8'
import type { MessagePort, Worker } from 'node:worker_threads'
import { RequestError } from '../base/errors.ts'
import type { Clock } from '../base/ports.ts'
import { type AllocationWindow, HEAP_INTERVAL, type HeapSampler, startHeapSampler } from './heap-sampler.ts'
import { type CpuProfile, cpuSamples, encodePprof, type StackSample, type ThreadSamples } from './v8-pprof.ts'

export interface SelfProfiler {
  /** CPU over `seconds` (30 when null, at most 600). Aborting ends it at once and rejects. */
  cpu(seconds: number | null, signal: AbortSignal): Promise<Uint8Array>
  /** Memory in use. */
  heap(): Promise<Uint8Array>
  /** Memory allocated within `seconds` (1 when null, at most 600), collected since or not. */
  allocs(seconds: number | null, signal: AbortSignal): Promise<Uint8Array>
  /** From now until it exits `worker` is part of every profile. `port` is the other end of the one it attached. */
  addWorker(name: string, worker: Worker, port: MessagePort): void
}

/** To a worker. `windowMs` 0 = what is in use. */
type Request = { readonly kind: 'heap'; readonly id: number; readonly windowMs: number } | { readonly kind: 'left' }

/** From a worker. */
type Answer =
  | { readonly kind: 'heap'; readonly id: number; readonly window: AllocationWindow }
  | { readonly kind: 'leaving' }

interface WorkerThread {
  readonly name: string
  readonly worker: Worker
  readonly port: MessagePort
  readonly waiting: Map<number, (answer: AllocationWindow) => void>
  /** When it begins to run; before that it cannot be profiled. */
  readonly online: Promise<void>
  readonly exited: Promise<null>
}

/** One CPU profile being taken. */
interface CpuSession {
  readonly handles: Map<WorkerThread, { stop(): Promise<CpuResult> }>
  /** Of workers that left. */
  readonly taken: Promise<CpuResult>[]
}

/** Costs 1 % of a core in an idle thread, and finds something in one that is nearly idle. */
const PERIOD_MS = 5
const PERIOD_NANOS = PERIOD_MS * 1e6
const MOST_AT_ONCE = 4
const LONGEST_SECONDS = 600
/** A worker in the middle of a task answers after it; longer than this nobody waits. */
const ANSWER_MS = 2000

const ROOT = new URL('../../', import.meta.url).href

export function createSelfProfiler(clock: Clock): SelfProfiler {
  const heapSampler = startHeapSampler()
  followCode()
  const workers = new Set<WorkerThread>()
  const sessions = new Set<CpuSession>()
  let requests = 0

  async function cpu(seconds: number | null, signal: AbortSignal): Promise<Uint8Array> {
    const ms = windowOf(seconds, 30)
    signal.throwIfAborted()
    if (sessions.size >= MOST_AT_ONCE) {
      const message = `Could not enable CPU profiling: cpu profiling already in use ${sessions.size} times`
      throw new RequestError('internal', message)
    }
    const session: CpuSession = { handles: new Map(), taken: [] }
    sessions.add(session)
    try {
      const startedMs = clock.now()
      const started = clock.monotonic()
      const main = v8.startCpuProfile({ sampleInterval: PERIOD_MS })
      for (const thread of workers) session.handles.set(thread, profileWorker(thread, clock))
      await clock.sleep(ms, signal)
      const mainText = main.stop()
      const durationMs = clock.monotonic() - started
      for (const handle of session.handles.values()) session.taken.push(handle.stop())
      session.handles.clear()
      const results = [{ thread: 'main', text: mainText }, ...(await Promise.all(session.taken))]
      signal.throwIfAborted()
      const threads = results.map(({ thread, text }) => ({
        thread,
        samples: text === null ? [] : cpuSamples(JSON.parse(text) as CpuProfile, PERIOD_NANOS),
      }))
      return await encodePprof(threads, {
        sampleTypes: [
          ['samples', 'count'],
          ['cpu', 'nanoseconds'],
        ],
        periodType: ['cpu', 'nanoseconds'],
        period: PERIOD_NANOS,
        startedMs,
        durationMs,
        comments: missing(results.filter(({ text }) => text === null).map(({ thread }) => thread)),
        root: ROOT,
      })
    } finally {
      sessions.delete(session)
    }
  }

  /** The heap of every thread: what is in use, or what is allocated within `windowMs`. */
  async function heaps(windowMs: number, signal: AbortSignal | null): Promise<HeapResult[]> {
    const id = ++requests
    const main = heapOf(heapSampler, windowMs === 0 ? null : clock.sleep(windowMs, signal ?? undefined))
    const others = [...workers].map(async thread => {
      const answer = Promise.withResolvers<AllocationWindow>()
      thread.waiting.set(id, answer.resolve)
      thread.port.postMessage({ kind: 'heap', id, windowMs } satisfies Request)
      const late = new AbortController()
      const gone = signal === null ? late.signal : AbortSignal.any([late.signal, signal])
      const found = await Promise.race([
        answer.promise,
        thread.exited,
        clock.sleep(windowMs + ANSWER_MS, gone).then(() => null),
      ])
      late.abort()
      thread.waiting.delete(id)
      return { thread: thread.name, found }
    })
    return Promise.all([main.then(found => ({ thread: 'main', found })), ...others])
  }

  async function heap(): Promise<Uint8Array> {
    const startedMs = clock.now()
    const results = await heaps(0, null)
    return encodePprof(results.map(samplesOf), {
      ...HEAP_OPTIONS,
      sampleTypes: [
        ['inuse_objects', 'count'],
        ['inuse_space', 'bytes'],
      ],
      startedMs,
      durationMs: 0,
      comments: missing(results.filter(({ found }) => found === null).map(({ thread }) => thread)),
    })
  }

  async function allocs(seconds: number | null, signal: AbortSignal): Promise<Uint8Array> {
    const ms = windowOf(seconds, 1)
    signal.throwIfAborted()
    const startedMs = clock.now()
    const started = clock.monotonic()
    const results = await heaps(ms, signal)
    signal.throwIfAborted()
    const estimated = results.flatMap(({ thread, found }) =>
      found !== null && found.seen < found.taken
        ? [`thread ${thread}: ${found.seen} of ${found.taken} samples seen before they were collected, scaled up`]
        : [],
    )
    return encodePprof(results.map(samplesOf), {
      ...HEAP_OPTIONS,
      sampleTypes: [
        ['alloc_objects', 'count'],
        ['alloc_space', 'bytes'],
      ],
      startedMs,
      durationMs: clock.monotonic() - started,
      comments: [...missing(results.filter(({ found }) => found === null).map(({ thread }) => thread)), ...estimated],
    })
  }

  function addWorker(name: string, worker: Worker, port: MessagePort): void {
    const exited = Promise.withResolvers<null>()
    const waiting: WorkerThread['waiting'] = new Map()
    const online = new Promise<void>(resolve => worker.once('online', resolve))
    const thread: WorkerThread = { name, worker, port, waiting, online, exited: exited.promise }
    port.on('message', (answer: Answer) => {
      if (answer.kind === 'heap') waiting.get(answer.id)?.(answer.window)
      else void leave(thread)
    })
    port.unref()
    worker.once('exit', () => {
      workers.delete(thread)
      port.close()
      exited.resolve(null)
    })
    workers.add(thread)
    for (const session of sessions) session.handles.set(thread, profileWorker(thread, clock))
  }

  async function leave(thread: WorkerThread): Promise<void> {
    workers.delete(thread)
    const stopping: Promise<CpuResult>[] = []
    for (const { handles, taken } of sessions) {
      const handle = handles.get(thread)
      if (handle === undefined) continue
      handles.delete(thread)
      const stopped = handle.stop()
      taken.push(stopped)
      stopping.push(stopped)
    }
    await Promise.all(stopping)
    thread.port.postMessage({ kind: 'left' } satisfies Request)
  }

  return { cpu, heap, allocs, addWorker }
}

/**
 * In a worker: starts its heap profiler and answers for it on `port`. The port does not keep the worker alive. A worker that
 * ends by itself calls what is returned before, so that what it did is in the CPU profiles of the time.
 */
export function attachSelfProfiler(port: MessagePort): () => Promise<void> {
  const sampler = startHeapSampler()
  followCode()
  const left = Promise.withResolvers<void>()
  port.on('message', (request: Request) => {
    if (request.kind === 'left') return left.resolve()
    const { id, windowMs } = request
    const ended = windowMs === 0 ? null : new Promise(resolve => setTimeout(resolve, windowMs).unref())
    void heapOf(sampler, ended).then(window => port.postMessage({ kind: 'heap', id, window } satisfies Answer))
  })
  port.unref()
  return async () => {
    port.ref()
    port.postMessage({ kind: 'leaving' } satisfies Answer)
    await left.promise
    port.unref()
  }
}

let codeFollowed = false

/**
 * Starts a CPU profile of this thread that takes no samples and never ends. While one is on, V8 keeps the addresses of what
 * it compiles, inlined functions included: a profile then starts in 0.2 ms instead of the 10 it takes to list all code, and
 * names loops that were optimized before it began.
 */
function followCode(): void {
  if (!codeFollowed) v8.startCpuProfile({ sampleInterval: 1e6, maxBufferSize: 1 })
  codeFollowed = true
}

const HEAP_OPTIONS = { periodType: ['space', 'bytes'], period: HEAP_INTERVAL, root: ROOT } as const

interface CpuResult {
  readonly thread: string
  /** Null when the thread ended or did not answer. */
  readonly text: string | null
}

interface HeapResult {
  readonly thread: string
  readonly found: AllocationWindow | null
}

/** A CPU profile of a worker that may end, or be terminated, at any moment. */
function profileWorker(thread: WorkerThread, clock: Clock): { stop(): Promise<CpuResult> } {
  const start = () => thread.worker.startCpuProfile({ sampleInterval: PERIOD_MS })
  const starting = start().catch(() => thread.online.then(start).catch(() => null))
  return {
    async stop() {
      const late = new AbortController()
      const stopping = starting.then(handle => handle?.stop() ?? null).catch(() => null)
      const expired = clock.sleep(ANSWER_MS, late.signal).then(() => null)
      const text = await Promise.race([stopping, thread.exited, expired])
      late.abort()
      return { thread: thread.name, text }
    },
  }
}

async function heapOf(sampler: HeapSampler, ended: Promise<unknown> | null): Promise<AllocationWindow> {
  if (ended !== null) return sampler.allocations(ended)
  return { samples: sampler.inUse(), taken: 0, seen: 0 }
}

function samplesOf({ thread, found }: HeapResult): ThreadSamples {
  const samples: readonly StackSample[] = found?.samples ?? []
  return { thread, samples }
}

function missing(threads: readonly string[]): string[] {
  return threads.map(thread => `thread ${thread} ended or did not answer: it is not in this profile`)
}

function windowOf(seconds: number | null, byDefault: number): number {
  const value = seconds ?? byDefault
  if (!(value > 0 && value <= LONGEST_SECONDS))
    throw new RequestError('invalid_argument', `seconds must be above 0 and at most ${LONGEST_SECONDS}, not ${value}`)
  return value * 1000
}
