/**
 * Decodes single pages of the columns a query reads by the million: columns of INT32 and INT64 without nulls, and lists
 * of INT32. A page is its header and data as the layout spans them; what comes out goes into arrays of the caller.
 *
 * Everything that is not as the layout says (checksum, header, sizes, counts, values off the dictionary) is a
 * `CorruptionError` at the page's place; memory taken follows the rows the caller asked for, not what a header claims.
 */
import { assert, assertNever } from '../base/assert.ts'
import { decodeDelta32, decodeDelta64, decodeDeltaFloat64 } from './delta-decode.ts'
import { decodeHybrid } from './hybrid.ts'
import { fail, openPage, type Place } from './page.ts'
import type { ChunkLayout, Codec, PageEncoding } from './schema.ts'

export type { Place } from './page.ts'

/** The distinct values of a chunk, as `openDictionary` leaves them. */
export interface PageDictionary {
  readonly words: Int32Array // one (INT32) or two, low then high (INT64), a value
  readonly floats: Float64Array // of INT64 values, NaN where a double is not exact; empty for INT32
  readonly length: number
}

/** How the pages of a chunk are to be read: a `ChunkLayout`'s own words. */
export interface PageFormat {
  readonly codec: Codec
  readonly encoding: PageEncoding
  readonly dictionary: PageDictionary | null // needed for encoding `dictionary`
}

/** Most entries a dictionary page may claim; 2²⁴ is also what an index of our width can reach. */
const MAX_DICTIONARY = 1 << 24

/** More entries in one page of lists are taken for a lie. */
const MAX_LIST_VALUES = 1 << 27

const MAX_SAFE_HIGH = 1 << 21

/** Indices or words of the page being decoded; nothing of it outlives the call. */
let scratch = new Int32Array(0)

function scratchWords(count: number): Int32Array {
  if (scratch.length < count) scratch = new Int32Array(count)
  return scratch
}

/** Reads a chunk's dictionary page of INT32 (`perValue` 1) or INT64 (2). */
export function openDictionary(page: Uint8Array, codec: Codec, perValue: 1 | 2, place: Place): PageDictionary {
  const { values, data } = openPage(page, { kind: 'dictionary' }, codec, place)
  if (values > MAX_DICTIONARY || data.length !== values * perValue * 4) {
    fail(`dictionary of ${values} entries in ${data.length} bytes`, place)
  }
  const words = new Int32Array(values * perValue)
  copyWords(data, words, 0)
  const floats = new Float64Array(perValue === 2 ? values : 0)
  for (let i = 0; i < floats.length; i++) {
    const high = words[i * 2 + 1]!
    const exact = high >= -MAX_SAFE_HIGH && high < MAX_SAFE_HIGH
    floats[i] = exact ? high * 4294967296 + (words[i * 2]! >>> 0) : Number.NaN
  }
  return { words, floats, length: values }
}

/** Decodes a page of `rows` INT32 values to `out[at…]`. */
export function readInt32Page(
  page: Uint8Array,
  rows: number,
  format: PageFormat,
  out: Int32Array,
  at: number,
  place: Place,
): void {
  assert(at + rows <= out.length, 'page past the end of its array')
  const data = dataOf(page, rows, format, place)
  decode32(data, rows, format, out, at, place)
}

/** Decodes a page of `rows` INT64 values as words, low then high, to `words[2 * at…]`: a BigInt64Array's own memory. */
export function readInt64Page(
  page: Uint8Array,
  rows: number,
  format: PageFormat,
  words: Int32Array,
  at: number,
  place: Place,
): void {
  assert((at + rows) * 2 <= words.length, 'page past the end of its array')
  const data = dataOf(page, rows, format, place)
  decode64(data, rows, format, words, at, place)
}

/** As `readInt64Page`, to doubles. For pages whose bounds are within ±2⁵³; a value outside is corruption. */
export function readFloat64Page(
  page: Uint8Array,
  rows: number,
  format: PageFormat,
  out: Float64Array,
  at: number,
  place: Place,
): void {
  assert(at + rows <= out.length, 'page past the end of its array')
  const data = dataOf(page, rows, format, place)
  switch (format.encoding) {
    case 'delta':
      if (!decodeDeltaFloat64(data, rows, out, at)) fail('delta-packed values out of order or past 2^53', place)
      return
    case 'dictionary': {
      const { dictionary, index } = indicesOf(data, rows, format, place)
      const floats = dictionary.floats
      let sum = 0
      for (let i = 0; i < rows; i++) {
        const value = floats[index[i]!]!
        out[at + i] = value
        sum += value
      }
      if (Number.isNaN(sum)) fail('value past 2^53', place)
      return
    }
    case 'plain':
    case 'byte-stream-split': {
      const words = scratchWords(rows * 2)
      decode64(data, rows, format, words, 0, place)
      let outside = 0
      for (let i = 0; i < rows; i++) {
        const high = words[i * 2 + 1]!
        outside |= (high + MAX_SAFE_HIGH) & ~(2 * MAX_SAFE_HIGH - 1)
        out[at + i] = high * 4294967296 + (words[i * 2]! >>> 0)
      }
      if (outside !== 0) fail('value past 2^53', place)
      return
    }
    default:
      assertNever(format.encoding)
  }
}

/** A page of lists: list i is values [offsets[i], offsets[i + 1]). */
export interface ListPage {
  readonly offsets: Int32Array
  readonly values: Int32Array
}

