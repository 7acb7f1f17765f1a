/**
 * Writes a Parquet file through a sink, row group by row group. Memory: one column chunk, twice while it is compressed.
 *
 * A chunk is compressed with zstd when that makes it smaller, else stored as it is; a codec holds for a whole chunk.
 */
import { zstdCompressSync } from 'node:zlib'
import { assert } from '../base/assert.ts'
import { type ByteBuffer, byteBuffer, writeBytes } from './buffer.ts'
import { pageSource } from './chunk.ts'
import {
  type ChunkIndexes,
  type ChunkRecord,
  hasColumnIndex,
  MAGIC,
  type RowGroupRecord,
  writeColumnIndex,
  writeFooter,
  writeOffsetIndex,
} from './metadata.ts'
import { writePageHeader, zstdParams } from './page.ts'
import type {
  ColumnData,
  ColumnSpec,
  FileLayout,
  PageEncoding,
  PageLayout,
  ParquetWriter,
  Sink,
  WriterOptions,
} from './schema.ts'
import { type Bounds, joinBounds } from './values.ts'

const PAGE_ROWS = 32_768
const FLUSH_BYTES = 1 << 20

interface RawPage {
  readonly start: number
  readonly end: number
  readonly values: number
  readonly firstRow: number
  readonly rows: number
  readonly nulls: number
  readonly bounds: Bounds | null
}

