/**
 * An open block as a source: its index in memory, its pages read from the file as a query asks for them, each with its
 * checksum verified.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { CorruptionError } from '../../pkg/base/errors.ts'
import { addChild, createTrie, findChild } from '../../pkg/base/trie.ts'
import {
  openDictionary,
  type PageFormat,
  readFloat64Page,
  readInt32Page,
  readInt64Page,
} from '../../pkg/parquet/read.ts'
import { nameKey } from '../../pkg/profile/frame-table.ts'
import { type Accumulator, addDoubles, addWords } from '../scan/accumulate.ts'
import type { Reads, RowGroup, Source, SourcePlan } from '../scan/source.ts'
import { type BlockIndex, decodeIndex, INDEX_FILE, type IndexedChunk, type IndexedRowGroup } from './index-file.ts'
import { createPageCache, type DecodedPage, type PageCache } from './page-cache.ts'

export interface OpenBlock {
  readonly source: Source
  close(): void
}

/** What a thread keeps of pages it has decoded. */
export const DECODED_BYTES = 32 << 20

export function openBlock(
  directory: string,
  ulid: string,
  reads: Reads,
  cache: PageCache = createPageCache(DECODED_BYTES),
): OpenBlock {
  const indexPath = `${directory}/${INDEX_FILE}`
  const file = readFileSync(indexPath)
  reads.requests++
  reads.bytesRead += file.length
  const index = decodeIndex(file, indexPath)
  const path = `${directory}/profiles.parquet`
  const fd = openSync(path, 'r')
  const functions = functionTrie(index)
  const rowGroups: RowGroup[] = index.rowGroups.map(g => ({
    firstRow: g.firstRow,
    rows: g.rows,
    bytes: chunkBytes(g.stack) + chunkBytes(g.value),
  }))
  const source: Source = {
    name: ulid,
    key: ulid,
    strings: index.strings,
    frames: index.frames,
    nodes: index.nodes,
    functionNodes: functions.nodes,
    functionNodeOf: functions.of,
    stackNode: index.stackNode,
    stacks: index.stackNode.length,
    series: index.series,
    profiles: index.profiles,
    rowGroups,
    accumulate(runs, accumulator, reads) {
      const reader = createReader(fd, path, reads, cache)
      for (const [i, group] of index.rowGroups.entries()) {
        const wanted = runsIn(runs, group)
        if (wanted.length === 0) {
          reads.rowGroupsSkipped++
          reads.bytesSkipped += rowGroups[i]!.bytes
          continue
        }
        reads.rowGroupsRead++
        const before = reads.bytesRead
        accumulateGroup(reader, group, wanted, accumulator)
        reads.bytesSkipped += rowGroups[i]!.bytes - (reads.bytesRead - before)
      }
      for (let i = 0; i < runs.length; i += 2) reads.rows += runs[i + 1]! - runs[i]!
    },
    plan(runs): SourcePlan {
      let bytes = 0
      let rows = 0
      const read = index.rowGroups.map(group => {
        const wanted = runsIn(runs, group)
        for (const chunk of [group.stack, group.value]) {
          const pages = chunk.pages.filter(p => overlaps(wanted, p.firstRow, p.firstRow + p.rows))
          bytes += pages.reduce((n, p) => n + p.size, pages.length > 0 ? (chunk.dictionary?.size ?? 0) : 0)
        }
        return wanted.length > 0
      })
      for (let i = 0; i < runs.length; i += 2) rows += runs[i + 1]! - runs[i]!
      return { read, bytes, rows }
    },
  }
  return { source, close: () => closeSync(fd) }
}

const chunkBytes = ({ pages, dictionary }: IndexedChunk): number =>
  pages.reduce((n, p) => n + p.size, dictionary?.size ?? 0)

/** The part of the runs that lies in a row group, in rows of the group. */
function runsIn(runs: Int32Array, { firstRow, rows }: IndexedRowGroup): number[] {
  const out: number[] = []
  const end = firstRow + rows
  for (let i = 0; i < runs.length; i += 2) {
    if (runs[i + 1]! <= firstRow) continue
    if (runs[i]! >= end) break
    out.push(Math.max(runs[i]!, firstRow) - firstRow, Math.min(runs[i + 1]!, end) - firstRow)
  }
  return out
}

function overlaps(runs: readonly number[], from: number, to: number): boolean {
  for (let i = 0; i < runs.length; i += 2) if (runs[i]! < to && runs[i + 1]! > from) return true
  return false
}

