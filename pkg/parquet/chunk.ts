/**
 * One column of one row group as a source of pages. Each kind of input knows how to write its dictionary and any stretch
 * of rows, in row order, as the data of a page v1:
 *
 *   [repetition levels] [definition levels] values        levels as u32 length + RLE, where the column has them
 */
import { assert, assertNever } from '../base/assert.ts'
import { type ByteBuffer, byteBuffer, reserve, writeByte } from './buffer.ts'
import { distinctInts, distinctStrings, gatherStrings } from './distinct.ts'
import { type HybridEncoder, hybridEncoder, widthFor } from './hybrid.ts'
import type { ColumnData, ColumnSpec, IntEncoding, PageEncoding, Runs } from './schema.ts'
import {
  type Bounds,
  boundsOfInts,
  boundsOfStrings,
  denseInts,
  encodeDelta,
  encodePlain,
  encodeSplit,
  encodeStrings,
  type Ints,
  stringAt,
  type Utf8,
  utf8Of,
  widen,
  wordsOf,
} from './values.ts'

export interface PageFacts {
  readonly values: number // entries the page header counts: rows, or for lists elements and empty lists
  readonly nulls: number
  readonly bounds: Bounds | null
}

export interface PageSource {
  readonly encoding: PageEncoding
  /** Writes the dictionary page's data and returns its entries; null when there is none. */
  readonly dictionary: ((out: ByteBuffer) => number) | null
  /** Writes rows [from, to). Stretches come in order, without gaps. */
  page(out: ByteBuffer, from: number, to: number): PageFacts
}

/** Compressed size of bytes, so that `auto` compares what will lie on disk. */
export type Measure = (bytes: Uint8Array) => number

/** Past this many distinct values a dictionary loses to any other encoding. */
const DICTIONARY_LIMIT = 65_536
const SAMPLE = 16_384

const hybrid: HybridEncoder = hybridEncoder()

export function pageSource(spec: ColumnSpec, data: ColumnData, rows: number, measure: Measure): PageSource {
  const wrong = (): never => assert(false, `column ${spec.name} (${spec.type}) given as ${data.kind}`) as never
  const isLong = spec.type === 'int64' || spec.type === 'uint64' || spec.type === 'timestamp-millis'
  switch (data.kind) {
    case 'int32': {
      if (spec.type !== 'int32') wrong()
      checkRows(spec, data.values.length, rows)
      const ints: Ints = { words: data.values, perValue: 1, unsigned: false, length: rows }
      return intSource(spec, ints, data.nulls, data.encoding ?? 'auto', measure)
    }
    case 'int64': {
      if (!isLong) wrong()
      checkRows(spec, data.values.length, rows)
      const ints: Ints = {
        words: wordsOf(data.values),
        perValue: 2,
        unsigned: spec.type === 'uint64',
        length: rows,
      }
      return intSource(spec, ints, data.nulls, data.encoding ?? 'auto', measure)
    }
    case 'boolean':
      if (spec.type !== 'boolean') wrong()
      checkRows(spec, data.values.length, rows)
      return booleanSource(spec, data.values, data.nulls)
    case 'strings': {
      if (spec.type !== 'string') wrong()
      const strings = utf8Of(data.values)
      checkRows(spec, strings.length, rows)
      return stringSource(spec, strings, data.nulls, data.encoding ?? 'auto')
    }
    case 'runs':
      checkRuns(spec, data.runs, rows)
      if (data.of === 'string') {
        if (spec.type !== 'string') wrong()
        return stringRuns(spec, utf8Of(data.dictionary), data.runs)
      }
      if (!isLong) wrong()
      return intRuns(spec, data.dictionary, data.runs, data.encoding ?? 'dictionary', rows)
    case 'list-int32':
      if (spec.type !== 'list-int32') wrong()
      checkRows(spec, data.offsets.length - 1, rows)
      return listSource(data.offsets, data.values, data.encoding ?? 'auto', measure)
    default:
      return assertNever(data)
  }
}

function checkRows(spec: ColumnSpec, got: number, rows: number): void {
  assert(got === rows, `column ${spec.name} has ${got} rows, its row group ${rows}`)
}

function checkRuns(spec: ColumnSpec, runs: Runs, rows: number): void {
  assert(runs.index.length === runs.length.length, `column ${spec.name}: runs of two lengths`)
  let sum = 0
  for (let i = 0; i < runs.length.length; i++) sum += runs.length[i]!
  checkRows(spec, sum, rows)
}

