/**
 * Merge: sums by stack in every source, then one tree for all of them.
 *
 *   rows ─▶ sum per stack ─▶ self per node ─▶ nodes in use (one backward pass) ─▶ common tree
 *
 * A flame graph wants functions: the store keeps a trie of functions beside that of frames, so its nodes are met by
 * number, and what the frames of one function have in common (file, line, mapping …) is found in one pass over the
 * frames in use.
 */
import { type Accumulator, carry, createAccumulator } from '../../frostdb/scan/accumulate.ts'
import type { Reads, Source } from '../../frostdb/scan/source.ts'
import { view } from '../base/column.ts'
import { addChild, createTrie, findChild, type Trie } from '../base/trie.ts'
import type { FrameColumns } from '../profile/frames.ts'
import type { Common } from './common.ts'
import type { StackTree, Sums } from './result.ts'
import type { Selected } from './select.ts'

const SAFE = 2 ** 53

/** Self values of one side (a selection) by node of the common tree. */
interface Side {
  lo: Float64Array
  hi: Float64Array | null
}

export interface MergeOptions {
  readonly level: StackTree['level']
  readonly common: Common
  readonly reads: Reads
}

/** One side, or two for a diff: `base` is then the other. */
export function merge(
  selected: readonly Selected[],
  base: readonly Selected[] | null,
  options: MergeOptions,
): StackTree {
  const wide = boundOf(selected) >= SAFE || (base !== null && boundOf(base) >= SAFE)
  const sides = base === null ? [selected] : [selected, base]
  const sources = new Map<Source, (Sums | null)[]>()
  for (const [s, side] of sides.entries()) {
    for (const one of side) {
      if (one.runs.size === 0) {
        skip(one.source, options.reads)
        continue
      }
      let sums = sources.get(one.source)
      if (sums === undefined) sources.set(one.source, (sums = sides.map(() => null)))
      sums[s] = sumStacks(one, wide, options.reads)
    }
  }
  const tree = createTrie()
  const out: Side[] = sides.map(() => ({ lo: new Float64Array(1), hi: wide ? new Float64Array(1) : null }))
  const functions = options.level === 'function' ? createFunctionFrames(options.common) : null
  for (const [source, sums] of sources) {
    if (functions === null) joinFrames(tree, source, sums, out, options.common)
    else joinFunctions(tree, source, sums, out, options.common, functions)
  }
  const length = tree.parent.length
  const frames = functions === null ? options.common.frames() : functions.columns(tree, length)
  const self = out.map(side => ({
    lo: side.lo.subarray(0, length),
    hi: side.hi === null ? null : side.hi.subarray(0, length),
  }))
  return {
    level: options.level,
    strings: options.common.strings(),
    frames,
    parent: view(tree.parent, length),
    frame: functions === null ? view(tree.key, length) : identityFrames(length),
    self: self[0]!,
    baseSelf: self[1] ?? null,
    length,
  }
}

function skip({ rowGroups }: Source, reads: Reads): void {
  reads.rowGroupsSkipped += rowGroups.length
  for (const { bytes } of rowGroups) reads.bytesSkipped += bytes
}

const boundOf = (selected: readonly Selected[]): number => selected.reduce((sum, s) => sum + s.bound, 0)

function identityFrames(length: number): Int32Array {
  const frame = new Int32Array(length)
  for (let i = 0; i < length; i++) frame[i] = i - 1
  return frame
}

/** Sums by stack; values of profiles with different periods are summed apart and multiplied at the end. */
function sumStacks({ source, runs }: Selected, wide: boolean, reads: Reads): Sums {
  let total: Accumulator | null = null
  for (const [factor, rows] of runs) {
    const sums = createAccumulator(source.stacks, wide)
    source.accumulate(rows, sums, reads)
    carry(sums)
    if (factor !== 1) multiply(sums, factor)
    if (total === null) total = sums
    else addSums(total, sums)
  }
  return total!
}

function multiply({ lo, hi }: Accumulator, factor: number): void {
  if (hi === null) {
    for (let i = 0; i < lo.length; i++) lo[i]! *= factor
    return
  }
  const by = BigInt(factor)
  for (let i = 0; i < lo.length; i++) {
    if (lo[i] === 0 && hi[i] === 0) continue
    const product = ((BigInt(hi[i]!) << 32n) + BigInt(lo[i]!)) * by
    lo[i] = Number(product & 0xffffffffn)
    hi[i] = Number(product >> 32n)
  }
}

