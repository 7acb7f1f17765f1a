/** Columns that come row by row: integers, strings, booleans, lists; and the choice of an encoding for them. */
import { assert, assertNever } from '../base/assert.ts'
import { type ByteBuffer, byteBuffer, reserve } from './buffer.ts'
import { distinctInts, distinctStrings, gatherStrings } from './distinct.ts'
import { hybrid, indexWidth, leveled, type PageSource, rowLevels, writeIndices } from './page-source.ts'
import type { ColumnSpec, IntEncoding, PageEncoding } from './schema.ts'
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
  type Utf8,
} from './values.ts'

/** Compressed size of bytes, so that `auto` compares what will lie on disk. */
export type Measure = (bytes: Uint8Array) => number

/** Past this many distinct values a dictionary loses to any other encoding. */
const DICTIONARY_LIMIT = 65_536
const SAMPLE = 16_384

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

export function intSource(
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

export function stringSource(
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

export function booleanSource(spec: ColumnSpec, values: Uint8Array, nulls: Uint8Array | undefined): PageSource {
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

export function listSource(offsets: Int32Array, values: Int32Array, wanted: IntEncoding, measure: Measure): PageSource {
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
