/**
 * Thrift's compact protocol, as much as Parquet's metadata needs. A struct is written field by field in rising id and
 * read as a `Map` from field id to value: integers come as `number` (refused past 2⁵³), binaries as views.
 *
 *   field   (id delta << 4 | type) or (type, zigzag id); a struct ends with a 0 byte
 *   list    (size << 4 | element type), or (0xf0 | type, varint size)
 */
import { type ByteBuffer, writeByte, writeBytes, writeVarint, writeZigzag64 } from './buffer.ts'

const TRUE = 1
const FALSE = 2
const BYTE = 3
const I16 = 4
const I32 = 5
const I64 = 6
const DOUBLE = 7
const BINARY = 8
const LIST = 9
const STRUCT = 12

const utf8 = new TextEncoder()
const WORD = 4294967296

/** Writes one struct; nested ones come as functions, so their fields stand inside their parent's. */
export interface StructWriter {
  bool(id: number, value: boolean): void
  byte(id: number, value: number): void
  i16(id: number, value: number): void
  i32(id: number, value: number): void
  i64(id: number, value: number): void
  binary(id: number, value: Uint8Array | string): void
  struct(id: number, body: (s: StructWriter) => void): void
  structs<T>(id: number, items: readonly T[], body: (s: StructWriter, item: T) => void): void
  i32s(id: number, values: readonly number[]): void
  i64s(id: number, values: readonly number[]): void
  bools(id: number, values: readonly boolean[]): void
  binaries(id: number, values: readonly (Uint8Array | string)[]): void
}

export function writeStruct(out: ByteBuffer, body: (s: StructWriter) => void): void {
  let last = 0
  const field = (id: number, type: number): void => {
    if (id - last < 16) writeByte(out, ((id - last) << 4) | type)
    else {
      writeByte(out, type)
      writeZigzag64(out, id, 0)
    }
    last = id
  }
  const list = (id: number, type: number, size: number): void => {
    field(id, LIST)
    if (size < 15) writeByte(out, (size << 4) | type)
    else {
      writeByte(out, 0xf0 | type)
      writeVarint(out, size)
    }
  }
  const integer = (value: number): void => writeZigzag64(out, value | 0, Math.floor(value / WORD))
  const binary = (value: Uint8Array | string): void => {
    const bytes = typeof value === 'string' ? utf8.encode(value) : value
    writeVarint(out, bytes.length)
    writeBytes(out, bytes)
  }
  body({
    bool: (id, value) => field(id, value ? TRUE : FALSE),
    byte(id, value) {
      field(id, BYTE)
      writeByte(out, value)
    },
    i16(id, value) {
      field(id, I16)
      integer(value)
    },
    i32(id, value) {
      field(id, I32)
      integer(value)
    },
    i64(id, value) {
      field(id, I64)
      integer(value)
    },
    binary(id, value) {
      field(id, BINARY)
      binary(value)
    },
    struct(id, inner) {
      field(id, STRUCT)
      writeStruct(out, inner)
    },
    structs(id, items, inner) {
      list(id, STRUCT, items.length)
      for (const item of items) writeStruct(out, s => inner(s, item))
    },
    i32s(id, values) {
      list(id, I32, values.length)
      for (const value of values) integer(value)
    },
    i64s(id, values) {
      list(id, I64, values.length)
      for (const value of values) integer(value)
    },
    bools(id, values) {
      list(id, TRUE, values.length)
      for (const value of values) writeByte(out, value ? TRUE : FALSE)
    },
    binaries(id, values) {
      list(id, BINARY, values.length)
      for (const value of values) binary(value)
    },
  })
  writeByte(out, 0)
}

export type ThriftValue = boolean | number | Uint8Array | ThriftStruct | readonly ThriftValue[]
export type ThriftStruct = ReadonlyMap<number, ThriftValue>

/** Metadata that is not what it should be. Callers add where it stood. */
export class ThriftError extends Error {}

const MAX_DEPTH = 16

/** Reads the struct that begins at `at`; `end` is the first byte behind it. */
export function readStruct(bytes: Uint8Array, at = 0): { value: ThriftStruct; end: number } {
  const cursor = { bytes, at }
  const value = structAt(cursor, 0)
  return { value, end: cursor.at }
}

