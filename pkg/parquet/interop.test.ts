/** One file with every type, read by the engines outside: the cells are the same and so are the column types. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { readTable } from './general.ts'
import type { ColumnData, ColumnSpec, IntEncoding } from './schema.ts'
import { createParquetWriter } from './write.ts'

const ROWS = 1000
const GROUPS = 2
const folder = mkdtempSync(join(tmpdir(), 'parquet-interop-'))
const path = join(folder, 'all.parquet')
after(() => rmSync(folder, { recursive: true }))

const SCHEMA: readonly ColumnSpec[] = [
  { name: 'name', type: 'string', statistics: 'page', pageRows: 256 },
  { name: 'timestamp', type: 'timestamp-millis', statistics: 'page', pageRows: 256 },
  { name: 'time_nanos', type: 'int64' },
  { name: 'labels.pod', type: 'string', nullable: true, statistics: 'page' },
  { name: 'stack_id', type: 'int32', pageRows: 300 },
  { name: 'value', type: 'int64', statistics: 'chunk' },
  { name: 'extreme', type: 'int64', nullable: true, statistics: 'page' },
  { name: 'frame_ids', type: 'list-int32', pageRows: 300 },
  { name: 'address', type: 'uint64', nullable: true, statistics: 'page' },
  { name: 'inlined', type: 'boolean' },
  { name: 'function', type: 'string' },
  { name: 'labels.none', type: 'string', nullable: true, statistics: 'page' },
]

const START = 1_700_000_000_000n
const stack = (row: number): number => (row * row) % 777
const value = (row: number): bigint => (row % 20 === 0 ? BigInt(row) * 10n ** 12n : 1n)
const extreme = (row: number): bigint | null => [-(2n ** 63n), 2n ** 63n - 1n, -1n, null, 0n][row % 5] as bigint | null
const frames = (row: number): number[] => Array.from({ length: row % 4 }, (_, i) => row + i)
const address = (row: number): bigint | null => (row % 3 === 0 ? null : 2n ** 64n - 1n - BigInt(row))
const rows = Array.from({ length: ROWS }, (_, row) => row)

/** A profile is ten rows. */
const profiles = { index: Int32Array.from({ length: 100 }, (_, i) => i), length: new Int32Array(100).fill(10) }

function group(ints: IntEncoding, runs: 'dictionary' | 'delta'): ColumnData[] {
  const offsets = new Int32Array(ROWS + 1)
  for (const row of rows) offsets[row + 1] = offsets[row]! + frames(row).length
  const times = BigInt64Array.from({ length: 100 }, (_, i) => START + BigInt(i) * 1000n)
  return [
    { kind: 'runs', of: 'string', dictionary: ['cpu'], runs: { index: Int32Array.of(0), length: Int32Array.of(ROWS) } },
    { kind: 'runs', of: 'int64', dictionary: times, runs: profiles, encoding: runs },
    { kind: 'runs', of: 'int64', dictionary: times.map(t => t * 1_000_000n), runs: profiles, encoding: runs },
    {
      kind: 'runs',
      of: 'string',
      dictionary: ['unused', 'web-ä', 'web-b'],
      runs: { index: Int32Array.of(1, -1, 2), length: Int32Array.of(300, 300, 400) },
    },
    { kind: 'int32', values: Int32Array.from(rows, stack), encoding: ints },
    { kind: 'int64', values: BigInt64Array.from(rows, value), encoding: ints },
    {
      kind: 'int64',
      values: BigInt64Array.from(rows, row => extreme(row) ?? 0n),
      nulls: Uint8Array.from(rows, row => Number(extreme(row) === null)),
      encoding: ints,
    },
    { kind: 'list-int32', offsets, values: Int32Array.from(rows.flatMap(frames)), encoding: ints },
    {
      kind: 'int64',
      values: BigInt64Array.from(rows, row => BigInt.asIntN(64, address(row) ?? 0n)),
      nulls: Uint8Array.from(rows, row => Number(address(row) === null)),
      encoding: ints,
    },
    { kind: 'boolean', values: Uint8Array.from(rows, row => row & 1) },
    { kind: 'strings', values: rows.map(row => `f${row}`) },
    { kind: 'runs', of: 'string', dictionary: ['x'], runs: { index: Int32Array.of(-1), length: Int32Array.of(ROWS) } },
  ]
}

const chunks: Uint8Array[] = []
const writer = createParquetWriter(SCHEMA, chunk => chunks.push(chunk.slice()), { sortedBy: ['name'] })
writer.rowGroup(ROWS, group('delta', 'dictionary'))
writer.rowGroup(ROWS, group('dictionary', 'delta'))
writer.finish({ made: 'by hand' })
writeFileSync(path, Buffer.concat(chunks))

const sum = (values: readonly (bigint | number | null)[]): bigint =>
  values.reduce<bigint>((total, each) => total + BigInt(each ?? 0), 0n)
const both = (values: readonly (bigint | number | null)[]): string => String(sum(values) * BigInt(GROUPS))

