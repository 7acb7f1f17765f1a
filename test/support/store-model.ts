/**
 * A store over a simulated disk, and the dumb model of what is in it: one text a profile and stack. Blocks are files of
 * such texts, written with the care the real writer takes, so that a crash can cost them what it can cost a real one.
 */
import { createHead, type Head, type HeadCounts, viewHead } from '../../frostdb/head/head.ts'
import { headSource } from '../../frostdb/scan/head-source.ts'
import { type FlushJob, openStore, type Store, type StoreOptions } from '../../frostdb/store.ts'
import type { Clock, Disk, Log } from '../../pkg/base/ports.ts'
import type { LocationModel, WriteModel } from './profile-write.ts'
import type { Random } from './random.ts'
import type { SimDisk } from './sim-disk.ts'
import { contentText } from './source-text.ts'

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

export interface SimStoreOptions extends Partial<StoreOptions> {
  readonly sim: SimDisk
  readonly clock: Clock
  readonly random: Random
  readonly storagePath: string
}

export function openSimStore(options: SimStoreOptions): Promise<Store> {
  const { sim, ...rest } = options
  const { disk } = sim
  return openStore({
    disk,
    log: silentLog,
    walSync: 'always',
    walSegmentBytes: 2000,
    activeMemory: 2 ** 30,
    blockDurationMs: 2 ** 40,
    minFreeBytes: 1000,
    keepAddresses: false,
    flushHead: job => writeTextBlock(disk, job),
    ...rest,
  })
}

async function writeTextBlock(disk: Disk, { view, ulid, directory }: FlushJob) {
  const folder = `${directory}.tmp`
  await disk.remove(folder)
  await disk.makeDir(folder)
  const file = await disk.openAppend(`${folder}/rows`, { exclusive: true })
  await file.append([Buffer.from(JSON.stringify(contentText([headSource(view, new Map())])))])
  await file.datasync()
  await file.close()
  await disk.syncDir(folder)
  await disk.rename(folder, directory)
  await disk.syncDir(directory.slice(0, directory.lastIndexOf('/')))
  return {
    ulid,
    minTime: view.minMs,
    maxTime: view.maxMs,
    level: 0,
    rows: view.samples.length,
    profiles: view.profiles.length,
    bytes: 1,
  }
}

/** What a query of everything would see, sorted; a row that is there twice stands there twice. */
export function seenBy(store: Store, sim: SimDisk): string[] {
  const { blocks, heads } = store.snapshot()
  const out = heads.flatMap(view => contentText([headSource(view, new Map())]))
  for (const { directory } of blocks) {
    const bytes = sim.files.get(`${directory}/rows`)
    if (bytes === undefined) throw new Error(`the block ${directory} is gone`)
    out.push(...(JSON.parse(Buffer.from(bytes).toString()) as string[]))
  }
  return out.sort()
}

/** By profile, what a store should say of its stacks: a dumb reading of what was written. */
export function modelOf(writes: readonly WriteModel[]): Map<string, Map<string, bigint>> {
  const out = new Map<string, Map<string, bigint>>()
  for (const write of writes) {
    for (const { labels, samples } of write.series) {
      const set = Object.entries(labels)
        .filter(([, value]) => value !== '')
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        .join(',')
      write.types.forEach((type, v) => {
        const key = `${type}{${set}} ${write.timeNanos}+${write.durationNanos ?? 0n} /${write.period ?? 0n}`
        const sums = out.get(key) ?? new Map<string, bigint>()
        out.set(key, sums)
        write.samples.forEach(({ stack, values }, i) => {
          if (samples !== undefined && !samples.includes(i)) return
          const text = stack.flatMap(frameTexts).join(' < ')
          sums.set(text, (sums.get(text) ?? 0n) + values[v]!)
        })
      })
    }
  }
  for (const sums of out.values()) for (const [text, sum] of sums) if (sum === 0n) sums.delete(text)
  return out
}

function frameTexts({ lines, address = 0n, buildId = '' }: LocationModel): string[] {
  const at = address === 0n ? '' : ` 0x${address.toString(16)}`
  if (lines.length === 0) return [`@:0 ${buildId}${at}`]
  return lines.map(({ function: name, systemName = name, file = '', line = 0 }, i) => {
    const inlined = i < lines.length - 1 ? '~' : ''
    const system = systemName === name ? '' : `(${systemName})`
    return `${inlined}${name}${system}@${file}:${line} ${buildId}${name === '' ? at : ''}`
  })
}

/** The lines that `seenBy` has of a write. */
export const textsOf = (write: WriteModel): string[] =>
  [...modelOf([write])]
    .flatMap(([key, sums]) => [
      `${key} = ${[...sums.values()].reduce((a, b) => a + b, 0n)}`,
      ...[...sums].map(([text, sum]) => `${key} | ${text} = ${sum}`),
    ])
    .sort()

/** The texts of a head, as far as the counts go. */
export const headTexts = (head: Head, counts: HeadCounts): string[] =>
  contentText([headSource(viewHead(head, counts), new Map())])

export const emptyHead = (generation = 1): Head => createHead(generation, { keepAddresses: false })
