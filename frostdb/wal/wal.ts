/**
 * The write-ahead log: records in, durable when the promise resolves.
 *
 * Group commit: one write and one fdatasync are under way at a time; whatever is appended meanwhile is the next group.
 * After a failed write or sync the segment is never written again (a second fdatasync of the same file may lie): all
 * that waits is rejected, and nothing is taken until `begin` opens a new segment, whose header says up to where the
 * failed one counts. As records lean on those before them, no generation goes on after one of its records was rejected:
 * the next `begin` must be for a new one.
 */
import type { Clock, Disk, DiskFile } from '../../pkg/base/ports.ts'
import {
  encodeRecordFrame,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentName,
} from './segment.ts'

/**
 * `interval`: acknowledged after the write, synced each second. `off`: synced by the system when it likes. Either way a
 * segment is synced when it is left.
 */
export type WalSync = 'always' | 'interval' | 'off'

export interface WalOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly directory: string
  readonly sync: WalSync
  /** A segment that is longer is closed and the next opened. */
  readonly segmentBytes: number
  /** The first segment made gets this number. */
  readonly nextNumber: number
}

export interface Wal {
  /** Opens a new segment for a generation, after all that was appended before. Resolves with its number once it is durable. */
  begin(generation: number): Promise<number>
  /** Rejects unless the open segment is of this generation: `begin` may have failed, or another come between. */
  append(generation: number, payload: Uint8Array, options?: AppendOptions): Promise<void>
  /** Waits for what was appended, syncs and closes. */
  close(): Promise<void>
  readonly stats: WalStats
}

export interface AppendOptions {
  /** Durable when it resolves, whatever `sync` says. */
  readonly durable?: boolean
}

export interface WalStats {
  records: number
  syncs: number
  bytes: number
  failures: number
}

type Item =
  | {
      readonly kind: 'record'
      readonly generation: number
      readonly payload: Uint8Array
      readonly durable: boolean
      resolve(): void
      reject(error: unknown): void
    }
  | { readonly kind: 'begin'; readonly generation: number; resolve(number: number): void; reject(error: unknown): void }

type LogRecord = Extract<Item, { kind: 'record' }>

interface Segment {
  readonly file: DiskFile
  readonly generation: number
  readonly number: number
  /** Up to here it is acknowledged. */
  bytes: number
}

const SYNC_INTERVAL_MS = 1000

export function createWal(options: WalOptions): Wal {
  const { disk, clock, directory } = options
  const stats: WalStats = { records: 0, syncs: 0, bytes: 0, failures: 0 }
  const closing = new AbortController()
  let queue: Item[] = []
  let running: Promise<void> | null = null
  let segment: Segment | null = null
  let previous: SegmentHeader['previous'] = null
  let nextNumber = options.nextNumber

  const enqueue = <T>(make: (resolve: (value: T) => void, reject: (error: unknown) => void) => Item): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (closing.signal.aborted) throw new Error('the log is closed')
      queue.push(make(resolve, reject))
      running ??= commitLoop()
    })

  async function commitLoop(): Promise<void> {
    await null // let what is appended in this turn join the first group
    while (queue.length > 0) {
      const first = queue[0]!
      if (first.kind === 'begin') {
        queue.shift()
        await openSegment(first.generation).then(
          opened => first.resolve(opened.number),
          async error => {
            await leaveSegment()
            first.reject(error)
          },
        )
        continue
      }
      const end = queue.findIndex(item => item.kind === 'begin')
      const group = (end < 0 ? queue : queue.slice(0, end)) as LogRecord[]
      queue = end < 0 ? [] : queue.slice(end)
      try {
        await commit(group)
        for (const item of group) item.resolve()
      } catch (error) {
        stats.failures++
        await leaveSegment()
        const waiting = queue.filter(item => item.kind === 'record')
        queue = queue.filter(item => item.kind === 'begin')
        for (const item of [...group, ...waiting]) item.reject(error)
      }
    }
    running = null // in the turn that found the queue empty, or what comes in the next would wait for ever
  }

  async function commit(group: readonly LogRecord[]): Promise<void> {
    const full = segment
    if (full === null || group.some(({ generation }) => generation !== full.generation))
      throw new Error('the log has no open segment')
    const open = full.bytes < options.segmentBytes ? full : await openSegment(full.generation)
    const chunks: Uint8Array[] = []
    let bytes = 0
    for (const { payload } of group) {
      const framed = encodeRecordFrame(payload)
      chunks.push(...framed)
      bytes += framed[0].length + framed[1].length
    }
    await open.file.append(chunks)
    if (group.some(item => item.durable)) {
      await open.file.datasync()
      stats.syncs++
    }
    if (segment !== open) throw new Error('the log could not be synced')
    open.bytes += bytes
    stats.bytes += bytes
    stats.records += group.length
  }

  async function openSegment(generation: number): Promise<Segment> {
    if (segment !== null) {
      const { file } = segment
      await file.datasync()
      await leaveSegment()
    }
    const number = nextNumber++
    const path = `${directory}/${segmentName(number)}`
    const file = await disk.openAppend(path, { exclusive: true })
    try {
      await file.append([encodeSegmentHeader({ generation, number, previous })])
      await file.datasync()
      await disk.syncDir(directory)
    } catch (error) {
      await file.close().catch(() => undefined)
      await disk.remove(path).catch(() => undefined)
      throw error
    }
    segment = { file, generation, number, bytes: SEGMENT_HEADER_BYTES }
    return segment
  }

  async function leaveSegment(): Promise<void> {
    if (segment === null) return
    const { file, number, bytes } = segment
    segment = null
    previous = { number, bytes }
    // What was acknowledged before its sync gets one where that is still to be had.
    if (options.sync !== 'always') await file.datasync().catch(() => undefined)
    await file.close().catch(() => undefined)
  }

  async function syncInTurn(): Promise<void> {
    while (!closing.signal.aborted) {
      await clock.sleep(SYNC_INTERVAL_MS, closing.signal)
      const open = segment
      // Of a failed sync the next append hears, which finds no segment.
      await open?.file.datasync().then(
        () => stats.syncs++,
        () => (segment === open ? leaveSegment() : undefined),
      )
    }
  }
  if (options.sync === 'interval') void syncInTurn()

  return {
    stats,
    begin: generation => enqueue<number>((resolve, reject) => ({ kind: 'begin', generation, resolve, reject })),
    append: (generation, payload, { durable = options.sync === 'always' } = {}) =>
      enqueue<void>((resolve, reject) => ({
        kind: 'record',
        generation,
        payload,
        durable,
        resolve: () => resolve(),
        reject,
      })),
    async close() {
      closing.abort()
      await running
      if (segment === null) return
      const { file } = segment
      segment = null
      await file.datasync().finally(() => file.close())
    },
  }
}