// Columns that come row by row.

interface IntWriter {
  readonly encoding: PageEncoding
  readonly dictionary: ((out: ByteBuffer) => number) | null
  write(out: ByteBuffer, from: number, to: number): void
}

function intWriter(ints: Ints, wanted: IntEncoding, measure: Measure): IntWriter {
  switch (wanted) {
    case 'plain':
      return { encoding: 'plain', dictionary: null, write: (out, from, to) => encodePlain(out, ints, from, to) }
    case 'delta':
      return { encoding: 'delta', dictionary: null, write: (out, from, to) => encodeDelta(out, ints, from, to) }
    case 'byte-stream-split':
      return {
        encoding: 'byte-stream-split',
        dictionary: null,
        write: (out, from, to) => encodeSplit(out, ints, from, to),
      }
    case 'dictionary':
    case 'auto': {
      const found = distinctInts(ints, wanted === 'auto' ? DICTIONARY_LIMIT : Math.max(ints.length, 1))
      const width = found === null ? 0 : indexWidth(found.values.length)
      if (found === null || width > 24) return intWriter(ints, 'delta', measure)
      const writer: IntWriter = {
        encoding: 'dictionary',
        dictionary: out => {
          encodePlain(out, found.values, 0, found.values.length)
          return found.values.length
        },
        write: (out, from, to) => writeIndices(out, found.index, width, from, to),
      }
      if (wanted === 'dictionary') return writer
      const delta = intWriter(ints, 'delta', measure)
      return smallerOnSample(writer, delta, ints.length, measure)
    }
    default:
      return assertNever(wanted)
  }
}

/** Writes the middle of the chunk both ways; the dictionary counts by the sample's share of the chunk. */
function smallerOnSample(dictionary: IntWriter, other: IntWriter, length: number, measure: Measure): IntWriter {
  const count = Math.min(length, SAMPLE)
  if (count === 0) return other
  const from = (length - count) >>> 1
  const scratch = byteBuffer()
  const size = (write: (out: ByteBuffer) => void): number => {
    scratch.length = 0
    write(scratch)
    return measure(scratch.data.subarray(0, scratch.length))
  }
  const entries = size(out => dictionary.dictionary?.(out))
  const indices = size(out => dictionary.write(out, from, from + count))
  const direct = size(out => other.write(out, from, from + count))
  return indices + (entries * count) / length < direct ? dictionary : other
}

function intSource(
  spec: ColumnSpec,
  ints: Ints,
  nulls: Uint8Array | undefined,
  wanted: IntEncoding,
  measure: Measure,
): PageSource {
  const levels = rowLevels(spec, nulls, ints.length)
  const dense = nulls === undefined ? ints : denseInts(ints, nulls)
  const writer = intWriter(dense, wanted, measure)
  return {
    encoding: writer.encoding,
    dictionary: writer.dictionary,
    page(out, from, to) {
      const { start, end } = levels(out, from, to)
      writer.write(out, start, end)
      return { values: to - from, nulls: to - from - (end - start), bounds: boundsOfInts(dense, start, end) }
    },
  }
}

function stringSource(
  spec: ColumnSpec,
  strings: Utf8,
  nulls: Uint8Array | undefined,
  wanted: 'plain' | 'dictionary' | 'auto',
): PageSource {
  const levels = rowLevels(spec, nulls, strings.length)
  let dense = strings
  if (nulls !== undefined) {
    const places = new Int32Array(strings.length)
    let count = 0
    for (let row = 0; row < strings.length; row++) if (nulls[row] === 0) places[count++] = row
    dense = gatherStrings(strings, places.subarray(0, count))
  }
  const bounds = (start: number, end: number): Bounds | null =>
    (spec.statistics ?? 'none') === 'none' ? null : boundsOfStrings(dense, start, end)
  const found =
    wanted === 'plain' ? null : distinctStrings(dense, wanted === 'auto' ? DICTIONARY_LIMIT : Math.max(dense.length, 1))
  // Four bytes of length a string: a dictionary that does not halve the strings is not worth a second look-up.
  const pays = found !== null && (wanted === 'dictionary' || found.values.length * 2 <= dense.length)
  if (found === null || !pays) {
    return {
      encoding: 'plain',
      dictionary: null,
      page(out, from, to) {
        const { start, end } = levels(out, from, to)
        encodeStrings(out, dense, start, end)
        return { values: to - from, nulls: to - from - (end - start), bounds: bounds(start, end) }
      },
    }
  }
  const width = indexWidth(found.values.length)
  return {
    encoding: 'dictionary',
    dictionary(out) {
      encodeStrings(out, found.values, 0, found.values.length)
      return found.values.length
    },
    page(out, from, to) {
      const { start, end } = levels(out, from, to)
      writeIndices(out, found.index, width, start, end)
      return { values: to - from, nulls: to - from - (end - start), bounds: bounds(start, end) }
    },
  }
}

