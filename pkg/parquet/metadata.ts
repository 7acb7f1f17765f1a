/**
 * A file's metadata in Thrift: page indexes, then the footer, as `write.ts` lays them and `footer.ts` finds them again.
 *
 *   "PAR1" · row groups · column indexes · offset indexes · FileMetaData · u32 its length · "PAR1"
 */
import { assertNever } from '../base/assert.ts'
import type { ByteBuffer } from './buffer.ts'
import { ENCODINGS, RLE } from './page.ts'
import type { ChunkLayout, ColumnSpec, ColumnType } from './schema.ts'
import { type StructWriter, writeStruct } from './thrift.ts'
import type { Bounds } from './values.ts'

export const MAGIC = new Uint8Array([0x50, 0x41, 0x52, 0x31])
export const CODECS = { none: 0, zstd: 6 } as const
export const TYPES = { boolean: 0, int32: 1, int64: 2, bytes: 6 } as const
export const CONVERTED = { utf8: 0, list: 3, timestampMillis: 9, uint64: 14 } as const
export const REPETITION = { required: 0, optional: 1, repeated: 2 } as const

/** A written chunk: what an index keeps, and what only the metadata needs. */
export interface ChunkRecord {
  readonly spec: ColumnSpec
  readonly layout: ChunkLayout
  readonly values: number
  readonly bounds: Bounds | null
  readonly pageBounds: readonly (Bounds | null)[]
  readonly pageNulls: readonly number[]
}

export interface RowGroupRecord {
  readonly rows: number
  readonly offset: number
  readonly size: number
  readonly rawSize: number
  readonly chunks: readonly ChunkRecord[]
}

export interface Span {
  readonly offset: number
  readonly length: number
}

export interface ChunkIndexes {
  readonly columnIndex: Span | null
  readonly offsetIndex: Span
}

export function physicalType(type: ColumnType): number {
  switch (type) {
    case 'int32':
    case 'list-int32':
      return TYPES.int32
    case 'int64':
    case 'uint64':
    case 'timestamp-millis':
      return TYPES.int64
    case 'string':
      return TYPES.bytes
    case 'boolean':
      return TYPES.boolean
    default:
      return assertNever(type)
  }
}

export const pathOf = (spec: ColumnSpec): readonly string[] =>
  spec.type === 'list-int32' ? [spec.name, 'list', 'element'] : [spec.name]

/** False when the column has no bounds to offer: a column index needs them for every page that is not all null. */
export function hasColumnIndex(chunk: ChunkRecord): boolean {
  return (
    chunk.spec.statistics === 'page' &&
    chunk.layout.pages.every((page, i) => chunk.pageBounds[i] !== null || chunk.pageNulls[i] === page.rows)
  )
}

export function writeColumnIndex(out: ByteBuffer, chunk: ChunkRecord): void {
  const empty = new Uint8Array(0)
  writeStruct(out, s => {
    s.bools(
      1,
      chunk.pageBounds.map(bounds => bounds === null),
    )
    s.binaries(
      2,
      chunk.pageBounds.map(bounds => bounds?.min ?? empty),
    )
    s.binaries(
      3,
      chunk.pageBounds.map(bounds => bounds?.max ?? empty),
    )
    s.i32(4, 0)
    s.i64s(5, chunk.pageNulls)
  })
}

export function writeOffsetIndex(out: ByteBuffer, chunk: ChunkLayout): void {
  writeStruct(out, s => {
    s.structs(1, chunk.pages, (p, page) => {
      p.i64(1, page.offset)
      p.i32(2, page.size)
      p.i64(3, page.firstRow)
    })
  })
}

export interface FooterFacts {
  readonly schema: readonly ColumnSpec[]
  readonly rowGroups: readonly RowGroupRecord[]
  readonly indexes: readonly (readonly ChunkIndexes[])[]
  readonly keyValue: Readonly<Record<string, string>>
  readonly createdBy: string
  readonly sortedBy: readonly number[]
}

