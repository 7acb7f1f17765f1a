/** A block as others see it: hyparquet, DuckDB and parquet-wasm read what was written; damage is named, never added up. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { crc32, zstdDecompressSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { parquetReadObjects } from 'hyparquet'
import { CorruptionError } from '../../pkg/base/errors.ts'
import { readFooter } from '../../pkg/parquet/footer.ts'
import { readTable } from '../../pkg/parquet/general.ts'
import { verifyPages } from '../../pkg/parquet/read.ts'
import type { FileLayout } from '../../pkg/parquet/schema.ts'
import { stackOf, type WriteModel } from '../../test/support/profile-write.ts'
import { randomFrom } from '../../test/support/random.ts'
import { randomWrites, T0_MS } from '../../test/support/random-writes.ts'
import { sumsOf } from '../../test/support/source-text.ts'
import { modelOf } from '../../test/support/store-model.ts'
import { blockOf, headOf } from '../../test/support/temp-block.ts'
import { noReads } from '../scan/source.ts'
import { DEFAULT_SERVICE_LABELS, serviceOf } from '../service.ts'
import { openBlock } from './open.ts'

const HOUR = 3_600_000
const CPU = 'process_cpu:samples:count:cpu:nanoseconds:delta'
const HEAP = 'memory:inuse_space:bytes:space:bytes'
const nanos = (ms: number, rest = 0): bigint => BigInt(ms) * 1_000_000n + BigInt(rest)

interface Row {
  readonly name: string
  readonly sample_type: string
  readonly sample_unit: string
  readonly period_type: string
  readonly period_unit: string
  readonly timestamp: Date
  readonly time_nanos: bigint
  readonly duration: bigint
  readonly period: bigint
  readonly stack_id: number
  readonly value: bigint
  readonly [label: `labels.${string}`]: string | null
}

async function rowsOf<T>(path: string): Promise<T[]> {
  const compressors = { ZSTD: (packed: Uint8Array) => new Uint8Array(zstdDecompressSync(packed)) }
  return (await parquetReadObjects({
    file: Uint8Array.from(readFileSync(path)).buffer,
    compressors,
    utf8: true,
  })) as T[]
}

function layoutOf(path: string): FileLayout {
  const bytes = readFileSync(path)
  const read = readFooter(bytes, { path, size: bytes.length })
  assert.equal(read.kind, 'layout')
  return (read as { layout: FileLayout }).layout
}

const small: WriteModel[] = [
  {
    types: [CPU],
    series: [{ labels: { job: 'api', 'http.route': '/x', größe: 'groß' } }],
    samples: [
      { stack: stackOf('read < serve < main'), values: [3n] },
      { stack: stackOf('-'), values: [-2n] },
      { stack: stackOf('0x7f00000000000001 < main'), values: [2n ** 60n] },
    ],
    timeNanos: nanos(T0_MS + HOUR + 5, 678_901),
    durationNanos: 10_000_000_000n,
    period: 10_000_000n,
  },
  {
    types: [HEAP],
    series: [{ labels: { job: 'api' } }],
    samples: [{ stack: stackOf('serve < main'), values: [1n] }],
    timeNanos: nanos(T0_MS),
  },
]

test('the three files, cell by cell', async () => {
  const { directory, entry } = blockOf(headOf(small))
  assert.deepEqual(readdirSync(directory).sort(), [
    'frames.parquet',
    'index',
    'meta.json',
    'profiles.parquet',
    'stacks.parquet',
  ])
  const rows = await rowsOf<Row>(`${directory}/profiles.parquet`)
  assert.deepEqual(Object.keys(rows[0]!), [
    'name',
    'sample_type',
    'sample_unit',
    'period_type',
    'period_unit',
    'timestamp',
    'time_nanos',
    'duration',
    'period',
    'labels.größe',
    'labels.http.route',
    'labels.job',
    'stack_id',
    'value',
  ])
  const stacks = await rowsOf<{ stack_id: number; frame_ids: number[] }>(`${directory}/stacks.parquet`)
  const frames = await rowsOf<{ frame_id: number; function: string | null; address: bigint | null }>(
    `${directory}/frames.parquet`,
  )
  assert.deepEqual(
    stacks.map(s => s.stack_id),
    stacks.map((_, i) => i),
  )
  const path = (stack: number): string =>
    stacks[stack]!.frame_ids.map(f => frames[f]!.function ?? `0x${frames[f]!.address!.toString(16)}`).join(' < ')
  assert.deepEqual(
    rows.map(r => [r.timestamp.getTime(), r.time_nanos, r.duration, r.period, r.name, path(r.stack_id), r.value]),
    [
      [T0_MS, nanos(T0_MS), 0n, 0n, 'memory', 'serve < main', 1n],
      ...[
        ['read < serve < main', 3n],
        ['', -2n],
        ['0x7f00000000000001 < main', 2n ** 60n],
      ]
        .map(([text, value]) => ({ text, value, id: stacks.findIndex((_, s) => path(s) === text) }))
        .sort((a, b) => a.id - b.id)
        .map(({ text, value }) => [
          T0_MS + HOUR + 5,
          nanos(T0_MS + HOUR + 5, 678_901),
          10_000_000_000n,
          10_000_000n,
          'process_cpu',
          text,
          value,
        ]),
    ],
  )
  assert.deepEqual(
    rows.map(r => [r['labels.job'], r['labels.http.route'], r['labels.größe']]),
    [['api', null, null], ...Array(3).fill(['api', '/x', 'groß'])],
  )
  assert.equal(
    frames.filter(f => f.function !== null).every(f => f.address === null),
    true,
  )
  assert.deepEqual(entry, {
    ulid: entry.ulid,
    minTime: T0_MS,
    maxTime: T0_MS + HOUR + 5,
    level: 0,
    rows: 4,
    profiles: 2,
    bytes: entry.bytes,
  })
})

test('meta.json has length and checksum of every other file', () => {
  const { directory, entry } = blockOf(headOf(small))
  const text = readFileSync(`${directory}/meta.json`, 'utf8')
  const meta = JSON.parse(text)
  assert.deepEqual(
    Object.keys(meta.files).sort(),
    readdirSync(directory)
      .filter(f => f !== 'meta.json')
      .sort(),
  )
  let bytes = text.length
  for (const [name, file] of Object.entries<{ bytes: number; crc32: string }>(meta.files)) {
    const content = readFileSync(`${directory}/${name}`)
    assert.deepEqual(file, { bytes: content.length, crc32: crc32(content).toString(16).padStart(8, '0') }, name)
    bytes += content.length
  }
  assert.equal(entry.bytes, bytes)
  assert.deepEqual(
    [meta.series, meta.profiles, meta.rows, meta.stacks, meta.frames, meta.min_time, meta.max_time],
    [2, 2, 4, 4, 4, T0_MS, T0_MS + HOUR + 5],
  )
})

const big = blockOf(
  headOf(randomWrites(randomFrom(11), { profiles: 150, samples: 60, spanMs: 2.5 * HOUR, wide: true })),
  {
    rowGroupRows: 700,
  },
)

test('rows are sorted, and a row group never spans two hours', async () => {
  const rows = await rowsOf<Row>(`${big.directory}/profiles.parquet`)
  const keys = rows.map(r => {
    const labels = Object.entries(r)
      .filter(([name, value]) => name.startsWith('labels.') && value !== null)
      .map(([name, value]) => ({ name: name.slice(7), value: value as string }))
    const type = `${r.name}:${r.sample_type}:${r.sample_unit}:${r.period_type}:${r.period_unit}${r.duration > 0n ? ':delta' : ''}`
    return [
      Math.floor(r.timestamp.getTime() / HOUR),
      type,
      serviceOf(labels, DEFAULT_SERVICE_LABELS),
      JSON.stringify(labels),
      r.time_nanos,
      r.duration,
      r.period,
      r.stack_id,
    ] as const
  })
  for (let i = 1; i < keys.length; i++) {
    const [a, b] = [keys[i - 1]!, keys[i]!]
    const at = a.findIndex((part, k) => part !== b[k])
    if (at < 0) continue // two profiles of one series and time: equal stacks lie side by side
    if (at === 5 || at === 6) continue // one time, another duration or period: one after the other
    assert.ok(a[at]! < b[at]!, `row ${i}: ${a} before ${b}`)
  }
  const { rowGroups } = layoutOf(`${big.directory}/profiles.parquet`)
  let row = 0
  for (const group of rowGroups) {
    const hours = new Set(keys.slice(row, row + group.rows).map(k => k[0]))
    assert.equal(hours.size, 1)
    row += group.rows
  }
  assert.ok(rowGroups.length >= 3 && rowGroups.slice(0, -1).some(g => g.rows > 300))
  assert.equal(row, rows.length)
})

test('every page of the three files carries its checksum', () => {
  for (const name of ['profiles.parquet', 'stacks.parquet', 'frames.parquet']) {
    const path = `${big.directory}/${name}`
    verifyPages(
      readFileSync(path),
      layoutOf(path).rowGroups.flatMap(g => g.columns),
      path,
    )
  }
})

test('DuckDB: types, sums by label and by stack', async () => {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  const ask = async (sql: string): Promise<(string | null)[][]> => {
    const rows = (await connection.runAndReadAll(sql)).getRows()
    return rows.map(row => row.map(cell => (cell === null ? null : String(cell))))
  }
  const file = (name: string) => `'${big.directory}/${name}.parquet'`
  assert.deepEqual(
    (await ask(`describe select * from ${file('profiles')}`)).map(r => `${r[0]} ${r[1]}`),
    [
      ...['name', 'sample_type', 'sample_unit', 'period_type', 'period_unit'].map(c => `${c} VARCHAR`),
      'timestamp TIMESTAMP WITH TIME ZONE',
      ...['time_nanos', 'duration', 'period'].map(c => `${c} BIGINT`),
      ...['a"b\\c', 'größe', 'http.route', 'job', 'pod', 'service_name', 'thread'].map(c => `labels.${c} VARCHAR`),
      'stack_id INTEGER',
      'value BIGINT',
    ],
  )
  assert.deepEqual(
    (await ask(`describe select * from ${file('stacks')}`)).map(r => `${r[0]} ${r[1]}`),
    ['stack_id INTEGER', 'frame_ids INTEGER[]'],
  )
  assert.deepEqual(
    (await ask(`describe select * from ${file('frames')}`)).map(r => `${r[0]} ${r[1]}`),
    [
      'frame_id INTEGER',
      ...['function', 'system_name', 'file'].map(c => `${c} VARCHAR`),
      'line BIGINT',
      'start_line BIGINT',
      'address UBIGINT',
      'inlined BOOLEAN',
      'mapping VARCHAR',
      'build_id VARCHAR',
    ],
  )
  const model = modelOf(randomWrites(randomFrom(11), { profiles: 150, samples: 60, spanMs: 2.5 * HOUR, wide: true }))
  const byPod = new Map<string | null, bigint>()
  for (const [key, sums] of model) {
    if (sums.size === 0) continue
    const pod = /pod="([^"]*)"/.exec(key)?.[1] ?? null
    byPod.set(
      pod,
      [...sums.values()].reduce((a, b) => a + b, byPod.get(pod) ?? 0n),
    )
  }
  assert.deepEqual(
    new Map(
      (await ask(`select "labels.pod", sum(value::hugeint) from ${file('profiles')} group by 1`)).map(([p, v]) => [
        p!,
        BigInt(v!),
      ]),
    ),
    byPod,
  )
  const leaf = await ask(
    `select coalesce(f."function", ''), sum(p.value::hugeint) from ${file('profiles')} p
     join ${file('stacks')} s using (stack_id) left join ${file('frames')} f on f.frame_id = s.frame_ids[1]
     group by 1`,
  )
  const byLeaf = new Map<string, bigint>()
  for (const sums of model.values()) {
    for (const [stack, sum] of sums) {
      const name = /^~?([^@(]*)/.exec(stack)![1]!
      byLeaf.set(name, (byLeaf.get(name) ?? 0n) + sum)
    }
  }
  for (const [name, sum] of byLeaf) if (sum === 0n) byLeaf.delete(name)
  assert.deepEqual(
    new Map(
      leaf
        .map(([f, v]) => [f!, BigInt(v!)] as const)
        .filter(([, v]) => v !== 0n)
        .sort(),
    ),
    new Map([...byLeaf].sort()),
  )
  connection.closeSync()
})

test('parquet-wasm: as many rows, the same sums', async () => {
  const table = await readTable(`${big.directory}/profiles.parquet`, ['value', 'timestamp'])
  assert.equal(table.numRows, big.entry.rows)
  const rows = await rowsOf<Row>(`${big.directory}/profiles.parquet`)
  const sum = (values: Iterable<bigint>) => [...values].reduce((a, b) => a + b, 0n)
  assert.equal(sum(table.getChild('value')!), sum(rows.map(r => r.value)))
  assert.match(String(table.schema.fields.find(f => f.name === 'timestamp')!.type), /MILLISECOND, UTC/)
})

test('a byte flipped in a page that is read is an error with the file; elsewhere the numbers stay', () => {
  const path = `${big.directory}/profiles.parquet`
  const good = readFileSync(path)
  const read = () => {
    const { source, close } = openBlock(big.directory, 'x', noReads())
    try {
      return sumsOf(source, [...Array(source.profiles.length).keys()])
    } finally {
      close()
    }
  }
  const want = read()
  const hot = new Uint8Array(good.length)
  for (const group of layoutOf(path).rowGroups) {
    for (const { column, offset, size } of group.columns) {
      if (column === 'stack_id' || column === 'value') hot.fill(1, offset, offset + size)
    }
  }
  const random = randomFrom(4)
  try {
    for (let i = 0; i < 60; i++) {
      const offset = random.below(good.length)
      const bad = Uint8Array.from(good)
      bad[offset]! ^= 1 << random.below(8)
      writeFileSync(path, bad)
      if (hot[offset] === 0) assert.deepEqual(read(), want)
      else assert.throws(read, (e: unknown) => e instanceof CorruptionError && e.path === path, `byte ${offset}`)
    }
    writeFileSync(path, good.subarray(0, good.length >> 1))
    assert.throws(read, (e: unknown) => e instanceof CorruptionError && e.path === path)
  } finally {
    writeFileSync(path, good)
  }
})

test('what int64 cannot hold as a double, and lines of any size, come through', async () => {
  const at = { lines: [{ function: 'f', line: -(2 ** 52), startLine: 2 ** 63 }] }
  const { directory } = blockOf(
    headOf([{ ...small[0]!, samples: [{ stack: [at], values: [1n] }], durationNanos: 2n ** 63n - 1n, period: -5n }]),
  )
  const frames = await rowsOf<{ line: bigint; start_line: bigint }>(`${directory}/frames.parquet`)
  assert.deepEqual([frames[0]!.line, frames[0]!.start_line], [-(2n ** 52n), 2n ** 63n - 1n])
  const [row] = await rowsOf<Row>(`${directory}/profiles.parquet`)
  assert.deepEqual([row!.duration, row!.period], [2n ** 63n - 1n, -5n])
  const { source, close } = openBlock(directory, 'x', noReads())
  assert.deepEqual([source.frames.line[0], source.frames.startLine[0]], [-(2 ** 52), 2 ** 63])
  close()
})

test('a head of profiles without samples is a block without rows', async () => {
  const { directory, entry } = blockOf(headOf(small.map(w => ({ ...w, samples: [] }))))
  assert.deepEqual([entry.rows, entry.profiles], [0, 2])
  assert.deepEqual(await rowsOf<Row>(`${directory}/profiles.parquet`), [])
  const { source, close } = openBlock(directory, 'x', noReads())
  assert.equal(source.profiles.length, 2)
  close()
})

test('a block that cannot be written whole leaves nothing', () => {
  const { directory } = blockOf(headOf(small))
  const head = headOf(small)
  assert.throws(() => blockOf(head, { rowGroupRows: Number.NaN, ...{ directory } }))
  assert.equal(
    readdirSync(`${directory}/..`).some(name => name.endsWith('.tmp')),
    false,
  )
})
