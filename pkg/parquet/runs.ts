/** Columns that come as runs: their dictionary pages are written from the runs, at the cost of runs and not of rows. */
import { assert } from '../base/assert.ts'
import { type ByteBuffer, writeByte } from './buffer.ts'
import { gatherStrings } from './distinct.ts'
import { hybrid, indexWidth, leveled, type PageSource } from './page-source.ts'
import { intSource } from './rows.ts'
import type { ColumnSpec, Runs } from './schema.ts'
import {
  type Bounds,
  boundsOfInts,
  encodePlain,
  encodeStrings,
  type Ints,
  stringAt,
  type Utf8,
  widen,
  wordsOf,
} from './values.ts'

export function intRuns(
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

export function stringRuns(spec: ColumnSpec, dictionary: Utf8, runs: Runs): PageSource {
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
