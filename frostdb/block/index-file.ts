/**
 * `index`: what a query needs of a block besides the pages of the stack and value columns. Derived: it can be rebuilt
 * from the Parquet files.
 *
 *   ┌────────────────┬─────────────┬─────────┬─────────┬───┬──────────────┬────────────┬───────────────┬────────────────┐
 *   │ magic "DIDX"   │ version u32 │ section │ section │ … │ contents     │ crc32 u32  │ contents      │ magic "DIDX"   │
 *   │                │             │ zstd    │ zstd    │   │ JSON, UTF-8  │ of it      │ length u32    │                │
 *   └────────────────┴─────────────┴─────────┴─────────┴───┴──────────────┴────────────┴───────────────┴────────────────┘
 *
 * The contents name each section with offset, size, raw size and crc32 of its compressed bytes, which is verified at
 * every read. Little-endian; sections are varints unless said otherwise:
 *
 *   strings   count, lengths, bytes
 *   frames    count, then by column: strings, lines, start lines, address words, inlined
 *   nodes     count, then for all but the root: steps back up from the node before (0 = child of it), frame
 *   stacks    count, node of each as a difference to the one before
 *   series    JSON: one text a series
 *   profiles  count, then by column
 *   pages     JSON: row groups, and of the columns `stack_id` and `value` the pages
 */
import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { CorruptionError } from '../../pkg/base/errors.ts'
import {
  createWriter,
  readBytes,
  readDeltas,
  readDouble,
  readInt64s,
  readSigned,
  readVarint,
  type VarintReader,
  type VarintWriter,
  writeBytes,
  writeDeltas,
  writeDouble,
  writeInt64s,
  writeSigned,
  writeVarint,
} from '../../pkg/base/varint.ts'
import type { ChunkLayout } from '../../pkg/parquet/schema.ts'
import { wordsOf } from '../../pkg/profile/frame-table.ts'
import type { FrameColumns, StringColumn } from '../../pkg/profile/frames.ts'
import { decodeSeries, encodeSeries, type Series } from '../head/series.ts'
import type { OrderedProfiles } from './order.ts'

export const INDEX_FILE = 'index'
const MAGIC = 0x58444944 // "DIDX"
const VERSION = 1
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 3 } }
/** A section that claims to be longer than this is not believed. */
const MAX_SECTION_BYTES = 1 << 30

export interface BlockIndex {
  readonly strings: StringColumn
  readonly frames: FrameColumns
  readonly nodes: { readonly parent: Int32Array; readonly frame: Int32Array; readonly length: number }
  readonly stackNode: Int32Array
  readonly series: readonly Series[]
  readonly profiles: OrderedProfiles
  readonly rowGroups: readonly IndexedRowGroup[]
}

/** Of `profiles.parquet`. */
export interface IndexedRowGroup {
  readonly firstRow: number
  readonly rows: number
  readonly stack: IndexedChunk
  readonly value: IndexedChunk
}

/** A column chunk as the page readers want it. `safe`: every value of the page is exact as a double. */
export interface IndexedChunk {
  readonly codec: ChunkLayout['codec']
  readonly encoding: ChunkLayout['encoding']
  readonly dictionary: { readonly offset: number; readonly size: number } | null
  readonly pages: readonly {
    readonly offset: number
    readonly size: number
    readonly firstRow: number // in the row group
    readonly rows: number
    readonly safe: boolean
  }[]
}

const SECTIONS = ['strings', 'frames', 'nodes', 'stacks', 'series', 'profiles', 'pages'] as const
type SectionName = (typeof SECTIONS)[number]

interface SectionEntry {
  readonly name: SectionName
  readonly offset: number
  readonly size: number
  readonly rawSize: number
  readonly crc: number
}

export function encodeIndex(index: BlockIndex): Uint8Array {
  const raw: Record<SectionName, Uint8Array> = {
    strings: section(w => writeStrings(w, index.strings)),
    frames: section(w => writeFrames(w, index.frames)),
    nodes: section(w => writeNodes(w, index.nodes)),
    stacks: section(w => writeStacks(w, index.stackNode)),
    series: encoder.encode(JSON.stringify(index.series.map(encodeSeries))),
    profiles: section(w => writeProfiles(w, index.profiles)),
    pages: encoder.encode(JSON.stringify(index.rowGroups)),
  }
  const header = new Uint8Array(8)
  new DataView(header.buffer).setUint32(0, MAGIC, true)
  new DataView(header.buffer).setUint32(4, VERSION, true)
  const chunks: Uint8Array[] = [header]
  const contents: SectionEntry[] = []
  let offset = header.length
  for (const name of SECTIONS) {
    const bytes = zstdCompressSync(raw[name], ZSTD)
    contents.push({ name, offset, size: bytes.length, rawSize: raw[name].length, crc: crc32(bytes) })
    chunks.push(bytes)
    offset += bytes.length
  }
  const json = encoder.encode(JSON.stringify(contents))
  const tail = new Uint8Array(12)
  const view = new DataView(tail.buffer)
  view.setUint32(0, crc32(json), true)
  view.setUint32(4, json.length, true)
  view.setUint32(8, MAGIC, true)
  return Buffer.concat([...chunks, json, tail])
}

