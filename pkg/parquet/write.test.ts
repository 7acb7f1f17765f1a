import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { parquetReadObjects } from 'hyparquet'
import { readFooter } from './footer.ts'
import type { PageFormat } from './read.ts'
import { openDictionary, readFloat64Page, readInt32Page, readInt64Page, readListPage, verifyPages } from './read.ts'
import type { ChunkLayout, ColumnData, ColumnSpec, ColumnType, FileLayout, Runs, WriterOptions } from './schema.ts'
import { wordsOf } from './values.ts'
import { createParquetWriter } from './write.ts'

type Cell = bigint | string | boolean | number[] | null

/** One column as a table of cells, and as what the writer takes. */
interface Column {
  readonly spec: ColumnSpec
  readonly groups: readonly { data: ColumnData; cells: Cell[] }[]
}

interface File {
  readonly bytes: Uint8Array
  readonly layout: FileLayout
}

function write(columns: readonly Column[], rows: readonly number[], options: WriterOptions = {}): File {
  const chunks: Uint8Array[] = []
  const writer = createParquetWriter(
    columns.map(column => column.spec),
    chunk => chunks.push(chunk.slice()),
    options,
  )
  for (const [g, count] of rows.entries()) {
    writer.rowGroup(
      count,
      columns.map(column => column.groups[g]!.data),
    )
  }
  const layout = writer.finish({ key: 'välue' })
  return { bytes: new Uint8Array(Buffer.concat(chunks)), layout }
}

async function readAll(bytes: Uint8Array): Promise<Record<string, unknown>[]> {
  const compressors = { ZSTD: (packed: Uint8Array) => new Uint8Array(zstdDecompressSync(packed)) }
  return parquetReadObjects({ file: bytes.slice().buffer, compressors, utf8: true })
}

const cellOf = (value: unknown): Cell => {
  if (value === undefined || value === null) return null
  if (typeof value === 'number') return BigInt(value)
  if (value instanceof Date) return BigInt(value.getTime())
  return value as Cell
}

const bits64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -2n, max: 2n }),
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, -1n),
)
const bits32 = fc.oneof(fc.integer(), fc.integer({ min: -2, max: 2 }))
const INT_ENCODINGS = ['plain', 'delta', 'dictionary', 'byte-stream-split', 'auto'] as const
const statistics = fc.constantFrom('none', 'chunk', 'page')
const pageRows = fc.constantFrom(undefined, 1, 7, 64)

const listOf = <T>(item: fc.Arbitrary<T>, length: number): fc.Arbitrary<T[]> =>
  fc.array(item, { minLength: length, maxLength: length, size: 'max' })

/** `nulls` and the cells they leave. */
function masked<T extends Cell>(cells: T[], mask: boolean[] | null): { nulls?: Uint8Array; cells: Cell[] } {
  if (mask === null) return { cells }
  return { nulls: Uint8Array.from(mask, Number), cells: cells.map((cell, i) => (mask[i] ? null : cell)) }
}

type Shape = (length: number, nullable: boolean) => fc.Arbitrary<{ data: ColumnData; cells: Cell[] }>

const maskOf = (length: number, nullable: boolean): fc.Arbitrary<boolean[] | null> =>
  nullable ? fc.option(listOf(fc.boolean(), length)) : fc.constant(null)

const longs =
  (unsigned: boolean): Shape =>
  (length, nullable) =>
    fc
      .tuple(listOf(bits64, length), maskOf(length, nullable), fc.constantFrom(...INT_ENCODINGS))
      .map(([list, mask, encoding]) => {
        const shown = unsigned ? list.map(value => BigInt.asUintN(64, value)) : list
        const { nulls, cells } = masked(shown, mask)
        const data: ColumnData = { kind: 'int64', values: BigInt64Array.from(list), encoding }
        return { data: nulls === undefined ? data : { ...data, nulls }, cells }
      })

const runsOf = (length: number, entries: number, nullable: boolean): fc.Arbitrary<Runs> =>
  fc
    .array(fc.tuple(fc.integer({ min: nullable ? -1 : 0, max: entries - 1 }), fc.nat(length)), { maxLength: 30 })
    .map(pieces => {
      const index: number[] = []
      const lengths: number[] = []
      let left = length
      for (const [at, want] of pieces) {
        const take = Math.min(want, left)
        index.push(at)
        lengths.push(take)
        left -= take
      }
      index.push(0)
      lengths.push(left)
      return { index: Int32Array.from(index), length: Int32Array.from(lengths) }
    })

