/**
 * Finds a file's layout again from its end: footer, then the page indexes in front of it. For files of this writer; what
 * another wrote (other encodings, nested columns, no offset index) is refused, and is `general.ts`'s to read.
 *
 * The footer has no checksum of its own; whoever keeps one (`meta.json`) checks it before.
 */
import { CorruptionError } from '../base/errors.ts'
import { CODECS, CONVERTED, MAGIC, pathOf, REPETITION, TYPES } from './metadata.ts'
import { ENCODINGS } from './page.ts'
import type { ChunkLayout, Codec, ColumnSpec, ColumnType, FileLayout, PageEncoding, PageLayout } from './schema.ts'
import {
  bytesOf,
  listOf,
  numberOf,
  readStruct,
  structOf,
  ThriftError,
  type ThriftStruct,
  type ThriftValue,
} from './thrift.ts'

/** `more`: the tail must be at least `bytes` long to hold footer and page indexes. */
export type FooterRead = { kind: 'layout'; layout: FileLayout } | { kind: 'more'; bytes: number }

const utf8 = new TextDecoder('utf-8', { fatal: true })
const TRAILER = 8

/** Reads the layout from `tail`, the last bytes of a file of `size` bytes. */
export function readFooter(tail: Uint8Array, file: { readonly path: string; readonly size: number }): FooterRead {
  const start = file.size - tail.length
  const corrupt = (message: string, offset = start): never => {
    throw new CorruptionError(message, { path: file.path, offset })
  }
  if (start < 0 || file.size < MAGIC.length + TRAILER) corrupt('no Parquet file', 0)
  if (tail.length < TRAILER) return { kind: 'more', bytes: Math.min(file.size, 1 << 16) }
  const end = tail.length
  if (MAGIC.some((byte, i) => tail[end - 4 + i] !== byte)) corrupt('no Parquet magic at the end', file.size - 4)
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(end - TRAILER, true)
  if (length > file.size - TRAILER - MAGIC.length) corrupt(`footer of ${length} bytes`, file.size - TRAILER)
  if (length + TRAILER > end) return { kind: 'more', bytes: length + TRAILER }
  const footerAt = file.size - TRAILER - length
  try {
    const footer = readStruct(tail.subarray(end - TRAILER - length, end - TRAILER)).value
    const first = firstIndexAt(footer, footerAt)
    if (first < start) return { kind: 'more', bytes: file.size - first }
    const slice = (offset: number, size: number): Uint8Array => {
      if (offset < start || size < 0 || offset + size > footerAt) throw new ThriftError('page index out of place')
      return tail.subarray(offset - start, offset - start + size)
    }
    return { kind: 'layout', layout: layoutOf(footer, file.size, slice) }
  } catch (error) {
    if (error instanceof ThriftError || error instanceof TypeError) {
      return corrupt(`footer: ${error.message}`, footerAt)
    }
    throw error
  }
}

const groupsOf = (footer: ThriftStruct): readonly ThriftStruct[] => listOf<ThriftStruct>(footer, 4)
const columnsOf = (group: ThriftStruct): readonly ThriftStruct[] => listOf<ThriftStruct>(group, 1)

function firstIndexAt(footer: ThriftStruct, footerAt: number): number {
  let first = footerAt
  for (const group of groupsOf(footer)) {
    for (const column of columnsOf(group)) {
      first = Math.min(first, numberOf(column, 4))
      if (column.has(6)) first = Math.min(first, numberOf(column, 6))
    }
  }
  return first
}

type Slice = (offset: number, size: number) => Uint8Array

function layoutOf(footer: ThriftStruct, size: number, slice: Slice): FileLayout {
  const groups = groupsOf(footer)
  const plain = schemaOf(listOf<ThriftStruct>(footer, 2))
  // How far statistics went is seen from the first row group.
  const sample = groups[0] === undefined ? null : columnsOf(groups[0])
  const schema = plain.map((spec, i): ColumnSpec => {
    const column = sample?.[i]
    if (column === undefined) return spec
    if (column.has(6)) return { ...spec, statistics: 'page' }
    return structOf(structOf(column, 3), 12).has(5) ? { ...spec, statistics: 'chunk' } : spec
  })
  const rowGroups = groups.map(group => {
    const rows = numberOf(group, 3)
    const columns = columnsOf(group)
    if (columns.length !== schema.length) throw new ThriftError('row group of another schema')
    return {
      offset: numberOf(group, 5),
      size: numberOf(group, 6),
      rows,
      columns: columns.map((column, i) => chunkOf(column, schema[i]!, rows, slice)),
    }
  })
  const keyValue: Record<string, string> = {}
  for (const entry of footer.has(5) ? listOf<ThriftStruct>(footer, 5) : []) {
    keyValue[utf8.decode(bytesOf(entry, 1))] = utf8.decode(bytesOf(entry, 2))
  }
  return { size, rows: numberOf(footer, 3), schema, rowGroups, keyValue }
}

