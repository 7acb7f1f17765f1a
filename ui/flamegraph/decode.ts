/**
 * The server's flame graph answer (an Arrow IPC stream) as rows. Dictionaries of several batches are joined into one
 * list of distinct strings; int64 becomes a double for drawing and stays exact beside it for printing.
 */
import { type ArrowChunk, readArrowStream } from './arrow.ts'
import type { FlameRows } from './model.ts'

export function decodeFlame(bytes: Uint8Array): FlameRows {
  const { metadata, columns, rows } = readArrowStream(bytes)
  const chunks = (name: string): readonly ArrowChunk[] => columns.get(name) ?? []
  const names = strings(chunks('name'), rows)
  const files = strings(chunks('file'), rows)
  const mappings = strings(chunks('mapping'), rows)
  const exactTotal = int64(chunks('total'), rows)
  const exactSelf = int64(chunks('self'), rows)
  return {
    parent: parents(chunks('parent'), rows),
    name: names.ids,
    names: names.list,
    file: files.ids,
    files: files.list,
    mapping: mappings.ids,
    mappings: mappings.list,
    line: numbers(chunks('line'), rows),
    total: doubles(exactTotal),
    self: doubles(exactSelf),
    exactTotal,
    exactSelf,
    unit: metadata.get('unit') ?? '',
    profiles: Number(metadata.get('profiles') ?? 0),
  }
}

const isThere = (validity: Uint8Array | null, i: number): boolean =>
  validity === null || ((validity[i >> 3]! >> (i & 7)) & 1) === 1

function strings(chunks: readonly ArrowChunk[], n: number): { ids: Int32Array; list: string[] } {
  const ids = new Int32Array(n).fill(-1)
  const list: string[] = []
  const known = new Map<string, number>()
  let at = 0
  for (const { length, validity, values, texts } of chunks) {
    const joined = Int32Array.from(texts ?? [], text => {
      const id = known.get(text)
      if (id !== undefined) return id
      known.set(text, list.length)
      return list.push(text) - 1
    })
    for (let i = 0; i < length; i++, at++) if (isThere(validity, i)) ids[at] = joined[Number(values[i])] ?? -1
  }
  return { ids, list }
}

/** Checked here once, so that no later pass walks astray: the root first, every parent before its children. */
function parents(chunks: readonly ArrowChunk[], n: number): Int32Array {
  const out = new Int32Array(n)
  let at = 0
  for (const { length, values } of chunks) for (let i = 0; i < length; i++) out[at++] = Number(values[i])
  for (let i = 0; i < n; i++) {
    if (i === 0 ? out[0] !== -1 : out[i]! < 0 || out[i]! >= i) throw new Error(`row ${i} has parent ${out[i]}`)
  }
  return out
}

function int64(chunks: readonly ArrowChunk[], n: number): BigInt64Array {
  const out = new BigInt64Array(n)
  let at = 0
  for (const { length, values } of chunks) {
    if (values instanceof BigInt64Array) out.set(values, at)
    else for (let i = 0; i < length; i++) out[at + i] = BigInt(values[i]!)
    at += length
  }
  return out
}

function numbers(chunks: readonly ArrowChunk[], n: number): Float64Array {
  const out = new Float64Array(n)
  let at = 0
  for (const { length, validity, values } of chunks) {
    for (let i = 0; i < length; i++, at++) if (isThere(validity, i)) out[at] = Number(values[i])
  }
  return out
}

/** By 32-bit halves: no BigInt a row. */
function doubles(exact: BigInt64Array): Float64Array {
  const halves = new Int32Array(exact.buffer, exact.byteOffset, exact.length * 2)
  const out = new Float64Array(exact.length)
  for (let i = 0; i < out.length; i++) out[i] = halves[2 * i + 1]! * 2 ** 32 + (halves[2 * i]! >>> 0)
  return out
}
