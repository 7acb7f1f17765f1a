/**
 * The store of one tenant: a head that takes writes, sealed heads on their way to a block, and blocks.
 *
 *   write ─▶ head (memory) ─▶ log (fdatasync) ─▶ published, acknowledged
 *                  seal ─▶ block files ─▶ manifest edit ─▶ log segments removed
 *
 * Invariants: what is published is in the log; what the manifest names is on disk; every row is, for readers, in exactly
 * one place, as the sealed head leaves the version in the same turn its block enters it.
 */
import { RequestError } from '../pkg/base/errors.ts'
import type { Clock, Disk, Log, Random } from '../pkg/base/ports.ts'
import { ulid } from '../pkg/base/ulid.ts'
import { createWriter, type VarintWriter } from '../pkg/base/varint.ts'
import type { Mended } from './block/mend.ts'
import {
  type AppendedGroup,
  appendWrites,
  createHead,
  type Head,
  type HeadCounts,
  type HeadView,
  headBytes,
  headCounts,
  viewHead,
} from './head/head.ts'
import { takeLock } from './lock.ts'
import { type BlockEntry, type Manifest, openManifest } from './manifest.ts'
import type { Snapshot } from './scan/snapshot.ts'
import { encodeRecord, type Repeat } from './wal/record.ts'
import { replayWal } from './wal/replay.ts'
import { createWal, type Wal, type WalSync } from './wal/wal.ts'
import type { ProfileWrite, Writer } from './writer.ts'

export interface StoreOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly storagePath: string
  readonly walSync: WalSync
  readonly walSegmentBytes: number
  readonly activeMemory: number // bytes
  readonly blockDurationMs: number
  readonly minFreeBytes: number
  readonly keepAddresses: boolean
  /** Writes the block's files into `directory` (made, synced and renamed into place by it). In a worker, when wired. */
  flushHead(job: FlushJob): Promise<BlockEntry>
  /** Makes the indexes of blocks again that are missing or damaged, and tells of them. In a worker, when wired. */
  mendIndexes?(blocks: Snapshot['blocks']): Promise<readonly Mended[]>
  replayProgress?(done: { readonly segments: number; readonly of: number }): void
}

export interface FlushJob {
  readonly view: HeadView
  readonly ulid: string
  /** The folder of the block, not there yet. */
  readonly directory: string
}

export interface Store extends Writer {
  snapshot(): Snapshot
  /** Everything written before the call is in blocks when it resolves, with the blocks it took. */
  flush(): Promise<{ readonly blocks: readonly string[] }>
  /** Refuses new work, syncs the log, gives the lock back. Safe to call twice. */
  close(): Promise<void>
  readonly status: StoreStatus
}

export interface StoreStatus {
  readonly headSeries: number
  readonly headProfiles: number
  readonly headSamples: number
  readonly headBytes: number
  readonly blocks: readonly BlockEntry[]
  readonly wal: Wal['stats']
  readonly writable: boolean
  readonly repeated: number
  /** Label sets stored without the labels of their samples, as a head had too many series. */
  readonly demoted: number
  readonly flushes: number
  readonly flushFailures: number
  readonly replay: {
    readonly tookMs: number
    readonly bytes: number
    readonly records: number
    readonly damaged: number
    readonly lostProfiles: number
  }
}

interface Member {
  readonly head: Head
  /** Number of its first log segment, once that is durable with all that makes those before it dispensable. */
  readonly firstSegment: Promise<number>
  readonly createdMs: number
  published: HeadCounts
  /** What the log has been given, durable or not. */
  logged: HeadCounts
  /** Its block, from when the files are there: a manifest edit that fails is made again, not the block. */
  block: BlockEntry | null
}

const REPEAT_WINDOW_MS = 10 * 60_000
const RETRY_MS = 1000
/** Records are encoded into buffers that are used again once they are in the log. */
const LOG_BUFFER_BYTES = 1 << 16
const MOST_BUFFER_BYTES = 1 << 20

const foldersOf = (storagePath: string) => {
  const tenant = `${storagePath}/tenants/default`
  return { tenant, blocksDirectory: `${tenant}/blocks`, walDirectory: `${storagePath}/wal` }
}