function expand<T extends Cell>(runs: Runs, dictionary: readonly T[]): Cell[] {
  const cells: Cell[] = []
  runs.index.forEach((at, i) => {
    for (let n = 0; n < runs.length[i]!; n++) cells.push(at < 0 ? null : dictionary[at]!)
  })
  return cells
}

const SHAPES: Record<string, { type: ColumnType; shape: Shape; nullable: boolean }> = {
  int32: {
    type: 'int32',
    nullable: true,
    shape: (length, nullable) =>
      fc
        .tuple(listOf(bits32, length), maskOf(length, nullable), fc.constantFrom(...INT_ENCODINGS))
        .map(([list, mask, encoding]) => {
          const { nulls, cells } = masked(list.map(BigInt), mask)
          const data: ColumnData = { kind: 'int32', values: Int32Array.from(list), encoding }
          return { data: nulls === undefined ? data : { ...data, nulls }, cells }
        }),
  },
  int64: { type: 'int64', nullable: true, shape: longs(false) },
  uint64: { type: 'uint64', nullable: true, shape: longs(true) },
  boolean: {
    type: 'boolean',
    nullable: true,
    shape: (length, nullable) =>
      fc.tuple(listOf(fc.boolean(), length), maskOf(length, nullable)).map(([list, mask]) => {
        const { nulls, cells } = masked(list, mask)
        const data: ColumnData = { kind: 'boolean', values: Uint8Array.from(list, Number) }
        return { data: nulls === undefined ? data : { ...data, nulls }, cells }
      }),
  },
  strings: {
    type: 'string',
    nullable: true,
    shape: (length, nullable) =>
      fc
        .tuple(
          listOf(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', 'ä', 'b')), length),
          maskOf(length, nullable),
          fc.constantFrom('plain', 'dictionary', 'auto'),
        )
        .map(([list, mask, encoding]) => {
          const { nulls, cells } = masked(list, mask)
          const data: ColumnData = { kind: 'strings', values: list, encoding }
          return { data: nulls === undefined ? data : { ...data, nulls }, cells }
        }),
  },
  'runs of strings': {
    type: 'string',
    nullable: true,
    shape: (length, nullable) =>
      fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 9 }).chain(dictionary =>
        runsOf(length, dictionary.length, nullable).map(runs => ({
          data: { kind: 'runs', of: 'string', dictionary, runs },
          cells: expand(runs, dictionary),
        })),
      ),
  },
  'runs of int64': {
    type: 'int64',
    nullable: true,
    shape: (length, nullable) =>
      fc
        .tuple(fc.array(bits64, { minLength: 1, maxLength: 9 }), fc.constantFrom('dictionary', 'delta'))
        .chain(([dictionary, encoding]) =>
          runsOf(length, dictionary.length, nullable).map(runs => ({
            data: { kind: 'runs', of: 'int64', dictionary: BigInt64Array.from(dictionary), runs, encoding },
            cells: expand(runs, dictionary),
          })),
        ),
  },
  lists: {
    type: 'list-int32',
    nullable: false,
    shape: length =>
      fc
        .tuple(listOf(fc.array(bits32, { maxLength: 6 }), length), fc.constantFrom(...INT_ENCODINGS))
        .map(([lists, encoding]) => {
          const offsets = Int32Array.from([3, ...lists.map(list => list.length)])
          for (let i = 1; i < offsets.length; i++) offsets[i]! += offsets[i - 1]!
          const values = Int32Array.from([9, 9, 9, ...lists.flat(), 9])
          return { data: { kind: 'list-int32', offsets, values, encoding }, cells: lists }
        }),
  },
}

/** A file of one column, two row groups. */
const fileOf = ({ type, shape, nullable }: { type: ColumnType; shape: Shape; nullable: boolean }) =>
  fc
    .record({
      rows: fc.tuple(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 20 })),
      nullable: nullable ? fc.boolean() : fc.constant(false),
      statistics,
      pageRows,
      zstdLevel: fc.constantFrom(0, 1),
    })
    .chain(facts =>
      fc.tuple(...facts.rows.map(count => shape(count, facts.nullable))).map(groups => {
        const spec: ColumnSpec = {
          name: 'labels.x',
          type,
          nullable: facts.nullable,
          statistics: facts.statistics,
          ...(facts.pageRows === undefined ? {} : { pageRows: facts.pageRows }),
        }
        return { ...facts, column: { spec, groups } satisfies Column }
      }),
    )