/** Throws `CorruptionError` naming the file and the section's offset. */
export function decodeIndex(file: Uint8Array, path: string): BlockIndex {
  const contents = readContents(file, path)
  const open = (name: SectionName): Uint8Array => {
    const { bytes, rawSize } = sectionOf(file, contents, name, path)
    return zstdDecompressSync(bytes, { chunkSize: rawSize + 64, maxOutputLength: rawSize + 64 })
  }
  const reader = (name: SectionName): VarintReader => ({ bytes: open(name), at: 0 })
  return {
    strings: readStrings(reader('strings')),
    frames: readFrames(reader('frames')),
    nodes: readNodes(reader('nodes')),
    stackNode: readStacks(reader('stacks')),
    series: (JSON.parse(decoder.decode(open('series'))) as string[]).map(decodeSeries),
    profiles: readProfiles(reader('profiles')),
    rowGroups: JSON.parse(decoder.decode(open('pages'))) as IndexedRowGroup[],
  }
}

/** As `decodeIndex`, but checks only: at the speed of a checksum. */
export function verifyIndex(file: Uint8Array, path: string): void {
  const contents = readContents(file, path)
  for (const name of SECTIONS) sectionOf(file, contents, name, path)
}

function sectionOf(file: Uint8Array, contents: readonly SectionEntry[], name: SectionName, path: string) {
  const entry = contents.find(e => e.name === name)
  if (entry === undefined) throw new CorruptionError(`index has no section ${name}`, { path, offset: 0 })
  const { offset, size, rawSize } = entry
  const bytes = file.subarray(offset, offset + size)
  if (bytes.length !== size || crc32(bytes) !== entry.crc || rawSize > MAX_SECTION_BYTES) {
    throw new CorruptionError(`crc32 mismatch in index section ${name}`, { path, offset })
  }
  return { bytes, rawSize }
}

function readContents(file: Uint8Array, path: string): SectionEntry[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const bad = (message: string): CorruptionError =>
    new CorruptionError(message, { path, offset: Math.max(0, file.length - 12) })
  if (file.length < 20 || view.getUint32(0, true) !== MAGIC || view.getUint32(file.length - 4, true) !== MAGIC) {
    throw bad('no index, or cut short')
  }
  const version = view.getUint32(4, true)
  if (version !== VERSION) throw bad(`index version ${version} is not known here`)
  const length = view.getUint32(file.length - 8, true)
  const start = file.length - 12 - length
  if (start < 8) throw bad('contents longer than the index')
  const json = file.subarray(start, file.length - 12)
  if (crc32(json) !== view.getUint32(file.length - 12, true)) throw bad('crc32 mismatch in the contents of the index')
  return JSON.parse(decoder.decode(json)) as SectionEntry[]
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

function section(write: (w: VarintWriter) => void): Uint8Array {
  const w = createWriter(1 << 16)
  write(w)
  return w.bytes.subarray(0, w.length)
}

function writeStrings(w: VarintWriter, { bytes, offsets, length }: StringColumn): void {
  writeVarint(w, length)
  for (let i = 0; i < length; i++) writeVarint(w, offsets[i + 1]! - offsets[i]!)
  writeBytes(w, bytes)
}

function readStrings(r: VarintReader): StringColumn {
  const length = readVarint(r)
  const offsets = new Int32Array(length + 1)
  for (let i = 0; i < length; i++) offsets[i + 1] = offsets[i]! + readVarint(r)
  return { bytes: readBytes(r), offsets, length }
}

/** A double may be 2^63 where an int64 was the greatest there is. */
export const int64Of = (value: number): bigint => (value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(Math.trunc(value)))
export const int64sOf = (values: Float64Array): BigInt64Array<ArrayBuffer> => BigInt64Array.from(values, int64Of)

const STRING_COLUMNS = ['functionName', 'systemName', 'file', 'mapping', 'buildId'] as const

function writeFrames(w: VarintWriter, f: FrameColumns): void {
  writeVarint(w, f.length)
  for (const name of STRING_COLUMNS) writeDeltas(w, f[name], f.length)
  for (const lines of [f.line, f.startLine]) {
    writeInt64s(w, new Int32Array(int64sOf(lines).buffer), f.length, 0, 2)
  }
  const words = wordsOf(f.address)
  for (let i = 0; i < f.length * 2; i++) writeVarint(w, words[i]! >>> 0)
  for (let i = 0; i < f.length; i++) writeVarint(w, f.inlined[i]!)
}

function readFrames(r: VarintReader): FrameColumns {
  const length = readVarint(r)
  const strings = STRING_COLUMNS.map(() => {
    const column = new Int32Array(length)
    readDeltas(r, column, length)
    return column
  })
  const [functionName, systemName, file, mapping, buildId] = strings as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ]
  const [line, startLine] = [0, 1].map(() => {
    const lines = new BigInt64Array(length)
    readInt64s(r, new Int32Array(lines.buffer), length, 0, 2)
    return Float64Array.from(lines, Number)
  }) as [Float64Array, Float64Array]
  const address = new BigUint64Array(length)
  const words = wordsOf(address)
  for (let i = 0; i < length * 2; i++) words[i] = readVarint(r)
  const inlined = new Uint8Array(length)
  for (let i = 0; i < length; i++) inlined[i] = readVarint(r)
  return { length, functionName, systemName, file, line, startLine, address, inlined, mapping, buildId }
}

