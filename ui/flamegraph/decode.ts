/**
 * The server's flame graph answer (an Arrow IPC stream) as rows. Dictionaries of several batches are joined into one
 * list of distinct strings; int64 becomes a double for drawing and stays exact beside it for printing.
 */
import { tableFromIPC } from '@uwdata/flechette'
import type { FlameRows } from './model.ts'

/** What this file uses of an Arrow batch: the value buffer, and for dictionaries the decoded list. */
interface Batch {
  readonly length: number
  readonly values?: ArrayLike<number | bigint>
  readonly cache?: readonly (string | null)[]
  readonly nullCount: number
  at(index: number): unknown
}

export function decodeFlame(bytes: Uint8Array): FlameRows {
  const table = tableFromIPC(bytes, { useBigInt: true })
  const n = table.numRows
  const metadata = table.schema.metadata ?? new Map<string, string>()
  const batches = (name: string): readonly Batch[] => {
    const column = table.getChild(name) as unknown as { data: readonly Batch[] } | undefined
    return column ? column.data : []
  }
  const names = strings(batches('name'), n)
  const files = strings(batches('file'), n)
  const mappings = strings(batches('mapping'), n)
  const total = int64(batches('total'), n)
  const self = int64(batches('self'), n)
  return {
    parent: int32(batches('parent'), n),
    name: names.ids,
    names: names.list,
    file: files.ids,
    files: files.list,
    mapping: mappings.ids,
    mappings: mappings.list,
    line: numbers(batches('line'), n),
    total: doubles(total),
    self: doubles(self),
    exactTotal: total,
    exactSelf: self,
    unit: metadata.get('unit') ?? '',
    profiles: Number(metadata.get('profiles') ?? 0),
  }
}

function strings(batches: readonly Batch[], n: number): { ids: Int32Array; list: string[] } {
  const ids = new Int32Array(n).fill(-1)
  const list: string[] = []
  const known = new Map<string, number>()
  const idOf = (text: string): number => {
    let id = known.get(text)
    if (id === undefined) {
      id = list.length
      known.set(text, id)
      list.push(text)
    }
    return id
  }
  let at = 0
  for (const batch of batches) {
    const dictionary = batch.cache
    if (dictionary && batch.values && batch.nullCount === 0) {
      const remap = Int32Array.from(dictionary, text => (text === null ? -1 : idOf(text)))
      const keys = batch.values as ArrayLike<number>
      for (let i = 0; i < batch.length; i++) ids[at++] = remap[keys[i]!]!
    } else {
      for (let i = 0; i < batch.length; i++) {
        const text = batch.at(i)
        ids[at++] = typeof text === 'string' ? idOf(text) : -1
      }
    }
  }
  return { ids, list }
}

function int32(batches: readonly Batch[], n: number): Int32Array {
  const out = new Int32Array(n)
  let at = 0
  for (const batch of batches) for (let i = 0; i < batch.length; i++) out[at++] = Number(batch.at(i) ?? -1)
  return out
}

function int64(batches: readonly Batch[], n: number): BigInt64Array {
  const out = new BigInt64Array(n)
  let at = 0
  for (const batch of batches) {
    if (batch.values instanceof BigInt64Array && batch.nullCount === 0)
      out.set(batch.values.subarray(0, batch.length), at)
    else for (let i = 0; i < batch.length; i++) out[at + i] = BigInt((batch.at(i) as bigint | number | null) ?? 0)
    at += batch.length
  }
  return out
}

function numbers(batches: readonly Batch[], n: number): Float64Array {
  const out = new Float64Array(n)
  let at = 0
  for (const batch of batches) for (let i = 0; i < batch.length; i++) out[at++] = Number(batch.at(i) ?? 0)
  return out
}

/** By 32-bit halves: no BigInt a row. */
function doubles(exact: BigInt64Array): Float64Array {
  const halves = new Int32Array(exact.buffer, exact.byteOffset, exact.length * 2)
  const out = new Float64Array(exact.length)
  for (let i = 0; i < out.length; i++) out[i] = halves[2 * i + 1]! * 2 ** 32 + (halves[2 * i]! >>> 0)
  return out
}