export function createParquetWriter(
  schema: readonly ColumnSpec[],
  sink: Sink,
  options: WriterOptions = {},
): ParquetWriter {
  const level = options.zstdLevel ?? 1
  const params = zstdParams(level)
  const raw = byteBuffer(1 << 16)
  const out = byteBuffer(FLUSH_BYTES)
  const groups: RowGroupRecord[] = []
  let flushed = 0
  let finished = false

  const sortedBy = (options.sortedBy ?? []).map(name => {
    const column = schema.findIndex(spec => spec.name === name)
    assert(column >= 0, `sorted by ${name}, which is no column`)
    return column
  })
  assert(schema.length > 0, 'a file without columns')
  assert(new Set(schema.map(spec => spec.name)).size === schema.length, 'two columns of one name')
  for (const spec of schema) assert(!(spec.type === 'list-int32' && spec.nullable), 'a list is never null')
  writeBytes(out, MAGIC)

  const here = (): number => flushed + out.length
  function flush(): void {
    if (out.length > 0) sink(out.data.subarray(0, out.length))
    flushed += out.length
    out.length = 0
  }

  const compress = (bytes: Uint8Array): Uint8Array =>
    zstdCompressSync(bytes, {
      params,
      pledgedSrcSize: bytes.length,
      chunkSize: bytes.length + (bytes.length >>> 7) + 128,
    })

  /** What a page's bytes come to on disk; used to choose between encodings. */
  const measure = (bytes: Uint8Array): number => (level === 0 ? bytes.length : compress(bytes).length)

  function writeChunk(spec: ColumnSpec, data: ColumnData, rows: number): ChunkRecord {
    raw.length = 0
    const source = pageSource(spec, data, rows, measure)
    const entries = source.dictionary?.(raw) ?? 0
    const dictionaryEnd = raw.length
    const pages = rawPages(raw, rows, pageRows(spec, data), source.page)

    const slices = pages.map(page => raw.data.subarray(page.start, page.end))
    if (source.dictionary !== null) slices.unshift(raw.data.subarray(0, dictionaryEnd))
    let stored = slices
    if (level > 0) {
      const compressed = slices.map(compress)
      if (sizeOf(compressed) < raw.length) stored = compressed
    }

    const offset = here()
    let headers = 0
    const put = (values: number, rawSize: number, bytes: Uint8Array, encoding: PageEncoding | null): number => {
      const start = here()
      writePageHeader(
        out,
        encoding === null ? { kind: 'dictionary' } : { kind: 'data', encoding },
        values,
        rawSize,
        bytes,
      )
      headers += here() - start
      writeBytes(out, bytes)
      const size = here() - start
      if (out.length >= FLUSH_BYTES) flush()
      return size
    }
    let next = 0
    let dictionary: { offset: number; size: number } | null = null
    if (source.dictionary !== null) {
      dictionary = { offset, size: put(entries, dictionaryEnd, stored[next++]!, null) }
    }
    const layouts: PageLayout[] = pages.map(page => ({
      offset: here(),
      size: put(page.values, page.end - page.start, stored[next++]!, source.encoding),
      firstRow: page.firstRow,
      rows: page.rows,
      min: page.bounds?.ints?.min ?? null,
      max: page.bounds?.ints?.max ?? null,
    }))
    return {
      spec,
      layout: {
        column: spec.name,
        offset,
        size: here() - offset,
        rawSize: headers + raw.length,
        codec: stored === slices ? 'none' : 'zstd',
        encoding: source.encoding,
        nulls: pages.reduce((sum, page) => sum + page.nulls, 0),
        dictionary,
        pages: layouts,
      },
      values: pages.reduce((sum, page) => sum + page.values, 0),
      bounds: pages.reduce<Bounds | null>((all, page) => joinBounds(all, page.bounds), null),
      pageBounds: pages.map(page => page.bounds),
      pageNulls: pages.map(page => page.nulls),
    }
  }

  function writeIndexes(): ChunkIndexes[][] {
    const span = (write: () => void) => {
      const offset = here()
      write()
      return { offset, length: here() - offset }
    }
    const columnIndexes = groups.map(group =>
      group.chunks.map(chunk => (hasColumnIndex(chunk) ? span(() => writeColumnIndex(out, chunk)) : null)),
    )
    return groups.map((group, g) =>
      group.chunks.map((chunk, c) => ({
        columnIndex: columnIndexes[g]![c]!,
        offsetIndex: span(() => writeOffsetIndex(out, chunk.layout)),
      })),
    )
  }

  return {
    get written() {
      return here()
    },
    rowGroup(rows, columns) {
      assert(!finished, 'row group after finish')
      assert(rows > 0 && columns.length === schema.length, `row group of ${rows} rows, ${columns.length} columns`)
      const offset = here()
      const chunks = schema.map((spec, i) => writeChunk(spec, columns[i]!, rows))
      const rawSize = chunks.reduce((sum, chunk) => sum + chunk.layout.rawSize, 0)
      groups.push({ rows, offset, size: here() - offset, rawSize, chunks })
    },
    finish(keyValue = {}): FileLayout {
      assert(!finished, 'finish called twice')
      finished = true
      const indexes = writeIndexes()
      const footer = here()
      const createdBy = options.createdBy ?? 'decima'
      writeFooter(out, { schema, rowGroups: groups, indexes, keyValue, createdBy, sortedBy })
      const trailer = new Uint8Array(8)
      new DataView(trailer.buffer).setUint32(0, here() - footer, true)
      trailer.set(MAGIC, 4)
      writeBytes(out, trailer)
      flush()
      return {
        size: here(),
        rows: groups.reduce((sum, group) => sum + group.rows, 0),
        schema,
        rowGroups: groups.map(group => ({
          offset: group.offset,
          size: group.size,
          rows: group.rows,
          columns: group.chunks.map(chunk => chunk.layout),
        })),
        keyValue,
      }
    },
  }
}

function pageRows(spec: ColumnSpec, data: ColumnData): number {
  const rows = spec.pageRows ?? (data.kind === 'runs' && spec.statistics !== 'page' ? Infinity : PAGE_ROWS)
  assert(rows > 0, `column ${spec.name}: pages of ${rows} rows`)
  return rows
}

function rawPages(
  raw: ByteBuffer,
  rows: number,
  perPage: number,
  write: (out: ByteBuffer, from: number, to: number) => { values: number; nulls: number; bounds: Bounds | null },
): RawPage[] {
  const pages: RawPage[] = []
  for (let from = 0; from < rows; from += perPage) {
    const to = Math.min(from + perPage, rows)
    const start = raw.length
    const facts = write(raw, from, to)
    pages.push({ start, end: raw.length, firstRow: from, rows: to - from, ...facts })
  }
  return pages
}

const sizeOf = (pieces: readonly Uint8Array[]): number => pieces.reduce((sum, piece) => sum + piece.length, 0)