function booleanSource(spec: ColumnSpec, values: Uint8Array, nulls: Uint8Array | undefined): PageSource {
  const levels = rowLevels(spec, nulls, values.length)
  const dense = nulls === undefined ? values : values.filter((_, row) => nulls[row] === 0)
  return {
    encoding: 'plain',
    dictionary: null,
    page(out, from, to) {
      const { start, end } = levels(out, from, to)
      const bytes = (end - start + 7) >>> 3
      reserve(out, bytes)
      out.data.fill(0, out.length, out.length + bytes)
      for (let i = start; i < end; i++) {
        if (dense[i] !== 0) out.data[out.length + ((i - start) >>> 3)]! |= 1 << ((i - start) & 7)
      }
      out.length += bytes
      return { values: to - from, nulls: to - from - (end - start), bounds: null }
    },
  }
}

function listSource(offsets: Int32Array, values: Int32Array, wanted: IntEncoding, measure: Measure): PageSource {
  const base = offsets[0]!
  const end = offsets[offsets.length - 1]!
  assert(base >= 0 && end <= values.length, 'list offsets leave the values')
  const ints: Ints = { words: values.subarray(base, end), perValue: 1, unsigned: false, length: end - base }
  const writer = intWriter(ints, wanted, measure)
  return {
    encoding: writer.encoding,
    dictionary: writer.dictionary,
    page(out, from, to) {
      let entries = 0
      leveled(out, () => {
        for (let row = from; row < to; row++) {
          const length = offsets[row + 1]! - offsets[row]!
          hybrid.add(0, 1)
          if (length > 1) hybrid.add(1, length - 1)
          entries += Math.max(length, 1)
        }
      })
      leveled(out, () => {
        for (let row = from; row < to; row++) {
          const length = offsets[row + 1]! - offsets[row]!
          if (length === 0) hybrid.add(0, 1)
          else hybrid.add(1, length)
        }
      })
      writer.write(out, offsets[from]! - base, offsets[to]! - base)
      return { values: entries, nulls: 0, bounds: null }
    },
  }
}

// Columns that come as runs.

function intRuns(
  spec: ColumnSpec,
  dictionary: BigInt64Array,
  runs: Runs,
  wanted: 'dictionary' | 'delta',
  rows: number,
): PageSource {
  const all: Ints = {
    words: wordsOf(dictionary),
    perValue: 2,
    unsigned: spec.type === 'uint64',
    length: dictionary.length,
  }
  if (wanted === 'dictionary') {
    return runSource(spec, runs, all.length, places => {
      const words = new Int32Array(places.length * 2)
      for (let i = 0; i < places.length; i++) {
        words[i * 2] = all.words[places[i]! * 2]!
        words[i * 2 + 1] = all.words[places[i]! * 2 + 1]!
      }
      const used: Ints = { ...all, words, length: places.length }
      return {
        write: out => encodePlain(out, used, 0, used.length),
        bounds: seen => {
          const gathered = new Int32Array(seen.length * 2)
          for (let i = 0; i < seen.length; i++) {
            gathered[i * 2] = words[seen[i]! * 2]!
            gathered[i * 2 + 1] = words[seen[i]! * 2 + 1]!
          }
          return boundsOfInts({ ...used, words: gathered, length: seen.length }, 0, seen.length)
        },
      }
    })
  }
  const words = new Int32Array(rows * 2)
  let nulls: Uint8Array | undefined
  let row = 0
  for (let i = 0; i < runs.index.length; i++) {
    const index = runs.index[i]!
    const stop = row + runs.length[i]!
    if (index < 0) {
      nulls ??= new Uint8Array(rows)
      nulls.fill(1, row, stop)
      row = stop
      continue
    }
    const lo = all.words[index * 2]!
    const hi = all.words[index * 2 + 1]!
    for (; row < stop; row++) {
      words[row * 2] = lo
      words[row * 2 + 1] = hi
    }
  }
  return intSource(spec, { ...all, words, length: rows }, nulls, 'delta', () => 0)
}