export async function openStore(options: StoreOptions): Promise<Store> {
  const { disk, storagePath } = options
  const { blocksDirectory, walDirectory } = foldersOf(storagePath)
  try {
    await disk.makeDir(blocksDirectory)
    await disk.makeDir(walDirectory)
  } catch (error) {
    throw new Error(`--storage-path ${storagePath}: no folder can be made there: ${(error as Error).message}`, {
      cause: error,
    })
  }
  const unlock = takeLock(storagePath)
  try {
    return await openLocked(options, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

async function openLocked(options: StoreOptions, unlock: () => void): Promise<Store> {
  const { disk, clock, log, storagePath } = options
  const { tenant, blocksDirectory, walDirectory } = foldersOf(storagePath)
  const started = clock.monotonic()
  const manifest = await openManifest(disk, tenant)
  await removeStrays(disk, blocksDirectory, manifest)
  const replay = await replayWal({
    disk,
    log,
    directory: walDirectory,
    from: manifest.walFrom,
    keepAddresses: options.keepAddresses,
    ...(options.replayProgress === undefined ? {} : { progress: options.replayProgress }),
  })
  const tookMs = clock.monotonic() - started
  if (replay.segments > 0) {
    log.info('log replayed', {
      took_ms: Math.round(tookMs),
      segments: replay.segments,
      bytes: replay.bytes,
      records: replay.records,
      damaged: replay.damaged,
      lost_profiles: replay.lostProfiles,
    })
  }
  const recent = createRecent(replay.repeats)
  const wal = createWal({
    disk,
    clock,
    directory: walDirectory,
    sync: options.walSync,
    segmentBytes: options.walSegmentBytes,
    nextNumber: replay.nextSegment,
  })

  const member = (head: Head, firstSegment: Promise<number>): Member => {
    const counts = headCounts(head)
    return { head, firstSegment, createdMs: clock.now(), published: counts, logged: counts, block: null }
  }
  /** Oldest first; the last takes writes, the others wait to become blocks. */
  const members: Member[] = []
  for (const [i, { head, firstSegment }] of replay.heads.entries()) {
    const last = i === replay.heads.length - 1
    if (head.rows.series.length > 0 || last) members.push(member(head, Promise.resolve(firstSegment)))
  }
  if (members.length === 0) {
    const firstSegment = wal.begin(1)
    members.push(member(createHead(1, options), firstSegment))
    await firstSegment
  } else {
    await wal.begin(members.at(-1)!.head.generation)
    await remember(members.at(-1)!)
  }

  const closing = new AbortController()
  let writable = true
  /** Why not, while it is not. */
  let why = ''
  let failing: Promise<void> | null = null
  let flushing: Promise<void> = Promise.resolve()
  let sealing: Promise<void> | null = null
  const counters = { repeated: 0, demoted: 0, flushes: 0, flushFailures: 0 }
  const logBuffers: VarintWriter[] = []

  const active = (): Member => members.at(-1)!
  /** Never used twice: records of two heads must not meet in one chain, even those that were refused. */
  let generation = active().head.generation

  async function write(writes: Iterable<ProfileWrite>): Promise<{ repeated: number }> {
    if (closing.signal.aborted) throw new RequestError('unavailable', 'the store is closing')
    if (!writable)
      throw new RequestError('resource_exhausted', `the log takes no writes now, the disk is full or failing: ${why}`)
    const now = clock.now()
    const repeats: Repeat[] = []
    const earlier: Promise<void>[] = []
    const seen = new Set<string>()
    let twice = 0
    function* fresh(): Generator<ProfileWrite> {
      for (const one of writes) {
        const { repeatKey: key } = one
        const known = key === null ? undefined : recent.get(key, now)
        if (known !== undefined) earlier.push(known)
        else if (key !== null && seen.has(key)) twice++
        else {
          if (key !== null) {
            seen.add(key)
            repeats.push({ key, atMs: now })
          }
          yield one
        }
      }
    }
    const target = active()
    const before = target.head.demoted
    let groups: AppendedGroup[]
    try {
      groups = appendWrites(target.head, fresh())
    } catch (error) {
      sealWhenLarge(target) // names that a refused request brought stay until then
      throw error
    }
    if (before === 0 && target.head.demoted > 0) {
      log.warn('the head has too many series: the labels of samples make no new ones until it is a block', {
        series: headCounts(target.head).series,
      })
    }
    counters.demoted += target.head.demoted - before
    if (groups.length > 0) {
      const buffer = logBuffers.pop() ?? createWriter(LOG_BUFFER_BYTES)
      const payload = encodeRecord(target.head, target.logged, groups, repeats, buffer)
      const counts = headCounts(target.head)
      target.logged = counts
      const durable = wal
        .append(target.head.generation, payload)
        .finally(() => {
          if (buffer.bytes.length <= MOST_BUFFER_BYTES) logBuffers.push(buffer)
        })
        .then(
          () => {
            target.published = counts
          },
          error => {
            for (const { key } of repeats) recent.forget(key)
            failWrites(error)
            throw new RequestError('resource_exhausted', `the log could not be written: ${(error as Error).message}`, {
              cause: error,
            })
          },
        )
      durable.catch(() => undefined) // a repeat may be the only one to wait for it
      for (const repeat of repeats) recent.add(repeat, durable)
      await durable
      sealWhenLarge(target)
    }
    await Promise.all(earlier)
    counters.repeated += earlier.length + twice
    return { repeated: earlier.length + twice }
  }

  /** After a failed log write: nothing is taken until a new segment can be made, with a new head. */
  function failWrites(error: unknown): void {
    if (failing !== null) return
    writable = false
    why = (error as Error).message
    log.error('log write failed, writes are refused until the disk takes them again', {
      error: (error as Error).message,
    })
    failing = (async () => {
      while (!closing.signal.aborted) {
        try {
          await startHead()
          writable = true
          log.info('log takes writes again')
          flushSealed().catch(unflushed)
          return
        } catch (again) {
          why = (again as Error).message
          await clock.sleep(RETRY_MS, closing.signal)
        }
      }
    })().finally(() => {
      failing = null
    })
  }

  /**
   * The next head, with a segment of its own. Head and segment change in one turn: a record taken after it is in the new
   * segment, one taken before in the old.
   */
  async function startHead(): Promise<void> {
    if ((await disk.freeBytes(storagePath)) < options.minFreeBytes) throw lowSpace()
    const head = createHead(++generation, options)
    const begun = wal.begin(generation)
    const fresh = member(
      head,
      begun.then(async number => {
        await remember(fresh)
        return number
      }),
    )
    members.push(fresh)
    try {
      await fresh.firstSegment
    } catch (error) {
      members.splice(members.indexOf(fresh), 1)
      throw error
    }
  }

  /**
   * A segment begins with what must be known of repeats, as the segments before it go when their head is a block. Said
   * when it is open and no sooner: only then is it known which of the writes before it were refused.
   */
  async function remember(one: Member): Promise<void> {
    const payload = encodeRecord(one.head, one.logged, [], recent.all(clock.now()))
    one.logged = headCounts(one.head)
    await wal.append(one.head.generation, payload, { durable: true })
  }

  const lowSpace = (): Error => new Error(`free space is below --storage-min-free-bytes (${options.minFreeBytes})`)

  const isLarge = ({ head }: Member): boolean => headBytes(head) >= options.activeMemory

  function sealWhenLarge(member: Member): void {
    if (isLarge(member) && member === active()) void seal().then(flushSealed).catch(unflushed)
  }

  /** Closes the active head to writes: what comes next goes to a new one. */
  function seal(): Promise<void> {
    sealing ??= (async () => {
      if ((active().published.profiles > 0 || isLarge(active())) && writable) await startHead()
    })().finally(() => {
      sealing = null
    })
    return sealing
  }

  /** Makes blocks of the sealed heads, oldest first. */
  function flushSealed(): Promise<string[]> {
    const made: string[] = []
    const turn = flushing.then(async () => {
      while (members.length > 1 && !closing.signal.aborted) {
        const [sealed, next] = members as [Member, Member]
        const walFrom = await next.firstSegment
        if (sealed.published.profiles > 0) sealed.block ??= await makeBlock(sealed)
        const entry = sealed.block
        // Head and block change places in one turn, or a query between the two would count the rows twice.
        await manifest.edit({ add: entry === null ? [] : [entry], remove: [], walFrom }, () => members.shift())
        counters.flushes++
        if (entry !== null) made.push(entry.ulid)
        for (let number = await sealed.firstSegment; number < walFrom; number++) {
          await disk.remove(`${walDirectory}/${String(number).padStart(8, '0')}.seg`)
        }
      }
    })
    flushing = turn.catch(error => {
      counters.flushFailures++
      log.error('flush failed, the log keeps the data', { error: (error as Error).message })
    })
    return turn.then(() => made)
  }

  /** Whoever does not wait for a flush: it was logged, and is due again. */
  const unflushed = (): void => {}

  async function makeBlock(sealed: Member): Promise<BlockEntry> {
    const started = clock.monotonic()
    const name = ulid(clock.now(), options.random)
    const entry = await options.flushHead({
      view: viewHead(sealed.head, sealed.published),
      ulid: name,
      directory: `${blocksDirectory}/${name}`,
    })
    log.info('block written', {
      block: name,
      rows: entry.rows,
      profiles: entry.profiles,
      bytes: entry.bytes,
      took_ms: Math.round(clock.monotonic() - started),
    })
    return entry
  }

  async function flush(): Promise<{ blocks: string[] }> {
    await sealing?.catch(unflushed) // it may have begun before the last write
    await seal()
    if (!writable && active().published.profiles > 0)
      throw new RequestError('unavailable', `no block can be made now, the disk is full or failing: ${why}`)
    return { blocks: await flushSealed() }
  }

  async function flushInTurn(): Promise<void> {
    while (!closing.signal.aborted) {
      await clock.sleep(1000, closing.signal)
      const free = await disk.freeBytes(storagePath).catch(() => Number.POSITIVE_INFINITY)
      if (writable && free < options.minFreeBytes) failWrites(lowSpace())
      const due =
        members.length > 1 ||
        (active().published.profiles > 0 && clock.now() - active().createdMs >= options.blockDurationMs)
      if (due && !closing.signal.aborted) {
        await flush().catch(async () => {
          await clock.sleep(10 * RETRY_MS, closing.signal)
        })
      }
    }
  }
  void flushInTurn()

  const openBlocks = (): Snapshot['blocks'] =>
    manifest.blocks.map(({ ulid, minTime, maxTime }) => ({
      ulid,
      directory: `${blocksDirectory}/${ulid}`,
      minTime,
      maxTime,
    }))

  /** Beside all else: until it is mended, a query of such a block fails and says so. */
  async function mend(): Promise<void> {
    if (manifest.blocks.length === 0) return
    for (const { block, fault, error, profiles, lost } of (await options.mendIndexes?.(openBlocks())) ?? []) {
      if (error === null) log.warn('the index of a block was made again', { block, fault, profiles, lost })
      else log.error('the index of a block cannot be made again', { block, fault, error })
    }
  }
  mend().catch(error => log.error('indexes could not be looked through', { error: (error as Error).message }))

  let closed: Promise<void> | null = null
  return {
    write,
    flush,
    snapshot: () => ({
      blocks: openBlocks(),
      heads: members.filter(m => m.published.profiles > 0).map(m => viewHead(m.head, m.published)),
    }),
    get status() {
      const { head, published } = active()
      return {
        headSeries: published.series,
        headProfiles: published.profiles,
        headSamples: published.samples,
        headBytes: headBytes(head),
        blocks: manifest.blocks,
        wal: wal.stats,
        writable,
        ...counters,
        replay: {
          tookMs,
          bytes: replay.bytes,
          records: replay.records,
          damaged: replay.damaged,
          lostProfiles: replay.lostProfiles,
        },
      }
    },
    close() {
      closed ??= (async () => {
        closing.abort()
        await failing
        try {
          await wal.close()
        } finally {
          await flushing
          await manifest.close()
          unlock()
        }
      })()
      return closed
    },
  }
}

/** Folders that no manifest edit names: a flush that did not get so far. */
async function removeStrays(disk: Disk, directory: string, manifest: Manifest): Promise<void> {
  const named = new Set(manifest.blocks.map(b => b.ulid))
  for (const name of await disk.list(directory)) if (!named.has(name)) await disk.remove(`${directory}/${name}`)
}

/** Keys of the last ten minutes' profiles, each with the promise of its durability. */
function createRecent(replayed: readonly Repeat[]) {
  const keys = new Map<string, { readonly atMs: number; readonly durable: Promise<void> }>()
  const done = Promise.resolve()
  for (const { key, atMs } of replayed) keys.set(key, { atMs, durable: done })
  const prune = (now: number): void => {
    for (const [key, { atMs }] of keys) {
      if (now - atMs <= REPEAT_WINDOW_MS) return // insertion order is time order
      keys.delete(key)
    }
  }
  return {
    get(key: string, now: number): Promise<void> | undefined {
      prune(now)
      return keys.get(key)?.durable
    },
    add: ({ key, atMs }: Repeat, durable: Promise<void>): void => {
      keys.set(key, { atMs, durable })
    },
    forget: (key: string): void => {
      keys.delete(key)
    },
    all(now: number): Repeat[] {
      prune(now)
      return [...keys].map(([key, { atMs }]) => ({ key, atMs }))
    },
  }
}
