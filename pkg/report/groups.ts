/**
 * Trees put together for drawing: under one root a row per label set with its tree beneath it, and a node `[no stack]`
 * for samples that came without one.
 */
import { assert } from '../base/assert.ts'
import type { FrameColumns, Merged, StackTree, StringColumn, Sums } from '../query/result.ts'
import { appendStrings, textOf } from './strings.ts'
import { widen, zeroSums } from './sums.ts'

/** What labels say of the nodes of a grouped tree. */
export interface LabelRows {
  readonly names: readonly string[]
  readonly strings: StringColumn
  /** For each name, node → string of `strings`, -1 = the group has no such label. */
  readonly values: readonly Int32Array[]
  /** 1 at the nodes that stand for a label set and not for a frame. */
  readonly only: Uint8Array
}

type Labels = Merged['groups'][number]['labels']

const NO_STACK = '[no stack]'
const NO_STRINGS: StringColumn = { bytes: new Uint8Array(0), offsets: new Int32Array(1), length: 0 }

/** Samples without a stack as a child of the root, so that they are drawn. The tree itself when there are none. */
export function withNoStack(tree: StackTree): StackTree {
  const { length, frames, strings } = tree
  if (isZero(tree.self, 0) && (tree.baseSelf === null || isZero(tree.baseSelf, 0))) return tree
  const node = length
  const withName = appendStrings(strings, [NO_STACK])
  const parent = new Int32Array(length + 1)
  parent.set(tree.parent.subarray(0, length))
  parent[node] = 0
  const frame = new Int32Array(length + 1)
  frame.set(tree.frame.subarray(0, length))
  frame[node] = frames.length
  return {
    level: tree.level,
    strings: withName,
    frames: appendFrame(frames, strings.length),
    parent,
    frame,
    self: moveRoot(tree.self, length),
    baseSelf: tree.baseSelf === null ? null : moveRoot(tree.baseSelf, length),
    length: length + 1,
  }
}

function isZero(sums: Sums, i: number): boolean {
  return sums.lo[i] === 0 && (sums.hi === null || sums.hi[i] === 0)
}

/** The sums with one more at the end, which takes the root's. */
function moveRoot(sums: Sums, length: number): Sums {
  const out = zeroSums(length + 1, sums.hi !== null)
  for (const [to, from] of [
    [out.lo, sums.lo],
    [out.hi, sums.hi],
  ] as const) {
    if (to === null || from === null) continue
    to.set(from.subarray(0, length))
    to[length] = from[0]!
    to[0] = 0
  }
  return out
}

function appendFrame(frames: FrameColumns, functionName: number): FrameColumns {
  const n = frames.length
  const ids = (column: Int32Array, last: number): Int32Array => {
    const out = new Int32Array(n + 1)
    out.set(column.subarray(0, n))
    out[n] = last
    return out
  }
  const numbers = (column: Float64Array): Float64Array => {
    const out = new Float64Array(n + 1)
    out.set(column.subarray(0, n))
    return out
  }
  const address = new BigUint64Array(n + 1)
  address.set(frames.address.subarray(0, n))
  const inlined = new Uint8Array(n + 1)
  inlined.set(frames.inlined.subarray(0, n))
  return {
    length: n + 1,
    functionName: ids(frames.functionName, functionName),
    systemName: ids(frames.systemName, -1),
    file: ids(frames.file, -1),
    line: numbers(frames.line),
    startLine: numbers(frames.startLine),
    address,
    inlined,
    mapping: ids(frames.mapping, -1),
    buildId: ids(frames.buildId, -1),
  }
}

/**
 * One tree of all groups: a child of the root per label set, the group's tree beneath it. A group that has none of the
 * labels hangs directly under the root. Names of frames in two groups may be strings of their own.
 */