/** Pages of the two columns begin at the same rows, so they are decoded and kept pairwise. */
function accumulateGroup(
  reader: Reader,
  group: IndexedRowGroup,
  runs: readonly number[],
  accumulator: Accumulator,
): void {
  let at = 0
  const open = pageOpener(reader, group)
  for (const [i, page] of group.stack.pages.entries()) {
    const from = page.firstRow
    const to = from + page.rows
    while (at < runs.length && runs[at + 1]! <= from) at += 2
    if (at >= runs.length) return
    if (runs[at]! >= to) continue
    const { stack, values } = open(i)
    for (let r = at; r < runs.length && runs[r]! < to; r += 2) {
      const start = Math.max(runs[r]!, from) - from
      const end = Math.min(runs[r + 1]!, to) - from
      if (values.kind === 'doubles') addDoubles(accumulator, stack, values.doubles, start, end)
      else addWords(accumulator, stack, values.words, start, end)
    }
  }
}

/** Reads and decodes the i-th pages of a row group, unless they are there; dictionaries are read when first needed. */
function pageOpener(reader: Reader, { stack, value }: IndexedRowGroup): (i: number) => DecodedPage {
  let formats: { readonly stack: PageFormat; readonly value: PageFormat } | null = null
  return i => {
    const page = stack.pages[i]!
    const valuePage = value.pages[i]!
    const key = `${reader.path}@${page.offset}`
    const known = reader.cache.get(key)
    if (known !== undefined) {
      reader.reads.cacheHits += 2
      return known
    }
    const { rows } = page
    const place = { path: reader.path, offset: page.offset }
    if (valuePage.firstRow !== page.firstRow || valuePage.rows !== rows) {
      throw new CorruptionError('pages of stack_id and value begin at different rows', place)
    }
    formats ??= { stack: reader.format(stack, 1), value: reader.format(value, 2) }
    const stacks = new Int32Array(rows)
    readInt32Page(reader.read(page), rows, formats.stack, stacks, 0, place)
    const bytes = reader.read(valuePage)
    const valuePlace = { path: reader.path, offset: valuePage.offset }
    let values: DecodedPage['values']
    if (valuePage.safe) {
      values = { kind: 'doubles', doubles: new Float64Array(rows) }
      readFloat64Page(bytes, rows, formats.value, values.doubles, 0, valuePlace)
    } else {
      values = { kind: 'words', words: new Int32Array(rows * 2) }
      readInt64Page(bytes, rows, formats.value, values.words, 0, valuePlace)
    }
    const decoded = { stack: stacks, values }
    reader.cache.put(key, decoded)
    return decoded
  }
}

interface Reader {
  readonly path: string
  readonly reads: Reads
  readonly cache: PageCache
  read(place: { readonly offset: number; readonly size: number }): Uint8Array
  format(chunk: IndexedChunk, perValue: 1 | 2): PageFormat
}

function createReader(fd: number, path: string, reads: Reads, cache: PageCache): Reader {
  const read = ({ offset, size }: { readonly offset: number; readonly size: number }): Uint8Array => {
    const bytes = new Uint8Array(size)
    for (let at = 0; at < size; ) {
      const got = readSync(fd, bytes, at, size - at, offset + at)
      if (got === 0) throw new CorruptionError('file ends within a page', { path, offset: offset + at })
      at += got
    }
    reads.requests++
    reads.bytesRead += size
    return bytes
  }
  return {
    path,
    reads,
    cache,
    read,
    format({ codec, encoding, dictionary }, perValue) {
      if (dictionary === null) return { codec, encoding, dictionary: null }
      const place = { path, offset: dictionary.offset }
      return { codec, encoding, dictionary: openDictionary(read(dictionary), codec, perValue, place) }
    },
  }
}

/** The function trie beside the node trie: derived, as it follows from names. */
function functionTrie({ nodes, frames }: BlockIndex): { nodes: Source['functionNodes']; of: Int32Array } {
  const trie = createTrie()
  const of = new Int32Array(nodes.length)
  const keys = new Int32Array(frames.length)
  for (let f = 0; f < frames.length; f++) keys[f] = nameKey(frames.functionName[f]!, frames.systemName[f]!, f)
  for (let i = 1; i < nodes.length; i++) {
    const parent = of[nodes.parent[i]!]!
    const key = keys[nodes.frame[i]!]!
    const known = findChild(trie, parent, key)
    of[i] = known === 0 ? addChild(trie, parent, key) : known
  }
  const length = trie.parent.length
  return {
    nodes: { parent: trie.parent.array.subarray(0, length), key: trie.key.array.subarray(0, length), length },
    of,
  }
}