function addSums(into: Accumulator, from: Accumulator): void {
  for (let i = 0; i < into.lo.length; i++) into.lo[i]! += from.lo[i]!
  if (into.hi === null) return
  for (let i = 0; i < into.lo.length; i++) into.hi[i]! += from.hi![i]!
  carry(into)
}

/** Adds the stacks' sums to the nodes they end at, and marks every node on the way to the root. */
function scatter(
  sums: readonly (Sums | null)[],
  stackTo: Int32Array | null,
  stacks: number,
  parent: Int32Array,
  length: number,
): { used: Uint8Array; self: (Side | null)[] } {
  const used = new Uint8Array(length)
  const self = sums.map((side): Side | null => {
    if (side === null) return null
    const lo = new Float64Array(length)
    const hi = side.hi === null ? null : new Float64Array(length)
    for (let s = 0; s < stacks; s++) {
      const low = side.lo[s]!
      const high = side.hi === null ? 0 : side.hi[s]!
      if (low === 0 && high === 0) continue
      const node = stackTo === null ? s : stackTo[s]!
      lo[node]! += low
      if (hi !== null) hi[node]! += high
      used[node] = 1
    }
    return { lo, hi }
  })
  markParents(used, parent, length)
  return { used, self }
}

function markParents(used: Uint8Array, parent: Int32Array, length: number): void {
  for (let i = length - 1; i > 0; i--) if (used[i] === 1) used[parent[i]!] = 1
  used[0] = 1
}

/** Walks the nodes in use, parents first, to their nodes in the common tree: node → common node, -1 = not in use. */
function joinNodes(tree: Trie, parent: Int32Array, keys: Int32Array, used: Uint8Array, length: number): Int32Array {
  const to = new Int32Array(length).fill(-1)
  to[0] = 0
  const fresh = tree.parent.length === 1
  for (let i = 1; i < length; i++) {
    if (used[i] === 0) continue
    const above = to[parent[i]!]!
    const key = keys[i]!
    // Siblings of one source differ by key, so the first source meets nothing that is there already.
    const known = fresh ? 0 : findChild(tree, above, key)
    to[i] = known === 0 ? addChild(tree, above, key) : known
  }
  return to
}

function addSelf(out: Side[], self: readonly (Side | null)[], to: Int32Array, length: number): void {
  for (const [s, side] of out.entries()) {
    side.lo = grown(side.lo, length)
    if (side.hi !== null) side.hi = grown(side.hi, length)
    const from = self[s]
    if (from === null || from === undefined) continue
    for (let i = 0; i < to.length; i++) {
      const node = to[i]!
      if (node < 0) continue
      side.lo[node]! += from.lo[i]!
      if (side.hi !== null) side.hi[node]! += from.hi![i]!
    }
    if (side.hi !== null) carry({ lo: side.lo, hi: side.hi, pending: 0 })
  }
}

function grown(array: Float64Array, length: number): Float64Array {
  if (array.length >= length) return array
  const out = new Float64Array(length)
  out.set(array)
  return out
}

function joinFrames(tree: Trie, source: Source, sums: readonly (Sums | null)[], out: Side[], common: Common): void {
  const { nodes } = source
  const { used, self } = scatter(sums, source.stackNode, source.stacks, nodes.parent, nodes.length)
  const frames = common.framesOf(source)
  const keys = new Int32Array(nodes.length)
  for (let i = 1; i < nodes.length; i++) keys[i] = frames[nodes.frame[i]!]!
  const to = joinNodes(tree, nodes.parent, keys, used, nodes.length)
  addSelf(out, self, to, tree.parent.length)
}

function joinFunctions(
  tree: Trie,
  source: Source,
  sums: readonly (Sums | null)[],
  out: Side[],
  common: Common,
  functions: FunctionFrames,
): void {
  const { nodes, functionNodes, functionNodeOf, stackNode } = source
  const frames = common.framesOf(source)
  const strings = common.stringsOf(source)

  // Frames in use, for what the frames of a function have in common.
  const usedNodes = new Uint8Array(nodes.length)
  for (const side of sums) {
    if (side === null) continue
    for (let s = 0; s < source.stacks; s++) {
      if (side.lo[s] !== 0 || (side.hi !== null && side.hi[s] !== 0))
        usedNodes[stackNode === null ? s : stackNode[s]!] = 1
    }
  }
  markParents(usedNodes, nodes.parent, nodes.length)

  const stackTo = new Int32Array(source.stacks)
  for (let s = 0; s < source.stacks; s++) stackTo[s] = functionNodeOf[stackNode === null ? s : stackNode[s]!]!
  const { used, self } = scatter(sums, stackTo, source.stacks, functionNodes.parent, functionNodes.length)
  const keys = new Int32Array(functionNodes.length)
  for (let i = 1; i < functionNodes.length; i++) {
    if (used[i] === 0) continue
    const key = functionNodes.key[i]!
    keys[i] = key >= 0 ? strings[key]! : -2 - frames[-1 - key]!
  }
  const to = joinNodes(tree, functionNodes.parent, keys, used, functionNodes.length)
  addSelf(out, self, to, tree.parent.length)
  functions.see(nodes.frame, usedNodes, functionNodeOf, to, frames, tree.parent.length)
}

