/**
 * What a Parquet file holds and where: the columns a writer is told of, the shapes their values come in, and the layout
 * of a finished file, which an index keeps so that a query can fetch single pages without the footer.
 *
 * Invariants: a page begins at a row boundary; all data pages of one column chunk have one encoding and one codec;
 * the chunks of a row group follow one another in schema order, each as [dictionary page] data page…
 */

export type ColumnType =
  | 'int32'
  | 'int64'
  | 'uint64'
  | 'timestamp-millis' // INT64, TIMESTAMP(MILLIS, isAdjustedToUTC = true)
  | 'string'
  | 'boolean'
  | 'list-int32' // LIST<INT32> as <name>.list.element; list and elements are never null

export interface ColumnSpec {
  readonly name: string // may hold dots; one path element all the same
  readonly type: ColumnType
  readonly nullable?: boolean // default false; never for a list
  /** Rows of a page. Default 32,768; for a column that comes as runs and has no page statistics the whole row group. */
  readonly pageRows?: number
  /** `chunk`: min, max and null count of a column chunk; `page`: of each page too (column index). Default `none`. */
  readonly statistics?: 'none' | 'chunk' | 'page'
}

export interface WriterOptions {
  readonly zstdLevel?: number // default 1; 0 writes everything uncompressed
  readonly createdBy?: string
  /** Columns the rows of every row group are sorted by, most significant first: told to readers, not checked. */
  readonly sortedBy?: readonly string[]
}

/** Strings as JavaScript has them, or as UTF-8: string i is bytes [offsets[i], offsets[i + 1]). */
export type Strings = readonly string[] | { readonly offsets: Int32Array; readonly bytes: Uint8Array }

export type IntEncoding = 'plain' | 'delta' | 'dictionary' | 'byte-stream-split' | 'auto'

/** Neighbouring rows of one value. `index` is into the dictionary, -1 for null; lengths add up to the rows. */
export interface Runs {
  readonly index: Int32Array
  readonly length: Int32Array
}

/**
 * The values of one column in one row group. `nulls[row]` ≠ 0 makes a row null whatever its value. `auto` (the default)
 * decides per chunk between dictionary and delta by writing a sample both ways (strings: dictionary where at most half
 * are distinct). A dictionary may hold entries no run uses: only used ones are written.
 *
 * Times as runs (one run a profile, 300 rows each): milliseconds are 0.009 B/row either way; nanoseconds with jitter 0.031
 * as dictionary and 0.020 as delta, which expands the runs (120 Mrow/s against 2 Grow/s). The last percent of a file is
 * what delta saves.
 */
export type ColumnData =
  | { kind: 'int32'; values: Int32Array; nulls?: Uint8Array; encoding?: IntEncoding }
  | { kind: 'int64'; values: BigInt64Array; nulls?: Uint8Array; encoding?: IntEncoding } // also for timestamps and, as the same bits, uint64
  | { kind: 'boolean'; values: Uint8Array; nulls?: Uint8Array }
  | { kind: 'strings'; values: Strings; nulls?: Uint8Array; encoding?: 'plain' | 'dictionary' | 'auto' }
  | { kind: 'runs'; of: 'string'; dictionary: Strings; runs: Runs } // O(runs)
  | { kind: 'runs'; of: 'int64'; dictionary: BigInt64Array; runs: Runs; encoding?: 'dictionary' | 'delta' } // default dictionary
  | { kind: 'list-int32'; offsets: Int32Array; values: Int32Array; encoding?: IntEncoding } // list i is values [offsets[i], offsets[i + 1])

/** Takes the next bytes of the file. A chunk is borrowed: write or copy it before returning. */
export type Sink = (chunk: Uint8Array) => void

export interface ParquetWriter {
  /** Writes a row group of `rows` rows; `columns` in schema order. Nothing of it is needed after the call. */
  rowGroup(rows: number, columns: readonly ColumnData[]): void
  /** Writes page indexes and footer. The writer is of no further use. */
  finish(keyValue?: Readonly<Record<string, string>>): FileLayout
  /** Bytes handed to the sink so far. */
  readonly written: number
}

export type Codec = 'none' | 'zstd'
export type PageEncoding = 'plain' | 'delta' | 'dictionary' | 'byte-stream-split'

/** Where everything is in a file. Offsets are from its first byte. */
export interface FileLayout {
  readonly size: number
  readonly rows: number
  readonly schema: readonly ColumnSpec[]
  readonly rowGroups: readonly RowGroupLayout[]
  readonly keyValue: Readonly<Record<string, string>>
}

export interface RowGroupLayout {
  readonly offset: number
  readonly size: number
  readonly rows: number
  readonly columns: readonly ChunkLayout[] // in schema order
}

export interface ChunkLayout {
  readonly column: string
  readonly offset: number // of the first page, dictionary included
  readonly size: number
  readonly rawSize: number // as `size`, before compression
  readonly codec: Codec
  readonly encoding: PageEncoding // of the data pages
  readonly nulls: number
  readonly dictionary: { readonly offset: number; readonly size: number } | null // header and data
  readonly pages: readonly PageLayout[] // in row order
}

export interface PageLayout {
  readonly offset: number // of the header
  readonly size: number // header and data
  readonly firstRow: number // in the row group
  readonly rows: number
  /** Bounds of a column of integers (uint64 compared unsigned); null for other types and where all rows are null. */
  readonly min: bigint | null
  readonly max: bigint | null
}