interface Cursor {
  readonly bytes: Uint8Array
  at: number
}

function structAt(cursor: Cursor, depth: number): ThriftStruct {
  if (depth > MAX_DEPTH) throw new ThriftError('metadata nested too deep')
  const fields = new Map<number, ThriftValue>()
  let id = 0
  for (;;) {
    const head = byteAt(cursor)
    if (head === 0) return fields
    const type = head & 15
    id = head >>> 4 === 0 ? integerAt(cursor) : id + (head >>> 4)
    fields.set(id, type === TRUE ? true : type === FALSE ? false : valueAt(cursor, type, depth))
  }
}

function valueAt(cursor: Cursor, type: number, depth: number): ThriftValue {
  switch (type) {
    case TRUE:
    case FALSE:
      return byteAt(cursor) === 1
    case BYTE:
      return (byteAt(cursor) << 24) >> 24
    case I16:
    case I32:
    case I64:
      return integerAt(cursor)
    case DOUBLE:
      return bytesAt(cursor, 8)
    case BINARY:
      return bytesAt(cursor, lengthAt(cursor))
    case LIST: {
      const head = byteAt(cursor)
      const size = head >>> 4 === 15 ? lengthAt(cursor) : head >>> 4
      // Every element takes a byte at least: a size past the end is a lie that would cost memory.
      if (size > cursor.bytes.length - cursor.at) throw new ThriftError(`list of ${size} runs past the end`)
      const items: ThriftValue[] = []
      for (let i = 0; i < size; i++) items.push(valueAt(cursor, head & 15, depth + 1))
      return items
    }
    case STRUCT:
      return structAt(cursor, depth + 1)
    default:
      throw new ThriftError(`unknown thrift type ${type}`)
  }
}

function byteAt(cursor: Cursor): number {
  if (cursor.at >= cursor.bytes.length) throw new ThriftError('metadata ends early')
  return cursor.bytes[cursor.at++]!
}

function bytesAt(cursor: Cursor, length: number): Uint8Array {
  if (length > cursor.bytes.length - cursor.at) throw new ThriftError(`${length} bytes run past the end`)
  cursor.at += length
  return cursor.bytes.subarray(cursor.at - length, cursor.at)
}

/** An unsigned varint of at most 35 bits. */
function lengthAt(cursor: Cursor): number {
  let value = 0
  let scale = 1
  for (let i = 0; i < 5; i++) {
    const byte = byteAt(cursor)
    value += (byte & 127) * scale
    if (byte < 128) return value
    scale *= 128
  }
  throw new ThriftError('length out of range')
}

function integerAt(cursor: Cursor): number {
  // value = 2 × half + odd, so a zigzag of up to 54 bits stays exact as a double.
  const first = byteAt(cursor)
  const odd = first & 1
  let half = (first & 127) >>> 1
  let scale = 64
  for (let byte = first, i = 0; byte > 127; i++) {
    if (i === 7) throw new ThriftError('integer out of range')
    byte = byteAt(cursor)
    half += (byte & 127) * scale
    scale *= 128
  }
  if (half > Number.MAX_SAFE_INTEGER) throw new ThriftError('integer out of range')
  return odd === 1 ? -half - 1 : half
}

/** Typed access; what is missing or of another type throws. */
export function numberOf(s: ThriftStruct, id: number): number {
  const value = s.get(id)
  if (typeof value !== 'number') throw new ThriftError(`field ${id} is no number`)
  return value
}

export function structOf(s: ThriftStruct, id: number): ThriftStruct {
  const value = s.get(id)
  if (!(value instanceof Map)) throw new ThriftError(`field ${id} is no struct`)
  return value
}

export function bytesOf(s: ThriftStruct, id: number): Uint8Array {
  const value = s.get(id)
  if (!(value instanceof Uint8Array)) throw new ThriftError(`field ${id} is no binary`)
  return value
}

export function listOf<T extends ThriftValue>(s: ThriftStruct, id: number): readonly T[] {
  const value = s.get(id)
  if (!Array.isArray(value)) throw new ThriftError(`field ${id} is no list`)
  return value as readonly T[]
}
