/**
 * Writes a block: the folder `<ulid>` with `profiles.parquet`, `stacks.parquet`, `frames.parquet`, `index` and
 * `meta.json`. It is made beside its place and renamed into it once every byte is durable: a block is there whole or
 * not at all. Runs in a worker; file calls are synchronous.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import type { ChunkLayout, ColumnData, ColumnSpec, FileLayout, Runs, Sink } from '../../pkg/parquet/schema.ts'
import { createParquetWriter } from '../../pkg/parquet/write.ts'
import type { FrameColumns, StringColumn } from '../../pkg/profile/frames.ts'
import type { HeadView } from '../head/head.ts'
import type { Series } from '../head/series.ts'
import type { BlockEntry } from '../manifest.ts'
import { encodeIndex, INDEX_FILE, type IndexedChunk, type IndexedRowGroup, int64Of, int64sOf } from './index-file.ts'
import { type BlockOrder, HOUR_MS, type OrderedProfiles, orderHead } from './order.ts'
import { compactFrames } from './symbols.ts'
import { orderTrie } from './trie-order.ts'

export interface WriteBlockOptions {
  readonly ulid: string
  /** The folder of the block, not there yet. */
  readonly directory: string
  readonly serviceLabels: readonly string[]
  readonly version: string
  readonly createdMs: number
  /** Rows after which a row group ends, at a profile. */
  readonly rowGroupRows?: number
}

/** The content of `meta.json`. */
export interface BlockMeta {
  readonly format: 1
  readonly ulid: string
  readonly level: number
  readonly min_time: number // unix ms, of its profiles, both inclusive
  readonly max_time: number
  readonly series: number
  readonly profiles: number
  readonly rows: number
  readonly stacks: number
  readonly frames: number
  readonly created: string
  readonly writer: string
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly crc32: string }>>
}

export const META_FILE = 'meta.json'
const MAX_ROW_GROUP_ROWS = 1 << 20

export function writeHeadBlock(view: HeadView, options: WriteBlockOptions): BlockEntry {
  const order = orderHead(view, options.serviceLabels)
  const trie = orderTrie(view.nodes, order.stackNode)
  const symbols = compactFrames(view.strings, view.frames, trie.frames)
  const folder = `${options.directory}.tmp`
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  const files: Record<string, { bytes: number; crc32: string }> = {}
  try {
    const layout = inFile(folder, 'profiles.parquet', files, sink => writeProfiles(order, sink, options))
    inFile(folder, 'stacks.parquet', files, sink => writeStacks(trie, sink))
    inFile(folder, 'frames.parquet', files, sink => writeFrames(symbols.strings, symbols.frames, sink))
    const nodes = { parent: trie.parent, frame: trie.frame, length: trie.parent.length }
    const { series, profiles } = order
    const rowGroups = indexRowGroups(layout)
    inFile(folder, INDEX_FILE, files, sink =>
      sink(encodeIndex({ ...symbols, nodes, stackNode: trie.stackNode, series, profiles, rowGroups })),
    )
    const [minTime, maxTime] = span(profiles)
    const meta: BlockMeta = {
      format: 1,
      ulid: options.ulid,
      level: 0,
      min_time: minTime,
      max_time: maxTime,
      series: series.length,
      profiles: profiles.length,
      rows: order.rows.length,
      stacks: trie.stackNode.length,
      frames: trie.frames.length,
      created: new Date(options.createdMs).toISOString(),
      writer: options.version,
      files,
    }
    const json = `${JSON.stringify(meta, null, 2)}\n`
    writeFileSync(`${folder}/${META_FILE}`, json, { flush: true })
    syncDirectory(folder)
    renameSync(folder, options.directory)
    syncDirectory(dirname(options.directory))
    const bytes = Object.values(files).reduce((n, f) => n + f.bytes, json.length)
    return { ulid: options.ulid, minTime, maxTime, level: 0, rows: order.rows.length, profiles: profiles.length, bytes }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

function span({ timeMs, length }: OrderedProfiles): [number, number] {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let i = 0; i < length; i++) {
    min = Math.min(min, timeMs[i]!)
    max = Math.max(max, timeMs[i]!)
  }
  return [min, max]
}

/** Writes and syncs one file, noting its length and checksum. */
function inFile<T>(
  folder: string,
  name: string,
  files: Record<string, { bytes: number; crc32: string }>,
  write: (sink: Sink) => T,
): T {
  const fd = openSync(`${folder}/${name}`, 'wx')
  try {
    let bytes = 0
    let crc = 0
    const out = write(chunk => {
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at)
      bytes += chunk.length
      crc = crc32(chunk, crc)
    })
    fsyncSync(fd)
    files[name] = { bytes, crc32: crc.toString(16).padStart(8, '0') }
    return out
  } finally {
    closeSync(fd)
  }
}

export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