function writeNodes(w: VarintWriter, { parent, frame, length }: BlockIndex['nodes']): void {
  const depth = new Int32Array(length)
  writeVarint(w, length)
  for (let i = 1; i < length; i++) {
    depth[i] = depth[parent[i]!]! + 1
    writeVarint(w, depth[i - 1]! + 1 - depth[i]!)
  }
  writeDeltas(w, frame, length)
}

function readNodes(r: VarintReader): BlockIndex['nodes'] {
  const length = readVarint(r)
  const parent = new Int32Array(length)
  const frame = new Int32Array(length)
  parent[0] = -1
  for (let i = 1; i < length; i++) {
    let above = i - 1
    for (let up = readVarint(r); up > 0; up--) above = parent[above]!
    parent[i] = above
  }
  readDeltas(r, frame, length)
  return { parent, frame, length }
}

function writeStacks(w: VarintWriter, stackNode: Int32Array): void {
  writeVarint(w, stackNode.length)
  writeDeltas(w, stackNode, stackNode.length)
}

function readStacks(r: VarintReader): Int32Array {
  const out = new Int32Array(readVarint(r))
  readDeltas(r, out, out.length)
  return out
}

function writeProfiles(w: VarintWriter, p: OrderedProfiles): void {
  const n = p.length
  writeVarint(w, n)
  writeDeltas(w, p.series, n)
  let previous = 0
  for (let i = 0; i < n; i++) {
    writeSigned(w, p.timeMs[i]! - previous)
    previous = p.timeMs[i]!
  }
  for (let i = 0; i < n; i++) writeVarint(w, p.timeRest[i]!)
  for (let i = 0; i < n; i++) writeDouble(w, p.durationNanos[i]!)
  for (let i = 0; i < n; i++) writeDouble(w, p.period[i]!)
  for (let i = 0; i < n; i++) writeVarint(w, p.rowCount[i]!)
  for (let i = 0; i < n; i++) writeVarint(w, p.totalLow[i]!)
  for (let i = 0; i < n; i++) writeDouble(w, p.totalHigh[i]!)
  for (let i = 0; i < n; i++) writeDouble(w, p.bound[i]!)
}

function readProfiles(r: VarintReader): OrderedProfiles {
  const n = readVarint(r)
  const series = new Int32Array(n)
  readDeltas(r, series, n)
  const doubles = (read: (r: VarintReader) => number): Float64Array => {
    const out = new Float64Array(n)
    for (let i = 0; i < n; i++) out[i] = read(r)
    return out
  }
  const timeMs = doubles(readSigned)
  for (let i = 1; i < n; i++) timeMs[i]! += timeMs[i - 1]!
  const timeRest = Int32Array.from(doubles(readVarint))
  const durationNanos = doubles(readDouble)
  const period = doubles(readDouble)
  const rowCount = Int32Array.from(doubles(readVarint))
  const rowStart = new Int32Array(n)
  for (let i = 1; i < n; i++) rowStart[i] = rowStart[i - 1]! + rowCount[i - 1]!
  const totalLow = doubles(readVarint)
  const totalHigh = doubles(readDouble)
  const bound = doubles(readDouble)
  return { length: n, series, timeMs, timeRest, durationNanos, period, rowStart, rowCount, totalLow, totalHigh, bound }
}