test('DuckDB sees the types, the cells and the sums', async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const ask = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson()
  const from = `from '${path}'`
  assert.deepEqual(
    (await ask(`describe select * ${from}`)).map(row => `${row[0]} ${row[1]}`),
    [
      'name VARCHAR',
      'timestamp TIMESTAMP WITH TIME ZONE',
      'time_nanos BIGINT',
      'labels.pod VARCHAR',
      'stack_id INTEGER',
      'value BIGINT',
      'extreme BIGINT',
      'frame_ids INTEGER[]',
      'address UBIGINT',
      'inlined BOOLEAN',
      'function VARCHAR',
      'labels.none VARCHAR',
    ],
  )
  assert.deepEqual(
    await ask(`select count(*), sum(stack_id), sum(value), sum(extreme), sum(address), count(address), sum(list_sum(frame_ids)),
      count_if(inlined), epoch_ms(max(timestamp)), max(time_nanos) ${from}`),
    [
      [
        String(ROWS * GROUPS),
        both(rows.map(stack)),
        both(rows.map(value)),
        both(rows.map(extreme)),
        both(rows.map(address)),
        String(rows.filter(row => address(row) !== null).length * GROUPS),
        both(rows.flatMap(frames)),
        String((ROWS / 2) * GROUPS),
        String(START + 99_000n),
        String((START + 99_000n) * 1_000_000n),
      ],
    ],
  )
  assert.deepEqual(await ask(`select "labels.pod", count(*) ${from} group by 1 order by 2, 1`), [
    ['web-ä', '600'],
    [null, '600'],
    ['web-b', '800'],
  ])
  assert.deepEqual(await ask(`select count("labels.none") ${from}`), [['0']])
  // Predicates go through the statistics.
  assert.deepEqual(
    await ask(
      `select count(*) ${from} where timestamp = make_timestamptz(1700000042000000) and "labels.pod" = 'web-b'`,
    ),
    [['0']],
  )
  assert.deepEqual(await ask(`select count(*) ${from} where address > 18446744073709551613::ubigint`), [['2']])
  assert.deepEqual(await ask(`select frame_ids, "function" ${from} where "function" = 'f7'`), [
    [[7, 8, 9], 'f7'],
    [[7, 8, 9], 'f7'],
  ])
})

test('parquet-wasm reads every cell, from disk and from memory, and only the columns asked for', async () => {
  const table = await readTable(path)
  assert.equal(table.numRows, ROWS * GROUPS)
  const column = (name: string): unknown[] => [...table.getChild(name)!]
  const twice = <T>(cells: readonly T[]): T[] => [...cells, ...cells]
  assert.deepEqual(column('stack_id'), twice(rows.map(stack)))
  assert.deepEqual(column('value'), twice(rows.map(value)))
  assert.deepEqual(column('extreme'), twice(rows.map(extreme)))
  assert.deepEqual(column('address'), twice(rows.map(address)))
  assert.deepEqual(column('function'), twice(rows.map(row => `f${row}`)))
  assert.deepEqual(column('inlined'), twice(rows.map(row => row % 2 === 1)))
  assert.deepEqual(
    column('frame_ids').map(list => [...(list as Iterable<number>)]),
    twice(rows.map(frames)),
  )
  assert.deepEqual(column('timestamp'), twice(rows.map(row => Number(START) + Math.floor(row / 10) * 1000)))
  assert.equal(table.getChild('labels.none')!.nullCount, ROWS * GROUPS)
  const some = await readTable(Buffer.concat(chunks), ['value', 'stack_id'])
  assert.deepEqual(some.schema.fields.map(field => field.name).sort(), ['stack_id', 'value'])
})

const PYTHON = process.env['PYTHON'] ?? 'python3'
const hasPyarrow = spawnSync(PYTHON, ['-c', 'import pyarrow.parquet']).status === 0

test('pyarrow reads the cells and agrees with every checksum', {
  skip: hasPyarrow ? false : `SKIPPED: ${PYTHON} has no pyarrow (set PYTHON to one that has)`,
}, () => {
  const script = `
import sys, pyarrow.parquet as pq
f = pq.ParquetFile(sys.argv[1], page_checksum_verification=True)
t = f.read()
s = lambda name: sum(v for v in t[name].to_pylist() if v is not None)
print(t.num_rows, s('stack_id'), s('value'), s('extreme'), s('address'), sum(map(sum, t['frame_ids'].to_pylist())))
print(t.schema.field('timestamp').type, t.schema.field('address').type, t.schema.field('frame_ids').type.value_type)
print(f.metadata.row_group(0).column(6).statistics.min, f.metadata.row_group(0).column(6).statistics.max)
print(f.metadata.row_group(0).sorting_columns[0].column_index)
`
  const { stdout, stderr, status } = spawnSync(PYTHON, ['-c', script, path], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  const sums = [rows.map(stack), rows.map(value), rows.map(extreme), rows.map(address), rows.flatMap(frames)].map(both)
  assert.deepEqual(stdout.trim().split('\n'), [
    `${ROWS * GROUPS} ${sums.join(' ')}`,
    'timestamp[ms, tz=UTC] uint64 int32',
    '-9223372036854775808 9223372036854775807',
    '0',
  ])
})