const TYPE_COLUMNS = [
  ['name', 'name'],
  ['sample_type', 'sampleType'],
  ['sample_unit', 'sampleUnit'],
  ['period_type', 'periodType'],
  ['period_unit', 'periodUnit'],
] as const

export const LABEL_PREFIX = 'labels.'

function writeProfiles({ series, profiles, rows }: BlockOrder, sink: Sink, options: WriteBlockOptions): FileLayout {
  const labelNames = [...new Set(series.flatMap(s => s.labels.map(l => l.name)))].sort()
  const schema: ColumnSpec[] = [
    ...TYPE_COLUMNS.map(([name]): ColumnSpec => ({ name, type: 'string', statistics: 'chunk' })),
    { name: 'timestamp', type: 'timestamp-millis', statistics: 'page' },
    { name: 'time_nanos', type: 'int64', statistics: 'chunk' },
    { name: 'duration', type: 'int64' },
    { name: 'period', type: 'int64' },
    ...labelNames.map(
      (name): ColumnSpec => ({ name: LABEL_PREFIX + name, type: 'string', nullable: true, statistics: 'chunk' }),
    ),
    { name: 'stack_id', type: 'int32' },
    { name: 'value', type: 'int64', statistics: 'page' },
  ]
  const writer = createParquetWriter(schema, sink, { createdBy: `decima ${options.version}` })
  const typeDictionaries = TYPE_COLUMNS.map(([, part]) => dictionaryOf(series, s => s.type[part]))
  const labelDictionaries = labelNames.map(name =>
    dictionaryOf(series, s => s.labels.find(l => l.name === name)?.value ?? null),
  )
  for (const { from, to } of rowGroups(profiles, options.rowGroupRows ?? MAX_ROW_GROUP_ROWS)) {
    const first = profiles.rowStart[from]!
    const end = profiles.rowStart[to - 1]! + profiles.rowCount[to - 1]!
    const bySeries = (dictionary: SeriesDictionary): ColumnData => ({
      kind: 'runs',
      of: 'string',
      dictionary: dictionary.values,
      runs: runsOf(profiles, from, to, i => dictionary.index[profiles.series[i]!]!),
    })
    const perProfile = (value: (i: number) => bigint, encoding: 'dictionary' | 'delta' = 'dictionary'): ColumnData => {
      const places = new Map<bigint, number>()
      const runs = runsOf(profiles, from, to, i => {
        const v = value(i)
        let place = places.get(v)
        if (place === undefined) places.set(v, (place = places.size))
        return place
      })
      return { kind: 'runs', of: 'int64', dictionary: BigInt64Array.from(places.keys()), runs, encoding }
    }
    writer.rowGroup(end - first, [
      ...typeDictionaries.map(bySeries),
      perProfile(i => BigInt(profiles.timeMs[i]!)),
      perProfile(i => BigInt(profiles.timeMs[i]!) * 1_000_000n + BigInt(profiles.timeRest[i]!)),
      perProfile(i => int64Of(profiles.durationNanos[i]!)),
      perProfile(i => int64Of(profiles.period[i]!)),
      ...labelDictionaries.map(bySeries),
      { kind: 'int32', values: rows.stack.subarray(first, end), encoding: 'delta' },
      { kind: 'int64', values: rows.value.subarray(first, end), encoding: 'auto' },
    ])
  }
  return writer.finish({ 'decima.format': '1' })
}

/** Whole profiles of one hour, up to about a million rows; profiles without rows go with their neighbours. */
function* rowGroups(profiles: OrderedProfiles, maxRows: number): Generator<{ from: number; to: number }> {
  let from = 0
  let rows = 0
  for (let i = 0; i < profiles.length; i++) {
    const hour = Math.floor(profiles.timeMs[i]! / HOUR_MS)
    const newHour = hour !== Math.floor(profiles.timeMs[from]! / HOUR_MS)
    if (i > from && (newHour || rows + profiles.rowCount[i]! > maxRows)) {
      if (rows > 0) yield { from, to: i }
      from = i
      rows = 0
    }
    rows += profiles.rowCount[i]!
  }
  if (rows > 0) yield { from, to: profiles.length }
}

interface SeriesDictionary {
  readonly values: readonly string[]
  readonly index: Int32Array // by series; -1 = null
}

function dictionaryOf(series: readonly Series[], value: (series: Series) => string | null): SeriesDictionary {
  const places = new Map<string, number>()
  const index = Int32Array.from(series, one => {
    const v = value(one)
    if (v === null) return -1
    let place = places.get(v)
    if (place === undefined) places.set(v, (place = places.size))
    return place
  })
  return { values: [...places.keys()], index }
}

