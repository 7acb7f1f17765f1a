/** A head as a source. Series are decoded once per head and thread, as they only ever grow. */
import type { HeadView } from '../head/head.ts'
import { decodeSeries, type Series, seriesText } from '../head/series.ts'
import { addWords } from './accumulate.ts'
import type { Source } from './source.ts'

/** Decoded series by generation; the caller keeps one for as long as it reads heads, and `forgets` those that are gone. */
export type SeriesCache = Map<number, Series[]>

const BYTES_PER_ROW = 12 // a stack and a value

export function headSource(view: HeadView, cache: SeriesCache): Source {
  const { samples } = view
  const words = new Int32Array(samples.value.buffer, samples.value.byteOffset, samples.length * 2)
  return {
    name: 'head',
    key: `head ${view.generation}`,
    strings: view.strings,
    frames: view.frames,
    nodes: view.nodes,
    functionNodes: view.functionNodes,
    functionNodeOf: view.nodes.functionNode,
    stackNode: null,
    stacks: view.nodes.length,
    series: seriesOf(view, cache),
    profiles: view.profiles,
    rowGroups: [{ firstRow: 0, rows: samples.length, bytes: samples.length * BYTES_PER_ROW }],
    accumulate(runs, accumulator, reads) {
      let rows = 0
      for (let i = 0; i < runs.length; i += 2) {
        addWords(accumulator, samples.stack, words, runs[i]!, runs[i + 1]!)
        rows += runs[i + 1]! - runs[i]!
      }
      reads.rows += rows
      reads.bytesRead += rows * BYTES_PER_ROW
      reads.bytesSkipped += (samples.length - rows) * BYTES_PER_ROW
      if (rows > 0) reads.rowGroupsRead++
      else reads.rowGroupsSkipped++
    },
    plan(runs) {
      let rows = 0
      for (let i = 0; i < runs.length; i += 2) rows += runs[i + 1]! - runs[i]!
      return { read: [rows > 0], bytes: rows * BYTES_PER_ROW, rows }
    },
  }
}

function seriesOf(view: HeadView, cache: SeriesCache): readonly Series[] {
  const count = view.seriesOffsets.length - 1
  let known = cache.get(view.generation)
  if (known === undefined) cache.set(view.generation, (known = []))
  for (let i = known.length; i < count; i++) {
    known.push(decodeSeries(seriesText(view.seriesBytes, view.seriesOffsets, i)))
  }
  return known.length === count ? known : known.slice(0, count)
}

export function forgetHeads(cache: SeriesCache, heads: readonly HeadView[]): void {
  for (const generation of cache.keys()) {
    if (!heads.some(h => h.generation === generation)) cache.delete(generation)
  }
}