function stringRuns(spec: ColumnSpec, dictionary: Utf8, runs: Runs): PageSource {
  const needsBounds = (spec.statistics ?? 'none') !== 'none'
  return runSource(spec, runs, dictionary.length, places => {
    const used = gatherStrings(dictionary, places)
    return {
      write: out => encodeStrings(out, used, 0, used.length),
      bounds: seen => {
        if (!needsBounds) return null
        let bounds: Bounds | null = null
        for (const index of seen) bounds = widen(bounds, stringAt(used, index))
        return bounds
      },
    }
  })
}

interface UsedValues {
  write(out: ByteBuffer): void
  bounds(indices: Int32Array): Bounds | null
}

/** Dictionary pages straight from runs; `use` gathers the entries at the places given, which become 0, 1, 2 … */
function runSource(spec: ColumnSpec, runs: Runs, entries: number, use: (places: Int32Array) => UsedValues): PageSource {
  const { index: given, length } = runs
  const renumbered = new Int32Array(entries).fill(-1)
  const places = new Int32Array(Math.min(entries, given.length))
  let used = 0
  for (let i = 0; i < given.length; i++) {
    const place = given[i]!
    assert(place < entries, `column ${spec.name}: run outside its dictionary`)
    assert(place >= 0 || spec.nullable === true, `column ${spec.name}: null in a column without nulls`)
    if (place >= 0 && length[i]! > 0 && renumbered[place] === -1) {
      places[used] = place
      renumbered[place] = used++
    }
  }
  const values = use(places.subarray(0, used))
  const width = indexWidth(used)
  let run = 0
  let rest = given.length === 0 ? 0 : length[0]!
  return {
    encoding: 'dictionary',
    dictionary(out) {
      values.write(out)
      return used
    },
    page(out, from, to) {
      // The page's own stretch of runs, cut at its two ends.
      const index: number[] = []
      const count: number[] = []
      let nulls = 0
      for (let need = to - from; need > 0; ) {
        if (rest === 0) {
          rest = length[++run]!
          continue
        }
        const take = Math.min(rest, need)
        const place = given[run]!
        index.push(place < 0 ? -1 : renumbered[place]!)
        count.push(take)
        if (place < 0) nulls += take
        need -= take
        rest -= take
      }
      if (spec.nullable === true) {
        leveled(out, () => {
          for (let i = 0; i < index.length; i++) hybrid.add(index[i]! < 0 ? 0 : 1, count[i]!)
        })
      }
      writeByte(out, width)
      hybrid.start(out, width)
      for (let i = 0; i < index.length; i++) if (index[i]! >= 0) hybrid.add(index[i]!, count[i]!)
      hybrid.finish()
      const seen = Int32Array.from(new Set(index.filter(place => place >= 0)))
      return { values: to - from, nulls, bounds: values.bounds(seen) }
    },
  }
}

// Levels and indices.

/** Writes a stretch's definition levels, if the column has any, and says which dense values it holds. */
function rowLevels(
  spec: ColumnSpec,
  nulls: Uint8Array | undefined,
  rows: number,
): (out: ByteBuffer, from: number, to: number) => { start: number; end: number } {
  if (spec.nullable !== true) {
    assert(nulls === undefined, `column ${spec.name}: nulls in a column without nulls`)
    return (_out, from, to) => ({ start: from, end: to })
  }
  if (nulls !== undefined) checkRows(spec, nulls.length, rows)
  let dense = 0
  return (out, from, to) => {
    const start = dense
    leveled(out, () => {
      if (nulls === undefined) {
        hybrid.add(1, to - from)
        dense += to - from
        return
      }
      for (let row = from; row < to; row++) {
        const present = nulls[row] === 0 ? 1 : 0
        hybrid.add(present, 1)
        dense += present
      }
    })
    return { start, end: dense }
  }
}

/** Levels of one bit each behind their length in bytes. */
function leveled(out: ByteBuffer, add: () => void): void {
  reserve(out, 4)
  const at = out.length
  out.length += 4
  hybrid.start(out, 1)
  add()
  hybrid.finish()
  out.view.setUint32(at, out.length - at - 4, true)
}

/** Never 0: of a single entry that would do, but not every reader has met it. */
const indexWidth = (entries: number): number => Math.max(widthFor(entries), 1)

function writeIndices(out: ByteBuffer, index: Int32Array, width: number, from: number, to: number): void {
  writeByte(out, width)
  hybrid.start(out, width)
  for (let i = from; i < to; i++) hybrid.add(index[i]!, 1)
  hybrid.finish()
}