export function groupTrees(groups: Merged['groups'], names: readonly string[]): { tree: StackTree; labels: LabelRows } {
  assert(groups.length > 0, 'no groups')
  let length = 1
  for (const group of groups) length += group.tree.length - 1 + (isLabelled(group.labels, names) ? 1 : 0)
  const wide = groups.some(g => g.tree.self.hi !== null || (g.tree.baseSelf?.hi ?? null) !== null)
  const isDiff = groups.some(g => g.tree.baseSelf !== null)

  const tables = joinTables(groups.map(g => g.tree))
  const parent = new Int32Array(length)
  const frame = new Int32Array(length)
  const self = zeroSums(length, wide)
  const baseSelf = isDiff ? zeroSums(length, wide) : null
  const only = new Uint8Array(length)
  const values = names.map(() => new Int32Array(length).fill(-1))
  const texts: string[] = []
  const textIds = new Map<string, number>()
  parent[0] = frame[0] = -1

  let next = 1
  groups.forEach(({ labels, tree }, g) => {
    let top = 0
    const first = next
    if (isLabelled(labels, names)) {
      top = next++
      parent[top] = 0
      frame[top] = -1
      only[top] = 1
    }
    const shift = next - 1
    for (let i = 1; i < tree.length; i++) {
      const p = tree.parent[i]!
      parent[i + shift] = p === 0 ? top : p + shift
      frame[i + shift] = tree.frame[i]! + tables.frameBase[g]!
    }
    next += tree.length - 1
    place(self, tree.self, tree.length, top, shift)
    if (baseSelf !== null && tree.baseSelf !== null) place(baseSelf, tree.baseSelf, tree.length, top, shift)
    names.forEach((name, k) => {
      const value = labelValue(labels, name)
      if (value === '') return
      let id = textIds.get(value)
      if (id === undefined) {
        id = texts.length
        textIds.set(value, id)
        texts.push(value)
      }
      values[k]!.fill(id, first, next)
    })
  })
  const tree: StackTree = {
    level: groups[0]!.tree.level,
    strings: tables.strings,
    frames: tables.frames,
    parent,
    frame,
    self,
    baseSelf,
    length,
  }
  return { tree, labels: { names, strings: appendStrings(NO_STRINGS, texts), values, only } }
}

function labelValue(labels: Labels, name: string): string {
  return labels.find(label => label.name === name)?.value ?? ''
}

function isLabelled(labels: Labels, names: readonly string[]): boolean {
  return names.some(name => labelValue(labels, name) !== '')
}

/** Value 0 goes to node `top`, value i to node i + shift. */
function place(into: Sums, from: Sums, length: number, top: number, shift: number): void {
  const source = into.hi === null ? from : widen(from)
  into.lo.set(source.lo.subarray(1, length), shift + 1)
  into.lo[top] = source.lo[0]!
  if (into.hi === null) return
  into.hi.set(source.hi!.subarray(1, length), shift + 1)
  into.hi[top] = source.hi![0]!
}

/** The tables of all trees one after another, or the one that they share. */
function joinTables(trees: readonly StackTree[]): {
  strings: StringColumn
  frames: FrameColumns
  frameBase: readonly number[]
} {
  const [first] = trees as [StackTree, ...StackTree[]]
  if (trees.every(t => t.strings === first.strings && t.frames === first.frames)) {
    return { strings: first.strings, frames: first.frames, frameBase: trees.map(() => 0) }
  }
  const ids = new Map<string, number>()
  const distinct: string[] = []
  const stringMaps = trees.map(({ strings }) =>
    Int32Array.from({ length: strings.length }, (_, i) => {
      const text = textOf(strings, i)
      let id = ids.get(text)
      if (id === undefined) {
        id = distinct.length
        ids.set(text, id)
        distinct.push(text)
      }
      return id
    }),
  )
  let length = 0
  const frameBase = trees.map(t => {
    const base = length
    length += t.frames.length
    return base
  })
  const column = (of: (f: FrameColumns) => Int32Array): Int32Array => {
    const out = new Int32Array(length)
    trees.forEach((t, k) => {
      const from = of(t.frames)
      const map = stringMaps[k]!
      for (let f = 0; f < t.frames.length; f++) out[frameBase[k]! + f] = from[f]! < 0 ? -1 : map[from[f]!]!
    })
    return out
  }
  const fill = <A extends Float64Array | BigUint64Array | Uint8Array>(out: A, of: (f: FrameColumns) => A): A => {
    trees.forEach((t, k) => {
      out.set(of(t.frames).subarray(0, t.frames.length) as never, frameBase[k]!)
    })
    return out
  }
  return {
    strings: appendStrings(NO_STRINGS, distinct),
    frameBase,
    frames: {
      length,
      functionName: column(f => f.functionName),
      systemName: column(f => f.systemName),
      file: column(f => f.file),
      line: fill<Float64Array>(new Float64Array(length), f => f.line),
      startLine: fill<Float64Array>(new Float64Array(length), f => f.startLine),
      address: fill<BigUint64Array>(new BigUint64Array(length), f => f.address),
      inlined: fill<Uint8Array>(new Uint8Array(length), f => f.inlined),
      mapping: column(f => f.mapping),
      buildId: column(f => f.buildId),
    },
  }
}
