/**
 * The tables that locations refer to: strings, mappings, functions. Each is one loop over the messages of its span;
 * ids become rows, indexes are checked. Beside each stands what it takes of the arena.
 */
import type { FunctionTable, MappingTable, StringTable } from '../profile/columns.ts'
import { type Arena, roomFor, takeFloat64, takeInt32, takeUint32 } from './arena.ts'
import { type IdIndex, indexIds } from './ids.ts'
import { nextField, offsetOf, type Span, TAG } from './scan.ts'
import { HUGE, lengthOf, malformed, overrun, readWide, signedDouble, skipField, wideTag } from './wire.ts'

const MAPPING_FIELDS = ['', 'id', 'memory_start', 'memory_limit', 'file_offset', 'filename', 'build_id'] as const
const FUNCTION_FIELDS = ['', 'id', 'name', 'system_name', 'filename', 'start_line'] as const

/** Words of the value at hand where it has more than two bytes. */
const wide = new Uint32Array(2)

export interface DecodedStrings {
  readonly table: StringTable
  /** Strings that were longer than the limit and lost what was over it. */
  readonly cut: number
}

export function stringBytes(span: Span): number {
  return 2 * roomFor(span.count || 1, 4)
}

/** Strings stay where they are in `raw`; one longer than `maxLength` ends before the character that crosses it. */
export function decodeStrings(raw: Uint8Array, span: Span, maxLength: number, arena: Arena): DecodedStrings {
  const length = span.count || 1
  const start = takeInt32(arena, length)
  const stop = takeInt32(arena, length)
  const limit = maxLength || HUGE
  let cut = 0
  let row = 0
  let p = span.from
  while (p < span.to) {
    let tag = raw[p++]!
    if (tag > 0x7f) [tag, p] = wideTag(raw, p, span.to, 'profile')
    if (tag !== TAG.string) {
      p = nextField(raw, p, tag, wide)
      continue
    }
    let size = raw[p++]!
    if (size > 0x7f) {
      p = readWide(raw, p - 1, wide, 0)
      size = lengthOf(wide)
    }
    start[row] = p
    stop[row] = p + size
    if (size > limit) {
      let end = p + limit
      while (end > p && (raw[end]! & 0xc0) === 0x80) end--
      stop[row] = end
      cut++
    }
    row++
    p += size
  }
  if (span.count > 0 && stop[0] !== start[0]) throw malformed('string_table[0]', 'not empty', span.from)
  return { table: { bytes: raw, start, end: stop, length }, cut }
}

export interface DecodedMappings {
  readonly table: MappingTable
  readonly ids: IdIndex
}

export function mappingBytes({ count }: Span): number {
  return roomFor(count, 24) + 2 * roomFor(count, 4) + roomFor(count, 8)
}

export function decodeMappings(raw: Uint8Array, span: Span, strings: number, arena: Arena): DecodedMappings {
  const { count } = span
  const words = takeUint32(arena, 6 * count) // start, limit, offset; a column each
  const file = takeInt32(arena, count)
  const buildId = takeInt32(arena, count)
  const ids = takeUint32(arena, 2 * count)
  let row = 0
  let p = span.from
  while (p < span.to) {
    const at = p
    let message = raw[p++]!
    if (message > 0x7f) [message, p] = wideTag(raw, p, span.to, 'profile')
    if (message !== TAG.mapping) {
      p = nextField(raw, p, message, wide)
      continue
    }
    p = readWide(raw, p, wide, 0)
    const end = p + lengthOf(wide)
    while (p < end - 1) {
      const from = p
      let tag = raw[p++]!
      if (tag > 0x7f) [tag, p] = wideTag(raw, p, end, `mapping[${row}]`)
      const field = tag >>> 3
      if ((tag & 7) !== 0 || field === 0 || field > 6) {
        p = skipField(raw, p, end, tag, `mapping[${row}]`, MAPPING_FIELDS)
        continue
      }
      if (field === 1) p = readWide(raw, p, ids, row)
      else if (field < 5) p = readWide(raw, p, words, (field - 2) * count + row)
      else {
        p = readWide(raw, p, wide, 0)
        if (wide[1] !== 0 || wide[0]! >= strings) throw badString(`mapping[${row}].${MAPPING_FIELDS[field]}`, from)
        if (field === 5) file[row] = wide[0]!
        else buildId[row] = wide[0]!
      }
    }
    if (p !== end) throw overrun(`mapping[${row}]`, at)
    if (ids[2 * row] === 0 && ids[2 * row + 1] === 0) throw malformed(`mapping[${row}].id`, 'missing or 0', at)
    row++
  }
  const column = (i: number) => new BigUint64Array(words.buffer, words.byteOffset + 8 * i * count, count)
  return {
    table: { length: count, start: column(0), limit: column(1), offset: column(2), file, buildId },
    ids: uniqueIds(raw, span, ids, 'mapping', TAG.mapping),
  }
}