interface FunctionFrames {
  /** Takes note of the frames of the nodes in use. */
  see(
    nodeFrame: Int32Array,
    usedNodes: Uint8Array,
    functionNodeOf: Int32Array,
    to: Int32Array,
    frames: Int32Array,
    length: number,
  ): void
  /** One frame per node but the root: what its frames have in common, else none. */
  columns(tree: Trie, length: number): FrameColumns
}

const DIFFERS = {
  systemName: 1,
  file: 2,
  line: 4,
  startLine: 8,
  address: 16,
  inlined: 32,
  mapping: 64,
  buildId: 128,
} as const

function createFunctionFrames(common: Common): FunctionFrames {
  let first = new Int32Array(1).fill(-1) // common frame of the first frame seen
  let differs = new Uint8Array(1)
  return {
    see(nodeFrame, usedNodes, functionNodeOf, to, frames, length) {
      if (first.length < length) {
        const longer = new Int32Array(length).fill(-1)
        longer.set(first)
        first = longer
        const bits = new Uint8Array(length)
        bits.set(differs)
        differs = bits
      }
      const f = common.frames()
      for (let i = 1; i < usedNodes.length; i++) {
        if (usedNodes[i] === 0) continue
        const node = to[functionNodeOf[i]!]!
        const frame = frames[nodeFrame[i]!]!
        const seen = first[node]!
        if (seen < 0) first[node] = frame
        else if (seen !== frame) differs[node]! |= difference(f, seen, frame)
      }
    },
    columns(tree, length) {
      const f = common.frames()
      const n = length - 1
      const out = {
        length: n,
        functionName: new Int32Array(n).fill(-1),
        systemName: new Int32Array(n).fill(-1),
        file: new Int32Array(n).fill(-1),
        line: new Float64Array(n),
        startLine: new Float64Array(n),
        address: new BigUint64Array(n),
        inlined: new Uint8Array(n),
        mapping: new Int32Array(n).fill(-1),
        buildId: new Int32Array(n).fill(-1),
      }
      const words = new Uint32Array(f.address.buffer, f.address.byteOffset, f.length * 2)
      const outWords = new Uint32Array(out.address.buffer)
      const keys = tree.key.array
      for (let i = 0; i < n; i++) {
        const frame = first[i + 1]!
        const bits = differs[i + 1]!
        const key = keys[i + 1]!
        if (key >= 0) out.functionName[i] = key
        if ((bits & DIFFERS.systemName) === 0) out.systemName[i] = f.systemName[frame]!
        if ((bits & DIFFERS.file) === 0) out.file[i] = f.file[frame]!
        if ((bits & DIFFERS.line) === 0) out.line[i] = f.line[frame]!
        if ((bits & DIFFERS.startLine) === 0) out.startLine[i] = f.startLine[frame]!
        if ((bits & DIFFERS.address) === 0) {
          outWords[i * 2] = words[frame * 2]!
          outWords[i * 2 + 1] = words[frame * 2 + 1]!
        }
        if ((bits & DIFFERS.inlined) === 0) out.inlined[i] = f.inlined[frame]!
        if ((bits & DIFFERS.mapping) === 0) out.mapping[i] = f.mapping[frame]!
        if ((bits & DIFFERS.buildId) === 0) out.buildId[i] = f.buildId[frame]!
      }
      return out
    },
  }
}

function difference(f: FrameColumns, a: number, b: number): number {
  let bits = 0
  if (f.systemName[a] !== f.systemName[b]) bits |= DIFFERS.systemName
  if (f.file[a] !== f.file[b]) bits |= DIFFERS.file
  if (f.line[a] !== f.line[b]) bits |= DIFFERS.line
  if (f.startLine[a] !== f.startLine[b]) bits |= DIFFERS.startLine
  if (f.inlined[a] !== f.inlined[b]) bits |= DIFFERS.inlined
  if (f.mapping[a] !== f.mapping[b]) bits |= DIFFERS.mapping
  if (f.buildId[a] !== f.buildId[b]) bits |= DIFFERS.buildId
  if (f.address[a] !== f.address[b]) bits |= DIFFERS.address
  return bits
}
