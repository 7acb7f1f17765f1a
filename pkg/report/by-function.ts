/**
 * From frames to functions: under one parent, frames of one function become one node. Frames without a function name
 * are apart by address and mapping. Further columns can be made part of what keeps frames apart.
 *
 * Where merged frames differ in a column, it holds -1 or 0.
 */
import { assert } from '../base/assert.ts'
import type { FrameColumns, StackTree } from '../query/result.ts'
import { createTrie, moveSums } from './trie.ts'

export interface FrameKeys {
  readonly file: boolean
  readonly address: boolean
  readonly mapping: boolean
}

export const BY_FUNCTION: FrameKeys = { file: false, address: false, mapping: false }

/** A tree of functions passes through untouched. */
export function byFunction(tree: StackTree, keys: FrameKeys): StackTree {
  if (tree.level === 'function') {
    assert(!keys.file && !keys.address && !keys.mapping, 'functions cannot be told apart by what their frames had')
    return tree
  }
  const { length: n, parent, frame } = tree
  const kind = frameKinds(tree.frames, keys)
  const trie = createTrie(n)
  const to = new Int32Array(n) // node → node of the result
  const first = new Int32Array(n).fill(-1) // node of the result → frame it was made from
  const merged = new Int32Array(n).fill(-1) // node of the result → row among the merged frames, -1 = one frame only
  let mergedCount = 0
  for (let i = 1; i < n; i++) {
    const f = frame[i]!
    const node = trie.child(to[parent[i]!]!, kind[f]!)
    to[i] = node
    if (first[node]! < 0) first[node] = f
    else if (first[node] !== f && merged[node]! < 0) merged[node] = mergedCount++
  }
  const length = trie.length()
  const frames = extendFrames(tree.frames, mergedCount)
  const base = tree.frames.length
  const outFrame = first.slice(0, length)
  for (let node = 1; node < length; node++) {
    if (merged[node]! < 0) continue
    const row = base + merged[node]!
    copyFrame(frames, row, frames, first[node]!)
    outFrame[node] = row
  }
  if (mergedCount > 0) {
    for (let i = 1; i < n; i++) {
      const row = merged[to[i]!]!
      if (row >= 0) mergeFrame(frames, base + row, frames, frame[i]!)
    }
  }
  return {
    level: 'function',
    strings: tree.strings,
    frames,
    parent: trie.parents(),
    frame: outFrame,
    self: moveSums(tree.self, to, length),
    baseSelf: tree.baseSelf === null ? null : moveSums(tree.baseSelf, to, length),
    length,
  }
}

/** Frames that may become one node get one number: that of the first of them. */
export function frameKinds(frames: FrameColumns, keys: FrameKeys): Int32Array {
  const n = frames.length
  const { functionName, file, mapping, address } = frames
  const words = new Uint32Array(address.buffer, address.byteOffset, n * 2)
  let size = 16
  while (size < n * 2) size *= 2
  const slots = new Int32Array(size) // frame + 1, 0 = free
  const kind = new Int32Array(n)
  const same = (f: number, g: number): boolean => {
    const name = functionName[f]!
    if (name !== functionName[g]) return false
    if (keys.file && file[f] !== file[g]) return false
    if ((name < 0 || keys.mapping) && mapping[f] !== mapping[g]) return false
    if (name >= 0 && !keys.address) return true
    return words[2 * f] === words[2 * g] && words[2 * f + 1] === words[2 * g + 1]
  }
  for (let f = 0; f < n; f++) {
    let h = Math.imul(functionName[f]! + 1, 0x9e3779b1)
    if (keys.file) h = Math.imul(h ^ file[f]!, 0x85ebca6b)
    if (functionName[f]! < 0 || keys.mapping) h = Math.imul(h ^ mapping[f]!, 0xc2b2ae35)
    if (functionName[f]! < 0 || keys.address) h = Math.imul(h ^ words[2 * f]! ^ words[2 * f + 1]!, 0x27d4eb2f)
    let at = (h ^ (h >>> 15)) & (size - 1)
    while (slots[at] !== 0 && !same(slots[at]! - 1, f)) at = (at + 1) & (size - 1)
    if (slots[at] === 0) slots[at] = f + 1
    kind[f] = slots[at]! - 1
  }
  return kind
}

function extendFrames(frames: FrameColumns, more: number): FrameColumns {
  if (more === 0) return frames
  const length = frames.length + more
  const extend = <A extends Int32Array | Float64Array | BigUint64Array | Uint8Array>(out: A, from: A): A => {
    out.set(from.subarray(0, frames.length) as never)
    return out
  }
  return {
    length,
    functionName: extend<Int32Array>(new Int32Array(length), frames.functionName),
    systemName: extend<Int32Array>(new Int32Array(length), frames.systemName),
    file: extend<Int32Array>(new Int32Array(length), frames.file),
    line: extend<Float64Array>(new Float64Array(length), frames.line),
    startLine: extend<Float64Array>(new Float64Array(length), frames.startLine),
    address: extend<BigUint64Array>(new BigUint64Array(length), frames.address),
    inlined: extend<Uint8Array>(new Uint8Array(length), frames.inlined),
    mapping: extend<Int32Array>(new Int32Array(length), frames.mapping),
    buildId: extend<Int32Array>(new Int32Array(length), frames.buildId),
  }
}

/** Columns of `length` frames that say nothing so far. */
export function emptyFrames(length: number): FrameColumns {
  return {
    length,
    functionName: new Int32Array(length).fill(-1),
    systemName: new Int32Array(length).fill(-1),
    file: new Int32Array(length).fill(-1),
    line: new Float64Array(length),
    startLine: new Float64Array(length),
    address: new BigUint64Array(length),
    inlined: new Uint8Array(length),
    mapping: new Int32Array(length).fill(-1),
    buildId: new Int32Array(length).fill(-1),
  }
}

export function copyFrame(frames: FrameColumns, to: number, source: FrameColumns, from: number): void {
  frames.functionName[to] = source.functionName[from]!
  frames.systemName[to] = source.systemName[from]!
  frames.file[to] = source.file[from]!
  frames.line[to] = source.line[from]!
  frames.startLine[to] = source.startLine[from]!
  frames.address[to] = source.address[from]!
  frames.inlined[to] = source.inlined[from]!
  frames.mapping[to] = source.mapping[from]!
  frames.buildId[to] = source.buildId[from]!
}

/** What the two agree on stays. They are of one function, so that its name needs no look. */
export function mergeFrame(frames: FrameColumns, to: number, source: FrameColumns, from: number): void {
  if (frames.systemName[to] !== source.systemName[from]) frames.systemName[to] = -1
  if (frames.file[to] !== source.file[from]) frames.file[to] = -1
  if (frames.line[to] !== source.line[from]) frames.line[to] = 0
  if (frames.startLine[to] !== source.startLine[from]) frames.startLine[to] = 0
  if (frames.address[to] !== source.address[from]) frames.address[to] = 0n
  if (frames.inlined[to] !== source.inlined[from]) frames.inlined[to] = 0
  if (frames.mapping[to] !== source.mapping[from]) frames.mapping[to] = -1
  if (frames.buildId[to] !== source.buildId[from]) frames.buildId[to] = -1
}