for (const [name, kind] of Object.entries(SHAPES)) {
  test(`${name}: hyparquet, the footer and the own reader agree with the cells`, async () => {
    await fc.assert(
      fc.asyncProperty(fileOf(kind), async ({ column, rows, zstdLevel }) => {
        const file = write([column], rows, { zstdLevel })
        const cells = column.groups.flatMap(group => group.cells)
        const got = (await readAll(file.bytes)).map(row => row['labels.x'])
        assert.deepEqual(
          got.map(value => (Array.isArray(value) ? value : cellOf(value))),
          cells,
        )
        checkFooter(file)
        for (const [g, group] of column.groups.entries()) {
          const chunk = file.layout.rowGroups[g]!.columns[0]!
          assert.equal(chunk.nulls, group.cells.filter(cell => cell === null).length)
          checkPages(file, column.spec, chunk, group.cells)
        }
      }),
      { numRuns: 60 },
    )
  })
}

/** The footer tells the layout again, but for page bounds where the file has no column index. */
function checkFooter({ bytes, layout }: File): void {
  const read = readFooter(bytes, { path: 'x', size: bytes.length })
  assert.equal(read.kind, 'layout')
  if (read.kind !== 'layout') return
  const bare = (file: FileLayout) => ({
    ...file,
    schema: file.schema.map(({ name, type, nullable }) => ({ name, type, nullable: nullable === true })),
    rowGroups: file.rowGroups.map(group => ({
      ...group,
      columns: group.columns.map(chunk => ({
        ...chunk,
        pages: chunk.pages.map(page => ({ ...page, min: null, max: null })),
      })),
    })),
  })
  assert.deepEqual(bare(read.layout), bare(layout))
  const verified = read.layout.rowGroups.flatMap(group => group.columns)
  verifyPages(bytes, verified, 'x')
  let need = 8
  for (let tries = 0; tries < 4; tries++) {
    const again = readFooter(bytes.subarray(bytes.length - need), { path: 'x', size: bytes.length })
    if (again.kind === 'layout') return
    assert.ok(again.bytes > need)
    need = again.bytes
  }
  assert.fail('the footer asks for more and more')
}

function checkPages({ bytes }: File, spec: ColumnSpec, chunk: ChunkLayout, cells: Cell[]): void {
  const isInt = spec.type === 'int32' || spec.type === 'int64' || spec.type === 'uint64'
  if (isInt) {
    for (const page of chunk.pages) {
      const present = cells.slice(page.firstRow, page.firstRow + page.rows).filter(cell => cell !== null) as bigint[]
      present.sort((a, b) => (a < b ? -1 : 1))
      assert.deepEqual([page.min, page.max], [present[0] ?? null, present.at(-1) ?? null])
    }
  }
  if (spec.nullable === true || !(isInt || spec.type === 'list-int32')) return
  const perValue = spec.type === 'int64' || spec.type === 'uint64' ? 2 : 1
  const format: PageFormat = {
    ...chunk,
    dictionary:
      chunk.dictionary === null
        ? null
        : openDictionary(
            bytes.subarray(chunk.dictionary.offset, chunk.dictionary.offset + chunk.dictionary.size),
            chunk.codec,
            perValue,
            { path: 'x', offset: chunk.dictionary.offset },
          ),
  }
  for (const page of chunk.pages) {
    const place = { path: 'x', offset: page.offset }
    const at = bytes.subarray(page.offset, page.offset + page.size)
    const want = cells.slice(page.firstRow, page.firstRow + page.rows)
    if (spec.type === 'list-int32') {
      const { offsets, values } = readListPage(at, page.rows, format, place)
      const lists = want.map((_, i) => [...values.subarray(offsets[i]!, offsets[i + 1]!)])
      assert.deepEqual(lists, want)
    } else if (perValue === 1) {
      const out = new Int32Array(page.rows + 1)
      readInt32Page(at, page.rows, format, out, 1, place)
      assert.deepEqual([...out.subarray(1)].map(BigInt), want)
    } else {
      const out = new BigInt64Array(page.rows + 1)
      readInt64Page(at, page.rows, format, wordsOf(out), 1, place)
      const signed = want.map(cell => BigInt.asIntN(64, cell as bigint))
      assert.deepEqual([...out.subarray(1)], signed)
      const floats = new Float64Array(page.rows)
      if (signed.every(value => Number.isSafeInteger(Number(value)))) {
        readFloat64Page(at, page.rows, format, floats, 0, place)
        assert.deepEqual([...floats].map(BigInt), signed)
      } else if (signed.some(value => value > 2n ** 53n || value < -(2n ** 53n))) {
        assert.throws(() => readFloat64Page(at, page.rows, format, floats, 0, place), /2\^53/)
      }
    }
  }
}

test('a file without rows is a file', async () => {
  const spec: ColumnSpec = { name: 'a', type: 'int32' }
  const file = write([{ spec, groups: [] }], [])
  assert.deepEqual(await readAll(file.bytes), [])
  checkFooter(file)
})
