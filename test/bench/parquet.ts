/**
 * Rows per second of the Parquet writer and of its readers, by encoding, beside a plain copy of a typed array and beside
 * hyparquet on the same bytes in the same run.
 *
 *   node test/bench/parquet.ts [rows, default 2000000]
 *
 * The rows are those of dense CPU profiles: 300 a profile, stacks rising within it and popular by Zipf, most values one
 * period. Best of three passes.
 */
import { zstdDecompressSync } from 'node:zlib'
import { parquetMetadata, parquetRead } from 'hyparquet'
import {
  openDictionary,
  type PageFormat,
  readFloat64Page,
  readInt32Page,
  readInt64Page,
} from '../../pkg/parquet/read.ts'
import type { ColumnData, ColumnSpec, FileLayout, Runs } from '../../pkg/parquet/schema.ts'
import { createParquetWriter } from '../../pkg/parquet/write.ts'

const ROWS = Number(process.argv[2] ?? 2_000_000)
const GROUP = Math.min(ROWS, 1_000_000)
const PER_PROFILE = 300
const STACKS = 28_500
const INTS = ['plain', 'delta', 'dictionary', 'byte-stream-split'] as const

let seed = 1
const random = (): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) | 0
  return (seed >>> 0) / 4294967296
}

const stacks = new Int32Array(GROUP)
const values = new BigInt64Array(GROUP)
for (let from = 0; from < GROUP; from += PER_PROFILE) {
  const profile = stacks.subarray(from, from + PER_PROFILE)
  for (let i = 0; i < profile.length; i++) profile[i] = Math.floor(STACKS ** random()) - 1
  profile.sort()
}
for (let i = 0; i < GROUP; i++)
  values[i] = random() < 0.945 ? 10_000_000n : 10_000_000n * BigInt(2 + Math.floor(40 ** random()))

const profiles = Math.ceil(GROUP / PER_PROFILE)
const lengths = Int32Array.from({ length: profiles }, (_, i) => Math.min(PER_PROFILE, GROUP - i * PER_PROFILE))
const runsOf = (index: (profile: number) => number): Runs => ({
  index: Int32Array.from({ length: profiles }, (_, i) => index(i)),
  length: lengths,
})
// A series is scraped every 10 s for an hour: times rise within it, then start again with the next.
const times = BigInt64Array.from({ length: profiles }, (_, i) => 1_700_000_000_000n + BigInt((i % 360) * 10_000))
const nanos = times.map(t => t * 1_000_000n + BigInt(Math.floor(random() * 1e6)))

function write(
  schema: readonly ColumnSpec[],
  columns: readonly ColumnData[],
): { bytes: Uint8Array; layout: FileLayout } {
  const chunks: Uint8Array[] = []
  const writer = createParquetWriter(schema, chunk => chunks.push(chunk.slice()))
  for (let row = 0; row + GROUP <= ROWS; row += GROUP) writer.rowGroup(GROUP, columns)
  const layout = writer.finish()
  return { bytes: Buffer.concat(chunks), layout }
}

async function best(run: () => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 3; i++) {
    const start = performance.now()
    await run()
    least = Math.min(least, performance.now() - start)
  }
  return least
}

const ints32 = new Int32Array(GROUP)
const words = new Int32Array(GROUP * 2)
const floats = new Float64Array(GROUP)

function read({ bytes, layout }: { bytes: Uint8Array; layout: FileLayout }, as: 'int32' | 'words' | 'floats'): void {
  const perValue = as === 'int32' ? 1 : 2
  for (const group of layout.rowGroups) {
    const { codec, encoding, dictionary, pages } = group.columns[0]!
    const format: PageFormat = {
      codec,
      encoding,
      dictionary:
        dictionary === null
          ? null
          : openDictionary(bytes.subarray(dictionary.offset, dictionary.offset + dictionary.size), codec, perValue, {
              path: 'bench',
              offset: dictionary.offset,
            }),
    }
    for (const page of pages) {
      const at = bytes.subarray(page.offset, page.offset + page.size)
      const place = { path: 'bench', offset: page.offset }
      if (as === 'int32') readInt32Page(at, page.rows, format, ints32, page.firstRow, place)
      else if (as === 'words') readInt64Page(at, page.rows, format, words, page.firstRow, place)
      else readFloat64Page(at, page.rows, format, floats, page.firstRow, place)
    }
  }
}