export interface DecodedFunctions {
  readonly table: FunctionTable
  readonly ids: IdIndex
}

export function functionBytes({ count }: Span): number {
  return roomFor(count, 8) + 3 * roomFor(count, 4) + roomFor(count, 8)
}

/** One function may have the id 0, as .NET writes it. */
export function decodeFunctions(raw: Uint8Array, span: Span, strings: number, arena: Arena): DecodedFunctions {
  const { count } = span
  const startLine = takeFloat64(arena, count)
  const name = takeInt32(arena, count)
  const systemName = takeInt32(arena, count)
  const file = takeInt32(arena, count)
  const ids = takeUint32(arena, 2 * count)
  let row = 0
  let p = span.from
  while (p < span.to) {
    const at = p
    let message = raw[p++]!
    if (message > 0x7f) [message, p] = wideTag(raw, p, span.to, 'profile')
    if (message !== TAG.function) {
      p = nextField(raw, p, message, wide)
      continue
    }
    let size = raw[p++]!
    if (size > 0x7f) {
      p = readWide(raw, p - 1, wide, 0)
      size = lengthOf(wide)
    }
    const end = p + size
    const last = end - 1
    while (p < last) {
      const from = p
      let tag = raw[p++]!
      if (tag > 0x7f) [tag, p] = wideTag(raw, p, end, `function[${row}]`)
      const value = p
      let low = raw[p++]!
      let high = 0
      if (low > 0x7f) {
        const next = raw[p++]!
        if (next < 0x80) low = (low & 0x7f) | (next << 7)
        else {
          p = readWide(raw, value, wide, 0)
          low = wide[0]! | 0
          high = wide[1]! | 0
        }
      }
      switch (tag) {
        case 0x08:
          ids[2 * row] = low
          ids[2 * row + 1] = high
          continue
        case 0x10:
          name[row] = low
          break
        case 0x18:
          systemName[row] = low
          break
        case 0x20:
          file[row] = low
          break
        case 0x28:
          startLine[row] = (high | (low >> 31)) === 0 ? low : signedDouble(low, high)
          continue
        default:
          p = skipField(raw, value, end, tag, `function[${row}]`, FUNCTION_FIELDS)
          continue
      }
      if (high !== 0 || low >>> 0 >= strings) throw badString(`function[${row}].${FUNCTION_FIELDS[tag >>> 3]}`, from)
    }
    if (p !== end) throw overrun(`function[${row}]`, at)
    row++
  }
  return {
    table: { length: count, name, systemName, file, startLine },
    ids: uniqueIds(raw, span, ids, 'function', TAG.function),
  }
}

/** `to`, beginning with all of `from`. */
export function grown<T extends Int32Array | Float64Array | Uint32Array>(from: T, to: T): T {
  to.set(from)
  return to
}

export function badString(field: string, at: number): Error {
  return malformed(field, 'index outside the string table', at)
}

export function unknownId(field: string, noun: string, low: number, high: number, at: number): Error {
  return malformed(field, `unknown ${noun} ${(BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)}`, at)
}

/** Like pprof, takes no table with one id twice: which of the two a sample means cannot be told. */
export function uniqueIds(raw: Uint8Array, span: Span, ids: Uint32Array, noun: string, tag: number): IdIndex {
  const index = indexIds(ids, span.count)
  if (typeof index !== 'number') return index
  const id = (BigInt(ids[2 * index + 1]!) << 32n) | BigInt(ids[2 * index]!)
  throw malformed(`${noun}[${index}].id`, `${id} is given a second time`, offsetOf(raw, span, tag, index))
}
