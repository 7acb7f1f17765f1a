/**
 * A page: a Thrift header, then the data, compressed or not. `crc` is CRC-32 over the data as it lies in the file. The
 * header itself is under no checksum; but its bytes follow from its values, and those are compared with the layout, the
 * data and each other, so a changed bit is found wherever it is.
 */
import { constants, crc32, zstdDecompressSync } from 'node:zlib'
import { CorruptionError } from '../base/errors.ts'
import { type ByteBuffer, byteBuffer } from './buffer.ts'
import type { Codec, PageEncoding } from './schema.ts'
import { numberOf, readStruct, structOf, ThriftError, writeStruct } from './thrift.ts'

export const ENCODINGS = { plain: 0, delta: 5, dictionary: 8, 'byte-stream-split': 9 } as const
export const RLE = 3

const DATA_PAGE = 0
const DICTIONARY_PAGE = 2

/** No page of ours is larger; a header that says so is not believed. */
export const MAX_PAGE_BYTES = 1 << 28

export type PageKind = { kind: 'dictionary' } | { kind: 'data'; encoding: PageEncoding }

interface Header {
  readonly values: number // entries: rows, or elements of lists
  readonly rawSize: number
  readonly size: number
  readonly crc: number
}

/** Appends the header of a page whose data, as it lies in the file, is `data`. */
export function writePageHeader(
  out: ByteBuffer,
  page: PageKind,
  values: number,
  rawSize: number,
  data: Uint8Array,
): void {
  encodeHeader(out, page, { values, rawSize, size: data.length, crc: crc32(data) })
}

function encodeHeader(out: ByteBuffer, page: PageKind, header: Header): void {
  writeStruct(out, s => {
    s.i32(1, page.kind === 'data' ? DATA_PAGE : DICTIONARY_PAGE)
    s.i32(2, header.rawSize)
    s.i32(3, header.size)
    s.i32(4, header.crc | 0)
    if (page.kind === 'data') {
      s.struct(5, d => {
        d.i32(1, header.values)
        d.i32(2, ENCODINGS[page.encoding])
        d.i32(3, RLE)
        d.i32(4, RLE)
      })
    } else {
      s.struct(7, d => {
        d.i32(1, header.values)
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
  const { header, end } = decodeHeader(bytes, page, place)
  const stored = bytes.subarray(end)
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

/** Takes a header only in the very bytes its values are written in. */
function decodeHeader(bytes: Uint8Array, page: PageKind, place: Place): { header: Header; end: number } {
  try {
    const { value: s, end } = readStruct(bytes)
    const header: Header = {
      values: numberOf(structOf(s, page.kind === 'data' ? 5 : 7), 1),
      rawSize: numberOf(s, 2),
      size: numberOf(s, 3),
      crc: numberOf(s, 4) >>> 0,
    }
    canonical.length = 0
    encodeHeader(canonical, page, header)
    const same =
      end === canonical.length && Buffer.compare(canonical.data.subarray(0, end), bytes.subarray(0, end)) === 0
    if (!same) fail('page header of another kind than the layout says', place)
    if (header.rawSize < 0 || header.rawSize > MAX_PAGE_BYTES || header.values < 0) {
      fail(`page of ${header.rawSize} bytes and ${header.values} values`, place)
    }
    return { header, end }
  } catch (error) {
    if (error instanceof ThriftError) throw new CorruptionError(`page header: ${error.message}`, place)
    throw error
  }
}

const canonical = byteBuffer(64)

export function fail(message: string, place: Place): never {
  throw new CorruptionError(message, place)
}

const hex = (word: number): string => word.toString(16).padStart(8, '0')

export const zstdParams = (level: number): Record<number, number> => ({ [constants.ZSTD_c_compressionLevel]: level })