export function writeFooter(out: ByteBuffer, facts: FooterFacts): void {
  const { schema, rowGroups, indexes } = facts
  writeStruct(out, s => {
    s.i32(1, 1)
    s.structs(2, [null, ...schema.flatMap(elementsOf)], (e, element) => {
      if (element !== null) return element(e)
      e.binary(4, 'schema')
      e.i32(5, schema.length)
    })
    s.i64(
      3,
      rowGroups.reduce((sum, group) => sum + group.rows, 0),
    )
    s.structs(
      4,
      rowGroups.map((group, i) => ({ group, i })),
      (g, { group, i }) => {
        g.structs(
          1,
          group.chunks.map((chunk, c) => ({ chunk, index: indexes[i]![c]! })),
          writeColumnChunk,
        )
        g.i64(2, group.rawSize)
        g.i64(3, group.rows)
        if (facts.sortedBy.length > 0) {
          g.structs(4, facts.sortedBy, (sorting, column) => {
            sorting.i32(1, column)
            sorting.bool(2, false)
            sorting.bool(3, true)
          })
        }
        g.i64(5, group.offset)
        g.i64(6, group.size)
        if (i < 32_768) g.i16(7, i)
      },
    )
    const entries = Object.entries(facts.keyValue)
    if (entries.length > 0) {
      s.structs(5, entries, (kv, [key, value]) => {
        kv.binary(1, key)
        kv.binary(2, value)
      })
    }
    s.binary(6, facts.createdBy)
    // One order a leaf, the type's own: without it readers must not trust the bounds.
    s.structs(7, schema, order => order.struct(1, () => {}))
  })
}

function writeColumnChunk(s: StructWriter, { chunk, index }: { chunk: ChunkRecord; index: ChunkIndexes }): void {
  const { layout, spec } = chunk
  s.i64(2, layout.offset)
  s.struct(3, m => {
    m.i32(1, physicalType(spec.type))
    const encodings: number[] = [ENCODINGS[layout.encoding], RLE]
    if (layout.dictionary !== null) encodings.push(ENCODINGS.plain)
    m.i32s(2, encodings)
    m.binaries(3, pathOf(spec))
    m.i32(4, CODECS[layout.codec])
    m.i64(5, chunk.values)
    m.i64(6, layout.rawSize)
    m.i64(7, layout.size)
    m.i64(9, layout.pages[0]!.offset)
    if (layout.dictionary !== null) m.i64(11, layout.dictionary.offset)
    m.struct(12, statistics => {
      statistics.i64(3, layout.nulls)
      if ((spec.statistics ?? 'none') === 'none' || chunk.bounds === null) return
      statistics.binary(5, chunk.bounds.max)
      statistics.binary(6, chunk.bounds.min)
    })
  })
  s.i64(4, index.offsetIndex.offset)
  s.i32(5, index.offsetIndex.length)
  if (index.columnIndex !== null) {
    s.i64(6, index.columnIndex.offset)
    s.i32(7, index.columnIndex.length)
  }
}

type Element = (e: StructWriter) => void

function elementsOf(spec: ColumnSpec): Element[] {
  const repetition = spec.nullable === true ? REPETITION.optional : REPETITION.required
  if (spec.type === 'list-int32') {
    return [
      e => {
        e.i32(3, REPETITION.required)
        e.binary(4, spec.name)
        e.i32(5, 1)
        e.i32(6, CONVERTED.list)
        e.struct(10, logical => logical.struct(3, () => {}))
      },
      e => {
        e.i32(3, REPETITION.repeated)
        e.binary(4, 'list')
        e.i32(5, 1)
      },
      e => {
        e.i32(1, TYPES.int32)
        e.i32(3, REPETITION.required)
        e.binary(4, 'element')
      },
    ]
  }
  return [
    e => {
      e.i32(1, physicalType(spec.type))
      e.i32(3, repetition)
      e.binary(4, spec.name)
      switch (spec.type) {
        case 'string':
          e.i32(6, CONVERTED.utf8)
          e.struct(10, logical => logical.struct(1, () => {}))
          break
        case 'timestamp-millis':
          e.i32(6, CONVERTED.timestampMillis)
          e.struct(10, logical =>
            logical.struct(8, timestamp => {
              timestamp.bool(1, true)
              timestamp.struct(2, unit => unit.struct(1, () => {}))
            }),
          )
          break
        case 'uint64':
          e.i32(6, CONVERTED.uint64)
          e.struct(10, logical =>
            logical.struct(10, int => {
              int.byte(1, 64)
              int.bool(2, false)
            }),
          )
          break
      }
    },
  ]
}
