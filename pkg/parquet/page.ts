/**
 * A page: a Thrift header, then the data, compressed or not. `crc` is CRC-32 over the data as it lies in the file. The
 * header itself is under no checksum, so a reader compares every field with what the layout promises and takes nothing
 * else: a changed bit is found wherever it is.
 */
import { constants, crc32, zstdDecompressSync } from 'node:zlib'
import { CorruptionError } from '../base/errors.ts'
import type { ByteBuffer } from './buffer.ts'
import type { Codec, PageEncoding } from './schema.ts'
import { numberOf, readStruct, structOf, ThriftError, writeStruct } from './thrift.ts'

export const ENCODINGS = { plain: 0, delta: 5, dictionary: 8, 'byte-stream-split': 9 } as const
export const RLE = 3

const DATA_PAGE = 0
const DICTIONARY_PAGE = 2

/** No page of ours is larger; a header that says so is not believed. */
export const MAX_PAGE_BYTES = 1 << 30

export type PageKind = { kind: 'dictionary' } | { kind: 'data'; encoding: PageEncoding }

/** Appends the header of a page whose data is `data`. `values` counts entries: rows, or elements of lists. */
export function writePageHeader(
  out: ByteBuffer,
  page: PageKind,
  values: number,
  rawSize: number,
  data: Uint8Array,
): void {
  writeStruct(out, s => {
    s.i32(1, page.kind === 'data' ? DATA_PAGE : DICTIONARY_PAGE)
    s.i32(2, rawSize)
    s.i32(3, data.length)
    s.i32(4, crc32(data) | 0)
    if (page.kind === 'data') {
      s.struct(5, d => {
        d.i32(1, values)
        d.i32(2, ENCODINGS[page.encoding])
        d.i32(3, RLE)
        d.i32(4, RLE)
      })
    } else {
      s.struct(7, d => {
        d.i32(1, values)
        d.i32(2, ENCODINGS.plain)
      })
    }
  })
}

export interface Place {
  readonly path: string
  readonly offset: number // of the page in the file
}

export interface OpenPage {
  readonly values: number
  readonly data: Uint8Array // decompressed; borrowed from `bytes` where nothing was compressed
}

/** Checks a page (header and data, nothing behind it) and unpacks its data. */
export function openPage(bytes: Uint8Array, page: PageKind, codec: Codec, place: Place): OpenPage {
  const header = readPageHeader(bytes, page, place)
  const stored = bytes.subarray(header.length)
  if (stored.length !== header.size) fail(`page of ${header.size} bytes where ${stored.length} are`, place)
  const got = crc32(stored)
  if (got !== header.crc) fail(`crc32 mismatch: want ${hex(header.crc)}, got ${hex(got)}`, place)
  if (codec === 'none') {
    if (header.rawSize !== header.size) fail('an uncompressed page with two sizes', place)
    return { values: header.values, data: stored }
  }
  return { values: header.values, data: inflate(stored, header.rawSize, place) }
}

function inflate(stored: Uint8Array, rawSize: number, place: Place): Uint8Array {
  let data: Uint8Array
  try {
    // One chunk a little above the size: zlib neither glues pieces together nor asks for a second one.
    data = zstdDecompressSync(stored, { chunkSize: Math.max(rawSize + 64, 64), maxOutputLength: rawSize + 64 })
  } catch (error) {
    throw new CorruptionError(`zstd: ${error instanceof Error ? error.message : String(error)}`, place)
  }
  if (data.length !== rawSize) fail(`page unpacks to ${data.length} bytes, not ${rawSize}`, place)
  return data
}

interface Header {
  readonly length: number
  readonly size: number
  readonly rawSize: number
  readonly crc: number
  readonly values: number
}

function readPageHeader(bytes: Uint8Array, page: PageKind, place: Place): Header {
  try {
    const { value: s, end } = readStruct(bytes)
    const isData = page.kind === 'data'
    const d = structOf(s, isData ? 5 : 7)
    const wanted = isData ? ENCODINGS[page.encoding] : ENCODINGS.plain
    if (
      numberOf(s, 1) !== (isData ? DATA_PAGE : DICTIONARY_PAGE) ||
      numberOf(d, 2) !== wanted ||
      (isData && (numberOf(d, 3) !== RLE || numberOf(d, 4) !== RLE)) ||
      s.size !== 5 ||
      d.size !== (isData ? 4 : 2)
    ) {
      fail('page of another kind than the layout says', place)
    }
    const rawSize = numberOf(s, 2)
    const values = numberOf(d, 1)
    if (rawSize < 0 || rawSize > MAX_PAGE_BYTES || values < 0 || values > MAX_PAGE_BYTES) {
      fail(`page of ${rawSize} bytes and ${values} values`, place)
    }
    return { length: end, size: numberOf(s, 3), rawSize, crc: numberOf(s, 4) >>> 0, values }
  } catch (error) {
    if (error instanceof ThriftError) throw new CorruptionError(`page header: ${error.message}`, place)
    throw error
  }
}

export function fail(message: string, place: Place): never {
  throw new CorruptionError(message, place)
}

const hex = (word: number): string => word.toString(16).padStart(8, '0')

export const zstdParams = (level: number): Record<number, number> => ({ [constants.ZSTD_c_compressionLevel]: level })
