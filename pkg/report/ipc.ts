/**
 * Arrow columns made from typed arrays, and one record batch of them as an IPC stream: schema, dictionaries, batch,
 * end-of-stream mark. No builder per row and no string per value.
 */
import {
  Binary,
  Bool,
  CompressionType,
  type Data,
  type DataType,
  Dictionary,
  Field,
  Int8,
  Int16,
  Int32,
  Int64,
  List,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
  Vector,
} from 'apache-arrow'
import { BufferRegion } from 'apache-arrow/ipc/metadata/message'
import type { StringColumn, Sums } from '../query/result.ts'
import { lz4FrameBound, writeLz4Frame } from './lz4.ts'
import { dictionaryOf } from './strings.ts'
import { approximate, toBigInt64 } from './sums.ts'

export interface Column {
  readonly field: Field
  readonly data: Data
}

function column(name: string, data: Data, nullable = false): Column {
  return { field: new Field(name, data.type, nullable), data }
}

export function int32(name: string, values: Int32Array): Column {
  return column(name, makeData({ type: new Int32(), data: values }))
}
export function int64Values(name: string, values: BigInt64Array): Column {
  return column(name, makeData({ type: new Int64(), data: values }))
}
export function uint64Values(name: string, values: BigUint64Array): Column {
  return column(name, makeData({ type: new Uint64(), data: values }))
}
/** Whole doubles as int64. */
export function int64Of(name: string, values: Float64Array): Column {
  return int64Values(name, toBigInt64({ lo: values, hi: null }))
}
export function int64Sums(name: string, sums: Sums, nullable = false): Column {
  return column(name, makeData({ type: new Int64(), data: toBigInt64(sums) }), nullable)
}

/** Whole numbers, 0 written as null. */
export function nullableInt64(name: string, values: Float64Array): Column {
  const { bits, zeros } = bitmap(values)
  const nulls = zeros > 0 ? { nullBitmap: bits, nullCount: zeros } : {}
  return column(name, makeData({ type: new Int64(), data: toBigInt64({ lo: values, hi: null }), ...nulls }), true)
}

/** The narrowest signed type that holds the sums with room to spare, or unsigned when none is negative and it may be. */
export function narrowSums(name: string, sums: Sums, signed: boolean): Column {
  const values = approximate(sums)
  let min = 0
  let max = 0
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!
    if (v > max) max = v
    else if (v < min) min = v
  }
  if (signed || min < 0) return column(name, signedData(sums, values, min, max))
  return column(name, unsignedData(sums, values, max))
}

/** The same for plain whole numbers; a negative one counts as 0. */
export function narrowUnsigned(name: string, values: Float64Array): Column {
  let max = 0
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!
    if (v > max) max = v
    else if (v < 0) values[i] = 0
  }
  return column(name, unsignedData({ lo: values, hi: null }, values, max))
}

function unsignedData(sums: Sums, values: Float64Array, max: number): Data {
  if (max < 0xff) return makeData({ type: new Uint8(), data: new Uint8Array(values) })
  if (max < 0xffff) return makeData({ type: new Uint16(), data: new Uint16Array(values) })
  if (max < 0xffff_ffff) return makeData({ type: new Uint32(), data: new Uint32Array(values) })
  return makeData({ type: new Uint64(), data: new BigUint64Array(toBigInt64(sums).buffer) })
}

function signedData(sums: Sums, values: Float64Array, min: number, max: number): Data {
  const most = Math.max(-min, max)
  if (most < 0x7f) return makeData({ type: new Int8(), data: new Int8Array(values) })
  if (most < 0x7fff) return makeData({ type: new Int16(), data: new Int16Array(values) })
  if (most < 0x7fff_ffff) return makeData({ type: new Int32(), data: new Int32Array(values) })
  return makeData({ type: new Int64(), data: toBigInt64(sums) })
}

/** 0 is false, anything else true; with `valid`, null where that is 0. */
export function bool(name: string, values: Uint8Array, valid: Uint8Array | null = null): Column {
  const { bits } = bitmap(values)
  const length = values.length
  if (valid === null) return column(name, makeData({ type: new Bool(), length, data: bits }))
  const { bits: nullBitmap, zeros: nullCount } = bitmap(valid)
  return column(name, makeData({ type: new Bool(), length, data: bits, nullBitmap, nullCount }), true)
}

export type DictionaryShape = {
  readonly value: 'binary' | 'utf8'
  /** `narrow`: by the number of entries. `uint16` is widened when more entries than it can count are used. */
  readonly index: 'narrow' | 'uint16' | 'uint32'
  readonly nullable: boolean
}