/** Decodes a page of `rows` lists of INT32. */
export function readListPage(page: Uint8Array, rows: number, format: PageFormat, place: Place): ListPage {
  const { values: entries, data } = openPage(page, { kind: 'data', encoding: format.encoding }, format.codec, place)
  if (entries < rows || entries > MAX_LIST_VALUES) fail(`${entries} list entries for ${rows} lists`, place)
  const repetition = new Int32Array(entries)
  const definition = new Int32Array(entries)
  const first = levels(data, 0, entries, repetition, place)
  const second = levels(data, first, entries, definition, place)
  const offsets = new Int32Array(rows + 1)
  let list = -1
  let count = 0
  for (let i = 0; i < entries; i++) {
    if (repetition[i] === 0) {
      if (++list === rows) fail(`more than ${rows} lists`, place)
      offsets[list] = count
    } else if (list < 0 || definition[i] === 0) fail('list levels out of order', place)
    count += definition[i]!
  }
  if (list !== rows - 1) fail(`${list + 1} lists, not ${rows}`, place)
  offsets[rows] = count
  const values = new Int32Array(count)
  decode32(data.subarray(second), count, format, values, 0, place)
  return { offsets, values }
}

function levels(data: Uint8Array, at: number, count: number, out: Int32Array, place: Place): number {
  if (at + 4 > data.length) fail('page ends in its levels', place)
  const length = new DataView(data.buffer, data.byteOffset + at).getUint32(0, true)
  if (length > data.length - at - 4) fail('page ends in its levels', place)
  const end = at + 4 + length
  if (decodeHybrid(data.subarray(0, end), at + 4, 1, count, 2, out, 0) !== length) fail('levels out of order', place)
  return end
}

/** Checks every page of a file against its layout: checksums, headers, sizes. Values are not decoded. */
export function verifyPages(file: Uint8Array, chunks: Iterable<ChunkLayout>, path: string): void {
  for (const { codec, encoding, dictionary, pages } of chunks) {
    const check = (offset: number, size: number, kind: 'dictionary' | 'data') => {
      const place = { path, offset }
      if (offset + size > file.length) fail('page past the end of the file', place)
      openPage(file.subarray(offset, offset + size), kind === 'data' ? { kind, encoding } : { kind }, codec, place)
    }
    if (dictionary !== null) check(dictionary.offset, dictionary.size, 'dictionary')
    for (const page of pages) check(page.offset, page.size, 'data')
  }
}

function dataOf(page: Uint8Array, rows: number, format: PageFormat, place: Place): Uint8Array {
  const { values, data } = openPage(page, { kind: 'data', encoding: format.encoding }, format.codec, place)
  if (values !== rows) fail(`page of ${values} rows where ${rows} are expected`, place)
  return data
}

function indicesOf(
  data: Uint8Array,
  count: number,
  format: PageFormat,
  place: Place,
): { dictionary: PageDictionary; index: Int32Array } {
  const { dictionary } = format
  assert(dictionary !== null, 'dictionary page read without its dictionary')
  const index = scratchWords(count)
  const read = data.length === 0 ? -1 : decodeHybrid(data, 1, data[0]!, count, dictionary.length, index, 0)
  if (read !== data.length - 1) fail('dictionary indices out of order', place)
  return { dictionary, index }
}

function decode32(
  data: Uint8Array,
  count: number,
  format: PageFormat,
  out: Int32Array,
  at: number,
  place: Place,
): void {
  switch (format.encoding) {
    case 'delta':
      if (!decodeDelta32(data, count, out, at)) fail('delta-packed values out of order', place)
      return
    case 'dictionary': {
      const { dictionary, index } = indicesOf(data, count, format, place)
      const words = dictionary.words
      for (let i = 0; i < count; i++) out[at + i] = words[index[i]!]!
      return
    }
    case 'plain':
      expectBytes(data, count * 4, place)
      copyWords(data, out, at)
      return
    case 'byte-stream-split':
      expectBytes(data, count * 4, place)
      for (let i = 0; i < count; i++) {
        out[at + i] = data[i]! | (data[count + i]! << 8) | (data[2 * count + i]! << 16) | (data[3 * count + i]! << 24)
      }
      return
    default:
      assertNever(format.encoding)
  }
}

function decode64(
  data: Uint8Array,
  count: number,
  format: PageFormat,
  out: Int32Array,
  at: number,
  place: Place,
): void {
  switch (format.encoding) {
    case 'delta':
      if (!decodeDelta64(data, count, out, at)) fail('delta-packed values out of order', place)
      return
    case 'dictionary': {
      const { dictionary, index } = indicesOf(data, count, format, place)
      const words = dictionary.words
      for (let i = 0; i < count; i++) {
        const entry = index[i]! * 2
        out[(at + i) * 2] = words[entry]!
        out[(at + i) * 2 + 1] = words[entry + 1]!
      }
      return
    }
    case 'plain':
      expectBytes(data, count * 8, place)
      copyWords(data, out, at * 2)
      return
    case 'byte-stream-split':
      expectBytes(data, count * 8, place)
      for (let word = 0; word < 2; word++) {
        const base = word * 4 * count
        for (let i = 0; i < count; i++) {
          out[(at + i) * 2 + word] =
            data[base + i]! |
            (data[base + count + i]! << 8) |
            (data[base + 2 * count + i]! << 16) |
            (data[base + 3 * count + i]! << 24)
        }
      }
      return
    default:
      assertNever(format.encoding)
  }
}

function expectBytes(data: Uint8Array, bytes: number, place: Place): void {
  if (data.length !== bytes) fail(`${data.length} bytes of values, not ${bytes}`, place)
}

/** Little-endian words, wherever they lie. */
function copyWords(data: Uint8Array, out: Int32Array, at: number): void {
  new Uint8Array(out.buffer, out.byteOffset + at * 4, data.length).set(data)
}
