/**
 * Merge: sums by stack in every source, then one tree for all of them.
 *
 *   rows ─▶ sum per stack ─▶ from each stack in use to the root, as far as nobody went before ─▶ common tree
 *
 * A flame graph wants functions: the store keeps a trie of functions beside that of frames, so its nodes are met by
 * number, and what the frames of one function have in common (file, line, mapping …) is found on the same walk. What a
 * merge costs goes with the nodes it meets, not with those there are.
 */
import { type Accumulator, carry } from '../../frostdb/scan/accumulate.ts'
import type { Reads, Source } from '../../frostdb/scan/source.ts'
import { view } from '../base/column.ts'
import { addChild, findChild, type Trie } from '../base/trie.ts'
import type { FrameColumns } from '../profile/frames.ts'
import type { Common } from './common.ts'
import { functionColumns, see } from './function-frames.ts'
import type { StackTree, Sums } from './result.ts'
import { clearTree, type QueryScratch, type SourceScratch, type TreeScratch } from './scratch.ts'
import type { Selected } from './select.ts'

const SAFE = 2 ** 53

export interface MergeOptions {
  readonly level: StackTree['level']
  readonly common: Common
  readonly reads: Reads
  readonly scratch: QueryScratch
}

/** One side, or two for a diff: `base` is then the other. The answer lies in `into`, until that is used again. */
export function merge(
  selected: readonly Selected[],
  base: readonly Selected[] | null,
  options: MergeOptions,
  into: TreeScratch,
): StackTree {
  const wide = boundOf(selected) >= SAFE || (base !== null && boundOf(base) >= SAFE)
  const sides = base === null ? [selected] : [selected, base]
  clearTree(into)
  into.sides.length = 0
  for (let s = 0; s < sides.length; s++) {
    into.sides.push({ lo: new Float64Array(1024), hi: new Float64Array(wide ? 1024 : 0) })
  }
  const mark = options.scratch.nextMark()
  for (const [s, side] of sides.entries()) {
    for (const one of side) {
      if (one.runs.size === 0) skip(one.source, options.reads)
      else fold({ ...options, ...one, into, side: s, wide, mark, own: options.scratch.of(one.source) })
    }
  }
  return treeOf(into, options, sides.length, wide)
}

