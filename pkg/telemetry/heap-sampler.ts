/**
 * The sampling heap profiler of one thread, running from the start: about one sample per 433 KiB allocated, each living as
 * long as its object does.
 *
 * V8 has one such profiler per isolate. It is started through `node:v8`, because one started by the inspector collects all
 * garbage whenever it is read (50 ms for 180 MB), and read through the inspector, because `node:v8` can only read by ending it.
 * The inspector is told to start it too, which finds it running and makes the session its owner: Node ends the sessions of a
 * thread before its heap, and a profiler that outlives its heap brings the process down (Node 26).
 *
 * Samples are numbered in the order of allocation. So a window of allocations needs no profiler of its own: it is looked at
 * every 20 ms, and numbers that were never seen are samples whose objects came and went between two looks. The seen ones
 * are scaled up to stand for them.
 */
import { Session } from 'node:inspector'
import v8 from 'node:v8'
import type { CallFrame, StackSample } from './v8-pprof.ts'

/**
 * Mean bytes between samples. A small object of s bytes is reported as s · (⌊interval / s⌋ + 1) bytes, which tells s where
 * s divides the interval: this one, 8 · 55,440, is divisible by nearly every size that small objects have.
 */
export const HEAP_INTERVAL = 443_520

const STACK_DEPTH = 128
const LOOK_EVERY_MS = 20

interface HeapNode {
  readonly id: number
  readonly callFrame: CallFrame
  readonly children: readonly HeapNode[]
}

interface HeapProfile {
  readonly head: HeapNode
  readonly samples: readonly { readonly size: number; readonly nodeId: number; readonly ordinal: number }[]
}

export interface AllocationWindow {
  readonly samples: readonly StackSample[]
  /** Samples taken in the window, and how many of them were seen. */
  readonly taken: number
  readonly seen: number
}

export interface HeapSampler {
  /** Objects alive (or not yet collected), as `[objects, bytes]` per stack. */
  inUse(): StackSample[]
  /** What is allocated from now on until `ended` resolves, as `[objects, bytes]` per stack. */
  allocations(ended: Promise<unknown>): Promise<AllocationWindow>
}

let owner: Session | null = null

/** Starts the sampler of this thread, once. */
export function startHeapSampler(): HeapSampler {
  owner ??= start()
  const session = owner
  const read = () => readProfile(session)
  return {
    inUse() {
      const profile = read()
      const stacks = stacksOf(profile.head)
      const sums = new Map<number, [number, number]>()
      for (const { nodeId, size } of profile.samples) add(sums, nodeId, size)
      return [...sums].map(([id, values]) => ({ frames: stacks.get(id) ?? [], line: 0, values }))
    },
    async allocations(ended) {
      const found = new Map<string, { frames: readonly CallFrame[]; values: [number, number] }>()
      let last = newest(read())
      const before = last
      let seen = 0
      const look = () => {
        const profile = read()
        const stacks = stacksOf(profile.head)
        for (const { nodeId, size, ordinal } of profile.samples) {
          if (ordinal <= last) continue
          seen++
          const frames = stacks.get(nodeId) ?? []
          const key = frames.map(f => `${f.functionName} ${f.url}:${f.lineNumber}`).join('\n')
          const entry = found.get(key) ?? { frames, values: [0, 0] }
          found.set(key, entry)
          entry.values[0] += objectsIn(size)
          entry.values[1] += size
        }
        last = newest(profile, last)
      }
      const timer = setInterval(look, LOOK_EVERY_MS)
      timer.unref()
      await ended
      clearInterval(timer)
      look()
      const taken = last - before
      const scale = seen > 0 ? taken / seen : 1
      const samples = [...found.values()].map(({ frames, values }) => ({
        frames,
        line: 0,
        values: values.map(value => Math.round(value * scale)),
      }))
      return { samples, taken, seen }
    },
  }
}

/** How many objects a sample of `bytes` stands for. */
export function objectsIn(bytes: number): number {
  const beyond = bytes - HEAP_INTERVAL
  if (beyond <= 0 || beyond > HEAP_INTERVAL) return 1 // larger than the interval: reported as it is
  for (let size = beyond; size < beyond * 8; size++)
    if (bytes % size === 0 && bytes / size === Math.floor(HEAP_INTERVAL / size) + 1) return bytes / size
  return Math.max(1, Math.round(bytes / beyond))
}

function add(sums: Map<number, [number, number]>, nodeId: number, size: number): void {
  const sum = sums.get(nodeId) ?? [0, 0]
  sums.set(nodeId, sum)
  sum[0] += objectsIn(size)
  sum[1] += size
}

function start(): Session {
  v8.startHeapProfile({ sampleInterval: HEAP_INTERVAL, stackDepth: STACK_DEPTH })
  const session = new Session()
  session.connect()
  session.post('HeapProfiler.startSampling', { samplingInterval: HEAP_INTERVAL })
  return session
}

function readProfile(session: Session): HeapProfile {
  let profile: HeapProfile | null = null
  session.post('HeapProfiler.getSamplingProfile', (error, answer) => {
    if (error === null) profile = answer.profile as unknown as HeapProfile // newer than its type
  })
  if (profile === null) throw new Error('the sampling heap profiler does not run')
  return profile
}

/** Number of the newest sample of `profile`, at least `atLeast`. */
function newest(profile: HeapProfile, atLeast = 0): number {
  let out = atLeast
  for (const { ordinal } of profile.samples) if (ordinal > out) out = ordinal
  return out
}

/** Frames by node id, innermost first, without the root. */
function stacksOf(head: HeapNode): Map<number, readonly CallFrame[]> {
  const stacks = new Map<number, readonly CallFrame[]>([[head.id, []]])
  const open: HeapNode[] = [head]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const frames = stacks.get(node.id)!
    for (const child of node.children) {
      stacks.set(child.id, [child.callFrame, ...frames])
      open.push(child)
    }
  }
  return stacks
}
