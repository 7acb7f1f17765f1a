import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CorruptionError } from '../base/errors.ts'
import { readFooter } from './footer.ts'
import { openDictionary, type PageFormat, readFloat64Page, readInt32Page, readInt64Page, verifyPages } from './read.ts'
import type { ChunkLayout, FileLayout, IntEncoding } from './schema.ts'
import { createParquetWriter } from './write.ts'

const ROWS = 500

function fileOf(encoding: IntEncoding, zstdLevel: number): { bytes: Uint8Array; layout: FileLayout } {
  const chunks: Uint8Array[] = []
  const writer = createParquetWriter(
    [
      { name: 'a', type: 'int32', pageRows: 200 },
      { name: 'b', type: 'int64', pageRows: 200, statistics: 'page' },
    ],
    chunk => chunks.push(chunk.slice()),
    { zstdLevel },
  )
  const a = Int32Array.from({ length: ROWS }, (_, i) => (i * 7919) % 97)
  writer.rowGroup(ROWS, [
    { kind: 'int32', values: a, encoding },
    { kind: 'int64', values: BigInt64Array.from(a, BigInt), encoding },
  ])
  const layout = writer.finish()
  return { bytes: new Uint8Array(Buffer.concat(chunks)), layout }
}

function readChunk(bytes: Uint8Array, chunk: ChunkLayout, perValue: 1 | 2): void {
  const { codec, encoding, dictionary } = chunk
  const format: PageFormat = {
    codec,
    encoding,
    dictionary:
      dictionary === null
        ? null
        : openDictionary(bytes.subarray(dictionary.offset, dictionary.offset + dictionary.size), codec, perValue, {
            path: 'x.parquet',
            offset: dictionary.offset,
          }),
  }
  for (const page of chunk.pages) {
    const at = bytes.subarray(page.offset, page.offset + page.size)
    const place = { path: 'x.parquet', offset: page.offset }
    if (perValue === 1) readInt32Page(at, page.rows, format, new Int32Array(page.rows), 0, place)
    else {
      readInt64Page(at, page.rows, format, new Int32Array(page.rows * 2), 0, place)
      readFloat64Page(at, page.rows, format, new Float64Array(page.rows), 0, place)
    }
  }
}

for (const encoding of ['plain', 'delta', 'dictionary', 'byte-stream-split'] as const) {
  for (const zstdLevel of [0, 1]) {
    test(`any bit turned in a ${encoding} page is found (zstd ${zstdLevel})`, () => {
      const { bytes, layout } = fileOf(encoding, zstdLevel)
      for (const [c, chunk] of layout.rowGroups[0]!.columns.entries()) {
        readChunk(bytes, chunk, c === 0 ? 1 : 2)
        for (let at = chunk.offset; at < chunk.offset + chunk.size; at++) {
          const bit = 1 << (at & 7)
          for (const flip of new Set([bit, 1, 128])) {
            bytes[at]! ^= flip
            assert.throws(
              () => readChunk(bytes, chunk, c === 0 ? 1 : 2),
              (error: unknown) => error instanceof CorruptionError && error.path === 'x.parquet',
              `byte ${at} ^ ${flip}`,
            )
            bytes[at]! ^= flip
          }
        }
      }
    })
  }
}

test('the error names file, page and both checksums', () => {
  const { bytes, layout } = fileOf('delta', 1)
  const chunk = layout.rowGroups[0]!.columns[0]!
  const page = chunk.pages[1]!
  bytes[page.offset + page.size - 1]! ^= 1
  assert.throws(
    () => verifyPages(bytes, [chunk], 'b/profiles.parquet'),
    error =>
      error instanceof CorruptionError &&
      new RegExp(`^b/profiles.parquet@${page.offset}: crc32 mismatch: want [0-9a-f]{8}, got [0-9a-f]{8}$`).test(
        error.message,
      ),
  )
})

test('a page read as another column, encoding or row count is refused', () => {
  const { bytes, layout } = fileOf('delta', 1)
  const chunk = layout.rowGroups[0]!.columns[0]!
  const page = chunk.pages[0]!
  const at = bytes.subarray(page.offset, page.offset + page.size)
  const out = new Int32Array(1000)
  const place = { path: 'x', offset: page.offset }
  const format: PageFormat = { codec: chunk.codec, encoding: 'delta', dictionary: null }
  assert.throws(() => readInt32Page(at, 199, format, out, 0, place), /page of 200 rows where 199/)
  assert.throws(() => readInt32Page(at, 200, { ...format, encoding: 'plain' }, out, 0, place), /another kind/)
  assert.throws(() => readInt32Page(at.subarray(0, -1), 200, format, out, 0, place), CorruptionError)
})

test('a footer cut or changed is a CorruptionError or reads as it stands, never another throw', () => {
  const { bytes } = fileOf('dictionary', 1)
  for (let at = bytes.length - 1; at >= bytes.length - 700 && at >= 0; at--) {
    for (const flip of [1, 16, 128, 255]) {
      bytes[at]! ^= flip
      try {
        readFooter(bytes, { path: 'x', size: bytes.length })
      } catch (error) {
        assert.ok(error instanceof CorruptionError, `byte ${at} ^ ${flip}: ${error}`)
      }
      bytes[at]! ^= flip
    }
  }
  for (let size = 0; size < bytes.length; size += 13) {
    assert.throws(() => readFooter(bytes.subarray(0, size), { path: 'x', size }), CorruptionError)
  }
})