async function readWithHyparquet(bytes: Uint8Array): Promise<void> {
  const file = bytes.slice().buffer as ArrayBuffer
  const compressors = { ZSTD: (packed: Uint8Array) => new Uint8Array(zstdDecompressSync(packed)) }
  await parquetRead({ file, metadata: parquetMetadata(file), compressors, onChunk: () => {} })
}

const speed = (ms: number): string => `${(ROWS / ms / 1000).toFixed(1).padStart(7)} Mrow/s`
const size = (bytes: number): string => `${(bytes / ROWS).toFixed(3)} B/row`

console.log(`${ROWS} rows, row groups of ${GROUP}`)
const copy32 = await best(() => {
  for (let row = 0; row < ROWS; row += GROUP) ints32.set(stacks)
})
console.log(`copy of an Int32Array             ${speed(copy32)}`)

for (const [name, type, readers] of [
  ['stack_id', 'int32', ['int32']],
  ['value', 'int64', ['words', 'floats']],
] as const) {
  for (const encoding of [...INTS, 'auto'] as const) {
    const data: ColumnData =
      type === 'int32' ? { kind: 'int32', values: stacks, encoding } : { kind: 'int64', values, encoding }
    let file = write([{ name, type }], [data])
    const wrote = await best(() => {
      file = write([{ name, type }], [data])
    })
    const decoded: string[] = []
    for (const as of readers) decoded.push(`${as} ${speed(await best(() => read(file, as)))}`)
    const other = await best(() => readWithHyparquet(file.bytes))
    const chosen = file.layout.rowGroups[0]!.columns[0]!.encoding
    console.log(
      `${name.padEnd(9)}${(encoding === 'auto' ? `auto: ${chosen}` : encoding).padEnd(18)} ${size(file.bytes.length)}  write ${speed(wrote)}  read ${decoded.join(', ')}  hyparquet ${speed(other)}`,
    )
  }
}

for (const [name, dictionary] of [
  ['timestamp', times],
  ['time_nanos', nanos],
] as const) {
  for (const encoding of ['dictionary', 'delta'] as const) {
    const data: ColumnData = { kind: 'runs', of: 'int64', dictionary, runs: runsOf(i => i), encoding }
    let bytes = 0
    const wrote = await best(() => {
      bytes = write([{ name, type: 'int64' }], [data]).bytes.length
    })
    console.log(`${name} from runs, ${encoding.padEnd(10)} ${size(bytes)}  write ${speed(wrote)}`)
  }
}

const label = (name: string, distinct: number): [ColumnSpec, ColumnData] => [
  { name, type: 'string', nullable: true, statistics: 'page' },
  {
    kind: 'runs',
    of: 'string',
    dictionary: Array.from({ length: distinct }, (_, i) => `${name}-${i}`),
    runs: runsOf(i => Math.floor(i / 360) % distinct),
  },
]
const time = (
  name: string,
  dictionary: BigInt64Array,
  type: 'int64' | 'timestamp-millis',
): [ColumnSpec, ColumnData] => [
  { name, type, statistics: 'page' },
  { kind: 'runs', of: 'int64', dictionary, runs: runsOf(i => (dictionary.length === 1 ? 0 : i)) },
]
const flat: [ColumnSpec, ColumnData][] = [
  ...['name', 'sample_type', 'sample_unit', 'period_type', 'period_unit'].map(name => label(name, 1)),
  time('timestamp', times, 'timestamp-millis'),
  time('time_nanos', nanos, 'int64'),
  time('duration', BigInt64Array.of(10_000_000_000n), 'int64'),
  time('period', BigInt64Array.of(10_000_000n), 'int64'),
  ...['labels.service', 'labels.pod', 'labels.node', 'labels.zone'].map((name, i) => label(name, 10 - i * 2)),
  [
    { name: 'stack_id', type: 'int32' },
    { kind: 'int32', values: stacks, encoding: 'delta' },
  ],
  [
    { name: 'value', type: 'int64' },
    { kind: 'int64', values, encoding: 'auto' },
  ],
]
let whole = 0
const wrote = await best(() => {
  whole = write(
    flat.map(([spec]) => spec),
    flat.map(([, data]) => data),
  ).bytes.length
})
console.log(`the full flat row, ${flat.length} columns    ${size(whole)}  write ${speed(wrote)}`)
console.log(`peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`)
