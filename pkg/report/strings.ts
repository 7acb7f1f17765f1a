/** Strings as the bytes they are: compared, copied and made into dictionaries without a JavaScript string in between. */
import { type FrameColumns, type StringColumn, stringAt } from '../profile/frames.ts'

const encoder = new TextEncoder()

/** The text of string `id`, empty for -1. */
export function textOf(strings: StringColumn, id: number): string {
  return id < 0 ? '' : stringAt(strings, id)
}

/** Byte order, which for UTF-8 is code point order. */
function compareStrings(strings: StringColumn, a: number, b: number): number {
  const { bytes, offsets } = strings
  let i = offsets[a]!
  let j = offsets[b]!
  const aEnd = offsets[a + 1]!
  const bEnd = offsets[b + 1]!
  while (i < aEnd && j < bEnd) {
    const d = bytes[i++]! - bytes[j++]!
    if (d !== 0) return d
  }
  return aEnd - i - (bEnd - j)
}

/** By function name in byte order, those without one last and by address. */
export function compareFrames(strings: StringColumn, frames: FrameColumns, f: number, g: number): number {
  const x = frames.functionName[f]!
  const y = frames.functionName[g]!
  if (x !== y) {
    if (x < 0 || y < 0) return y < 0 ? -1 : 1
    const byName = compareStrings(strings, x, y)
    if (byName !== 0) return byName
  }
  const p = frames.address[f]!
  const q = frames.address[g]!
  return p === q ? 0 : p < q ? -1 : 1
}

/** `strings` with `texts` added at the end, as ids strings.length, strings.length + 1, … */
export function appendStrings(strings: StringColumn, texts: readonly string[]): StringColumn {
  const { length } = strings
  const encoded = texts.map(text => encoder.encode(text))
  const base = strings.offsets[length]!
  let size = base
  for (const e of encoded) size += e.length
  const bytes = new Uint8Array(size)
  const offsets = new Int32Array(length + texts.length + 1)
  bytes.set(strings.bytes.subarray(0, base))
  offsets.set(strings.offsets.subarray(0, length + 1))
  let at = base
  encoded.forEach((e, k) => {
    bytes.set(e, at)
    at += e.length
    offsets[length + k + 1] = at
  })
  return { bytes, offsets, length: length + texts.length }
}

/** The strings that a column uses, each once, in order of first use. */
export interface StringDictionary {
  readonly index: Int32Array // entry; -1 = null
  readonly nulls: number
  readonly length: number
  readonly offsets: Int32Array<ArrayBuffer>
  readonly bytes: Uint8Array<ArrayBuffer>
}

export function dictionaryOf(strings: StringColumn, ids: Int32Array): StringDictionary {
  const entry = new Int32Array(strings.length) // entry + 1; 0 = not used so far
  const used = new Int32Array(Math.min(ids.length, strings.length))
  const index = new Int32Array(ids.length)
  let length = 0
  let nulls = 0
  let size = 0
  for (let r = 0; r < ids.length; r++) {
    const id = ids[r]!
    if (id < 0) {
      index[r] = -1
      nulls++
      continue
    }
    let e = entry[id]!
    if (e === 0) {
      used[length] = id
      e = entry[id] = ++length
      size += strings.offsets[id + 1]! - strings.offsets[id]!
    }
    index[r] = e - 1
  }
  const offsets = new Int32Array(length + 1)
  const bytes = new Uint8Array(size)
  let at = 0
  for (let e = 0; e < length; e++) {
    const id = used[e]!
    at = copyBytes(strings.bytes, strings.offsets[id]!, strings.offsets[id + 1]!, bytes, at)
    offsets[e + 1] = at
  }
  return { index, nulls, length, offsets, bytes }
}

/** Below this many bytes a loop is faster than a call. */
const LOOP_LIMIT = 64

function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  if (end - start > LOOP_LIMIT) {
    to.set(from.subarray(start, end), at)
    return at + end - start
  }
  for (let i = start; i < end; i++) to[at++] = from[i]!
  return at
}