/** Rows of profiles [from, to) as runs of equal places. */
function runsOf(profiles: OrderedProfiles, from: number, to: number, placeOf: (profile: number) => number): Runs {
  const index = new Int32Array(to - from)
  const length = new Int32Array(to - from)
  let runs = 0
  for (let i = from; i < to; i++) {
    const rows = profiles.rowCount[i]!
    if (rows === 0) continue
    const place = placeOf(i)
    if (runs > 0 && index[runs - 1] === place) length[runs - 1]! += rows
    else {
      index[runs] = place
      length[runs++] = rows
    }
  }
  return { index: index.subarray(0, runs), length: length.subarray(0, runs) }
}

function writeStacks({ parent, frame, stackNode }: ReturnType<typeof orderTrie>, sink: Sink): void {
  const writer = createParquetWriter(
    [
      { name: 'stack_id', type: 'int32' },
      { name: 'frame_ids', type: 'list-int32' },
    ],
    sink,
  )
  const ids = Int32Array.from(stackNode, (_, i) => i)
  const offsets = new Int32Array(stackNode.length + 1)
  for (const [i, leaf] of stackNode.entries()) {
    let depth = 0
    for (let node = leaf; node !== 0; node = parent[node]!) depth++
    offsets[i + 1] = offsets[i]! + depth
  }
  const values = new Int32Array(offsets[stackNode.length]!)
  for (const [i, leaf] of stackNode.entries()) {
    let at = offsets[i]!
    for (let node = leaf; node !== 0; node = parent[node]!) values[at++] = frame[node]!
  }
  if (ids.length > 0) {
    writer.rowGroup(ids.length, [
      { kind: 'int32', values: ids, encoding: 'delta' },
      { kind: 'list-int32', offsets, values, encoding: 'auto' },
    ])
  }
  writer.finish()
}

function writeFrames(strings: StringColumn, f: FrameColumns, sink: Sink): void {
  const text = (name: string): ColumnSpec => ({ name, type: 'string', nullable: true })
  const writer = createParquetWriter(
    [
      { name: 'frame_id', type: 'int32' },
      text('function'),
      text('system_name'),
      text('file'),
      { name: 'line', type: 'int64' },
      { name: 'start_line', type: 'int64' },
      { name: 'address', type: 'uint64', nullable: true },
      { name: 'inlined', type: 'boolean' },
      text('mapping'),
      text('build_id'),
    ],
    sink,
    { zstdLevel: 3 },
  )
  if (f.length === 0) {
    // Samples without a stack, and no others.
    writer.finish()
    return
  }
  const column = (ids: Int32Array): ColumnData => {
    const nulls = new Uint8Array(ids.length)
    const offsets = new Int32Array(ids.length + 1)
    for (let i = 0; i < ids.length; i++) {
      if (ids[i]! < 0) nulls[i] = 1
      const size = ids[i]! < 0 ? 0 : strings.offsets[ids[i]! + 1]! - strings.offsets[ids[i]!]!
      offsets[i + 1] = offsets[i]! + size
    }
    const bytes = new Uint8Array(offsets[ids.length]!)
    for (let i = 0; i < ids.length; i++) {
      if (ids[i]! >= 0)
        bytes.set(strings.bytes.subarray(strings.offsets[ids[i]!]!, strings.offsets[ids[i]! + 1]!), offsets[i]!)
    }
    return { kind: 'strings', values: { offsets, bytes }, nulls }
  }
  const lines = (values: Float64Array): ColumnData => ({ kind: 'int64', values: int64sOf(values) })
  writer.rowGroup(f.length, [
    { kind: 'int32', values: Int32Array.from(f.line, (_, i) => i), encoding: 'delta' },
    column(f.functionName),
    column(f.systemName),
    column(f.file),
    lines(f.line),
    lines(f.startLine),
    {
      kind: 'int64',
      values: new BigInt64Array(f.address.buffer, f.address.byteOffset, f.length),
      nulls: Uint8Array.from(f.address, a => (a === 0n ? 1 : 0)),
    },
    { kind: 'boolean', values: f.inlined },
    column(f.mapping),
    column(f.buildId),
  ])
  writer.finish()
}

/** Where the pages of the hot columns are. */
export function indexRowGroups(layout: FileLayout): IndexedRowGroup[] {
  let firstRow = 0
  return layout.rowGroups.map(group => {
    const chunk = (name: string): IndexedChunk => indexChunk(group.columns.find(c => c.column === name)!)
    const out = { firstRow, rows: group.rows, stack: chunk('stack_id'), value: chunk('value') }
    firstRow += group.rows
    return out
  })
}

const SAFE = 2n ** 53n

function indexChunk({ codec, encoding, dictionary, pages }: ChunkLayout): IndexedChunk {
  return {
    codec,
    encoding,
    dictionary,
    pages: pages.map(({ offset, size, firstRow, rows, min, max }) => ({
      offset,
      size,
      firstRow,
      rows,
      safe: min !== null && max !== null && min > -SAFE && max < SAFE,
    })),
  }
}