function treeOf(into: TreeScratch, { level, common }: MergeOptions, sides: number, wide: boolean): StackTree {
  const { tree } = into
  const length = tree.parent.length
  const frames: FrameColumns = level === 'frame' ? common.frames() : functionColumns(into, common.frames(), length)
  const self = Array.from({ length: sides }, (_, s): Sums => {
    const { lo, hi } = sized(into.sides[s]!, length, wide)
    return { lo: lo.subarray(0, length), hi: wide ? hi.subarray(0, length) : null }
  })
  return {
    level,
    strings: common.strings(),
    frames,
    parent: view(tree.parent, length),
    frame: level === 'frame' ? view(tree.key, length) : identityFrames(into, length),
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

function identityFrames(into: TreeScratch, length: number): Int32Array {
  if (into.identity.length < length) {
    into.identity = new Int32Array(Math.ceil(length * 1.25))
    for (let i = 0; i < into.identity.length; i++) into.identity[i] = i - 1
  }
  return into.identity.subarray(0, length)
}

interface Fold extends MergeOptions, Selected {
  readonly into: TreeScratch
  readonly side: number
  readonly wide: boolean
  readonly mark: number
  readonly own: SourceScratch
}

/** Adds one source's selection to a side of the tree. Profiles with different periods are summed apart. */
function fold(f: Fold): void {
  const { source, runs, wide, reads } = f
  for (const [factor, rows] of runs) {
    const { lo, hi } = f.scratch.sums(source.stacks, wide)
    const sums: Accumulator = { lo, hi, pending: 0 }
    try {
      source.accumulate(rows, sums, reads)
      carry(sums)
      if (factor !== 1) multiply(sums, factor)
      if (f.level === 'frame') foldFrames(f, sums)
      else foldFunctions(f, sums)
    } finally {
      lo.fill(0)
      hi?.fill(0)
    }
  }
  const side = f.into.sides[f.side]!
  if (wide) carry({ lo: side.lo, hi: side.hi, pending: 0 })
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

function foldFrames(f: Fold, { lo, hi }: Accumulator): void {
  const { source, into, own, mark } = f
  const keys = f.common.nodeKeysOf(source)
  const walk: Walk = {
    tree: into.tree,
    fresh: isEmpty(into),
    parent: source.nodes.parent,
    keys,
    marks: own.nodeMark,
    to: own.nodeTo,
    mark,
    functions: null,
  }
  for (let stack = 0; stack < lo.length; stack++) {
    if (lo[stack] === 0 && (hi === null || hi[stack] === 0)) continue
    const node = source.stackNode === null ? stack : source.stackNode[stack]!
    addTo(f, resolve(walk, node), lo[stack]!, hi === null ? 0 : hi[stack]!)
  }
}

function foldFunctions(f: Fold, { lo, hi }: Accumulator): void {
  const { source, into, own, mark } = f
  const { functionNodes, functionNodeOf } = source
  const { parent } = source.nodes
  const keys = f.common.functionKeysOf(source)
  const frames = f.common.nodeKeysOf(source)
  const columns = f.common.frames()
  const { nodeMark, functionTo } = own
  const walk: Walk = {
    tree: into.tree,
    fresh: isEmpty(into),
    parent: functionNodes.parent,
    keys,
    marks: own.functionMark,
    to: functionTo,
    mark,
    functions: into,
  }
  for (let stack = 0; stack < lo.length; stack++) {
    if (lo[stack] === 0 && (hi === null || hi[stack] === 0)) continue
    const leaf = source.stackNode === null ? stack : source.stackNode[stack]!
    addTo(f, resolve(walk, functionNodeOf[leaf]!), lo[stack]!, hi === null ? 0 : hi[stack]!)
    const { first } = into
    for (let node = leaf; node !== 0 && nodeMark[node] !== mark; node = parent[node]!) {
      nodeMark[node] = mark
      const to = functionTo[functionNodeOf[node]!]!
      const frame = frames[node]!
      if (first[to]! < 0) first[to] = frame
      else if (first[to] !== frame) see(into, to, frame, columns)
    }
  }
}

const isEmpty = (into: TreeScratch): boolean => into.tree.parent.length === 1

interface Walk {
  readonly tree: Trie
  /** The tree has nothing but what this walk puts there: as siblings of a source differ by key, none is met twice. */
  readonly fresh: boolean
  readonly parent: Int32Array
  readonly keys: Int32Array
  readonly marks: Int32Array
  readonly to: Int32Array
  readonly mark: number
  readonly functions: TreeScratch | null
}

let path = new Int32Array(256)

/** The node of the common tree for a node of a source: up as far as nobody went before, then down again. */
function resolve({ tree, fresh, parent, keys, marks, to, mark, functions }: Walk, node: number): number {
  let depth = 0
  let at = node
  while (at !== 0 && marks[at] !== mark) {
    if (depth === path.length) path = doubled(path)
    path[depth++] = at
    at = parent[at]!
  }
  let common = at === 0 ? 0 : to[at]!
  while (depth > 0) {
    const next = path[--depth]!
    const key = keys[next]!
    const known = fresh ? 0 : findChild(tree, common, key)
    if (known === 0) {
      common = addChild(tree, common, key)
      if (functions !== null) forgetFrame(functions, common)
    } else common = known
    marks[next] = mark
    to[next] = common
  }
  return common
}

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const out = new Int32Array(array.length * 2)
  out.set(array)
  return out
}

function forgetFrame(into: TreeScratch, node: number): void {
  if (node >= into.first.length) {
    const length = Math.max(1024, node * 2)
    const first = new Int32Array(length)
    first.set(into.first)
    into.first = first
    const differs = new Uint8Array(length)
    differs.set(into.differs)
    into.differs = differs
  }
  into.first[node] = -1
  into.differs[node] = 0
}

function addTo(f: Fold, node: number, low: number, high: number): void {
  const side = f.into.sides[f.side]!
  if (node >= side.lo.length) sized(side, node + 1, f.wide)
  side.lo[node]! += low
  if (f.wide) side.hi[node]! += high
}

function sized(side: TreeScratch['sides'][number], length: number, wide: boolean): TreeScratch['sides'][number] {
  if (side.lo.length < length) {
    const lo = new Float64Array(length * 2)
    lo.set(side.lo)
    side.lo = lo
    if (wide) {
      const hi = new Float64Array(length * 2)
      hi.set(side.hi)
      side.hi = hi
    }
  }
  return side
}