/** Strings by id, -1 = null; the dictionary holds what is used, once. */
export function dictionary(name: string, strings: StringColumn, ids: Int32Array, shape: DictionaryShape): Column {
  const { index, nulls, length, offsets, bytes } = dictionaryOf(strings, ids)
  const entries =
    shape.value === 'binary'
      ? makeData({ type: new Binary(), length, valueOffsets: offsets, data: bytes })
      : makeData({ type: new Utf8(), length, valueOffsets: offsets, data: bytes })
  const values = new Vector<Binary | Utf8>([entries as Data<Binary | Utf8>])
  const valueType: Binary | Utf8 = entries.type
  let nullBitmap: Uint8Array | null = null
  if (nulls > 0) {
    const m = index.length
    nullBitmap = new Uint8Array((m + 7) >> 3)
    for (let r = 0; r < m; r++) {
      if (index[r]! < 0) index[r] = 0
      else nullBitmap[r >> 3] = nullBitmap[r >> 3]! | (1 << (r & 7))
    }
  }
  const type = (indexType: Uint8 | Uint16 | Uint32) => new Dictionary(valueType, indexType as never)
  const common = { nullBitmap, nullCount: nulls, dictionary: values }
  const data =
    shape.index === 'narrow' && length < 0xff
      ? makeData({ type: type(new Uint8()), data: new Uint8Array(index), ...common })
      : shape.index !== 'uint32' && length < 0xffff
        ? makeData({ type: type(new Uint16()), data: new Uint16Array(index), ...common })
        : makeData({ type: type(new Uint32()), data: new Uint32Array(index), ...common })
  return column(name, data as Data, shape.nullable)
}

/** Lists that lie one after another in `values`; with `emptyIsNull`, null where a list has no entries. */
export function list(name: string, values: Data, counts: Int32Array, emptyIsNull: boolean): Column {
  const m = counts.length
  const valueOffsets = new Int32Array(m + 1)
  for (let r = 0; r < m; r++) valueOffsets[r + 1] = valueOffsets[r]! + counts[r]!
  const type = new List(new Field('item', values.type, true))
  const { bits, zeros } = bitmap(counts)
  const nulls = emptyIsNull && zeros > 0 ? { nullBitmap: bits, nullCount: zeros } : {}
  return column(name, makeData({ type, length: m, valueOffsets, child: values, ...nulls }))
}

function bitmap(values: ArrayLike<number>): { bits: Uint8Array; zeros: number } {
  const m = values.length
  const bits = new Uint8Array((m + 7) >> 3)
  let zeros = 0
  for (let r = 0; r < m; r++) {
    if (values[r] === 0) zeros++
    else bits[r >> 3] = bits[r >> 3]! | (1 << (r & 7))
  }
  return { bits, zeros }
}

export interface StreamOptions {
  readonly metadata?: ReadonlyMap<string, string>
  readonly compression: 'lz4' | 'none'
}

/** All columns are of `length` rows. */
export function writeStream(
  columns: readonly Column[],
  length: number,
  options: StreamOptions,
): Uint8Array<ArrayBuffer> {
  const fields = columns.map(c => c.field)
  const schema = new Schema(fields, new Map(options.metadata ?? []))
  const data = makeData({ type: new Struct(fields), length, nullCount: 0, children: columns.map(c => c.data) })
  const writer = options.compression === 'lz4' ? new Lz4StreamWriter() : new RecordBatchStreamWriter()
  writer.write(new RecordBatch(schema, data as Data<Struct<Record<string, DataType>>>))
  writer.finish()
  return writer.toUint8Array(true) as Uint8Array<ArrayBuffer>
}

/** Below this a frame is larger than what it holds. */
const COMPRESSIBLE = 64

/**
 * The library's own compression puts the compressed length where the format wants the length of what was compressed,
 * which other readers refuse; so the step that compresses is done here.
 */
class Lz4StreamWriter extends RecordBatchStreamWriter {
  constructor() {
    super({ compressionType: CompressionType.LZ4_FRAME })
  }

  /** Each buffer becomes a pair: length before compression (int64; -1 = stored as it is), bytes. */
  protected override _compressBodyBuffers(buffers: ArrayBufferView[]) {
    const pairs: Uint8Array[] = []
    const bufferRegions: BufferRegion[] = []
    let byteLength = 0
    for (const view of buffers) {
      const raw = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
      if (raw.length === 0) {
        pairs.push(raw, raw)
        bufferRegions.push(new BufferRegion(byteLength, 0))
        continue
      }
      const prefix = new Uint8Array(8)
      const body = raw.length < COMPRESSIBLE ? raw : compressed(raw)
      new DataView(prefix.buffer).setBigInt64(0, body === raw ? -1n : BigInt(raw.length), true)
      pairs.push(prefix, body)
      bufferRegions.push(new BufferRegion(byteLength, 8 + body.length))
      byteLength += (8 + body.length + 7) & ~7
    }
    return { byteLength, bufferRegions, buffers: pairs as ArrayBufferView[] }
  }
}

/** Of one thread, used again for every buffer. */
let frame = new Uint8Array(0)

function compressed(raw: Uint8Array): Uint8Array {
  const bound = lz4FrameBound(raw.length)
  if (frame.length < bound) frame = new Uint8Array(bound * 2)
  const end = writeLz4Frame(raw, frame, 0)
  return end < raw.length ? frame.slice(0, end) : raw
}