function schemaOf(elements: readonly ThriftStruct[]): ColumnSpec[] {
  const columns: ColumnSpec[] = []
  let i = 1
  while (i < elements.length) {
    const element = elements[i]!
    const name = utf8.decode(bytesOf(element, 4))
    const type = typeOf(element)
    i += type === 'list-int32' ? 3 : 1
    columns.push(numberOf(element, 3) === REPETITION.optional ? { name, type, nullable: true } : { name, type })
  }
  if (elements[0] === undefined || numberOf(elements[0], 5) !== columns.length) throw new ThriftError('nested columns')
  return columns
}

function typeOf(element: ThriftStruct): ColumnType {
  const converted = element.has(6) ? numberOf(element, 6) : null
  if (!element.has(1)) {
    if (converted === CONVERTED.list) return 'list-int32'
    throw new ThriftError('nested columns')
  }
  const physical = numberOf(element, 1)
  if (physical === TYPES.int32 && converted === null) return 'int32'
  if (physical === TYPES.boolean && converted === null) return 'boolean'
  if (physical === TYPES.bytes && converted === CONVERTED.utf8) return 'string'
  if (physical === TYPES.int64) {
    if (converted === null) return 'int64'
    if (converted === CONVERTED.uint64) return 'uint64'
    if (converted === CONVERTED.timestampMillis) return 'timestamp-millis'
  }
  throw new ThriftError(`column of type ${physical} annotated ${converted}`)
}

function nameOf<T extends string>(table: Readonly<Record<T, number>>, code: ThriftValue, what: string): T {
  for (const name in table) if (table[name] === code) return name
  throw new ThriftError(`unknown ${what} ${String(code)}`)
}

function chunkOf(column: ThriftStruct, spec: ColumnSpec, groupRows: number, slice: Slice): ChunkLayout {
  const meta = structOf(column, 3)
  const path = listOf<Uint8Array>(meta, 3).map(part => utf8.decode(part))
  if (path.join('\0') !== pathOf(spec).join('\0')) throw new ThriftError(`column ${path.join('.')} out of place`)
  const encoding = nameOf<PageEncoding>(ENCODINGS, listOf(meta, 2)[0] ?? -1, 'encoding')
  const statistics = structOf(meta, 12)
  const locations = listOf<ThriftStruct>(readStruct(slice(numberOf(column, 4), numberOf(column, 5))).value, 1)
  const bounds = column.has(6)
    ? pageBounds(slice(numberOf(column, 6), numberOf(column, 7)), spec, locations.length)
    : []
  const firstRows = locations.map(location => numberOf(location, 3))
  const pages = locations.map((location, i): PageLayout => {
    const firstRow = firstRows[i]!
    const rows = (firstRows[i + 1] ?? groupRows) - firstRow
    if (rows <= 0 || (i === 0 && firstRow !== 0)) throw new ThriftError('pages out of order')
    return {
      offset: numberOf(location, 1),
      size: numberOf(location, 2),
      firstRow,
      rows,
      min: bounds[i]?.min ?? null,
      max: bounds[i]?.max ?? null,
    }
  })
  const dictionaryAt = meta.has(11) ? numberOf(meta, 11) : null
  const offset = dictionaryAt ?? numberOf(meta, 9)
  return {
    column: spec.name,
    offset,
    size: numberOf(meta, 7),
    rawSize: numberOf(meta, 6),
    codec: nameOf<Codec>(CODECS, numberOf(meta, 4), 'codec'),
    encoding,
    nulls: numberOf(statistics, 3),
    dictionary: dictionaryAt === null ? null : { offset: dictionaryAt, size: numberOf(meta, 9) - dictionaryAt },
    pages,
  }
}

function pageBounds(bytes: Uint8Array, spec: ColumnSpec, pages: number) {
  const index = readStruct(bytes).value
  const nullPages = listOf<boolean>(index, 1)
  const min = listOf<Uint8Array>(index, 2)
  const max = listOf<Uint8Array>(index, 3)
  if (nullPages.length !== pages || min.length !== pages || max.length !== pages) {
    throw new ThriftError('page indexes of two lengths')
  }
  if (spec.type === 'string' || spec.type === 'boolean' || spec.type === 'list-int32') return []
  const big = (value: Uint8Array): bigint => {
    if (value.length !== (spec.type === 'int32' ? 4 : 8)) throw new ThriftError('page bound of another size')
    const view = new DataView(value.buffer, value.byteOffset, value.length)
    if (spec.type === 'int32') return BigInt(view.getInt32(0, true))
    return spec.type === 'uint64' ? view.getBigUint64(0, true) : view.getBigInt64(0, true)
  }
  return nullPages.map((isNull, i) => (isNull ? null : { min: big(min[i]!), max: big(max[i]!) }))
}
