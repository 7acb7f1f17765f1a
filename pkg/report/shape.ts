/**
 * Which nodes of a tree an answer shows, and in what order: trimmed, siblings by weight and name, rows breadth first or
 * in pre-order. Row 0 is the root; a parent's row precedes its children's.
 */
import type { StackTree, Sums } from '../query/result.ts'
import { compareFrames } from './strings.ts'
import { addTo, approximate, sumAt, zeroSums } from './sums.ts'

export interface Shape {
  readonly length: number
  readonly node: Int32Array // node of the tree
  readonly parent: Int32Array // row; -1 at the root
  readonly depth: Int32Array // root 0
  readonly children: Int32Array // how many
  /** Value of the subtrees that were left out, each counted at its top. */
  readonly trimmed: bigint
}

export interface ShapeOptions {
  /** In percent: a child stays when its weight exceeds this share of its parent's; 0 trims nothing. */
  readonly trimPercent: number
  /** What trimming compares, per node; not negative. */
  readonly weight: Float64Array
  /** Siblings are in falling order of it, then by name. */
  readonly order: Float64Array
}

/** |total|, or in a diff the larger of |total| and |total − base|, so that what vanished counts for what it was. */
export function trimWeight(total: Sums, diff: Sums | null): Float64Array {
  const value = approximate(total)
  const n = value.length
  const out = new Float64Array(n)
  for (let i = 0; i < n; i++) out[i] = Math.abs(value[i]!)
  if (diff === null) return out
  const change = approximate(diff)
  for (let i = 0; i < n; i++) out[i] = Math.max(out[i]!, Math.abs(change[i]!))
  return out
}

export function breadthFirst(tree: StackTree, total: Sums, options: ShapeOptions): Shape {
  const kept = keep(tree, total, options)
  const { nodes, start, child } = kept
  const m = nodes.length
  const node = new Int32Array(m)
  const parent = new Int32Array(m)
  const depth = new Int32Array(m)
  const children = new Int32Array(m)
  const queue = new Int32Array(m) // row → number among the kept
  parent[0] = -1
  let end = 1
  for (let row = 0; row < m; row++) {
    const k = queue[row]!
    node[row] = nodes[k]!
    children[row] = start[k + 1]! - start[k]!
    for (let c = start[k]!; c < start[k + 1]!; c++) {
      parent[end] = row
      depth[end] = depth[row]! + 1
      queue[end++] = child[c]!
    }
  }
  return { length: m, node, parent, depth, children, trimmed: kept.trimmed }
}

export function preOrder(tree: StackTree, total: Sums, options: ShapeOptions): Shape {
  const kept = keep(tree, total, options)
  const { nodes, start, child } = kept
  const m = nodes.length
  const node = new Int32Array(m)
  const parent = new Int32Array(m)
  const depth = new Int32Array(m)
  const children = new Int32Array(m)
  const stack = new Int32Array(m) // number among the kept
  const above = new Int32Array(m) // row of its parent
  above[0] = -1
  let top = 1
  for (let row = 0; row < m; row++) {
    const k = stack[--top]!
    const p = above[top]!
    node[row] = nodes[k]!
    parent[row] = p
    depth[row] = p < 0 ? 0 : depth[p]! + 1
    children[row] = start[k + 1]! - start[k]!
    for (let c = start[k + 1]! - 1; c >= start[k]!; c--) {
      stack[top] = child[c]!
      above[top++] = row
    }
  }
  return { length: m, node, parent, depth, children, trimmed: kept.trimmed }
}

interface Kept {
  readonly nodes: Int32Array // ascending
  /** Children of the k-th kept node are child[start[k]..start[k+1]), numbers among the kept, in order. */
  readonly start: Int32Array
  readonly child: Int32Array
  readonly trimmed: bigint
}

function keep(tree: StackTree, total: Sums, options: ShapeOptions): Kept {
  const { length: n, parent } = tree
  const rank = new Int32Array(n) // number among the kept, -1 = left out
  const nodes = new Int32Array(n)
  const wide = total.hi !== null
  const trimmed = zeroSums(1, true)
  let lost = 0
  let m = 1
  const share = options.trimPercent / 100
  const weight = options.weight
  for (let i = 1; i < n; i++) {
    const p = parent[i]!
    if (rank[p]! < 0) {
      rank[i] = -1
    } else if (share > 0 && weight[i]! <= Math.floor(weight[p]! * share)) {
      rank[i] = -1
      if (wide) addTo(trimmed, 0, total, i)
      else lost += total.lo[i]!
    } else {
      rank[i] = m
      nodes[m++] = i
    }
  }
  const start = new Int32Array(m + 1)
  for (let k = 1; k < m; k++) {
    const p = rank[parent[nodes[k]!]!]!
    start[p + 1] = start[p + 1]! + 1
  }
  for (let k = 0; k < m; k++) start[k + 1] = start[k + 1]! + start[k]!
  const child = new Int32Array(m - 1)
  const next = start.slice(0, m)
  for (let k = 1; k < m; k++) {
    const p = rank[parent[nodes[k]!]!]!
    child[next[p]!] = k
    next[p] = next[p]! + 1
  }
  const kept = nodes.subarray(0, m)
  sortSiblings(tree, kept, start, child, options.order)
  return { nodes: kept, start, child, trimmed: wide ? sumAt(trimmed, 0) : BigInt(lost) }
}

/** Longer runs go to the engine's sort. */
const INSERTION_LIMIT = 16

function sortSiblings(
  tree: StackTree,
  nodes: Int32Array,
  start: Int32Array,
  child: Int32Array,
  order: Float64Array,
): void {
  const compare = (a: number, b: number): number => {
    const x = order[nodes[a]!]!
    const y = order[nodes[b]!]!
    return x !== y ? y - x : compareNames(tree, nodes[a]!, nodes[b]!)
  }
  for (let k = 0; k < nodes.length; k++) {
    const from = start[k]!
    const to = start[k + 1]!
    if (to - from < 2) continue
    if (to - from > INSERTION_LIMIT) {
      child.subarray(from, to).sort(compare)
      continue
    }
    for (let i = from + 1; i < to; i++) {
      const c = child[i]!
      let j = i - 1
      while (j >= from && compare(child[j]!, c) > 0) {
        child[j + 1] = child[j]!
        j--
      }
      child[j + 1] = c
    }
  }
}

/** By function; nodes without a frame, and of one name, by their place. */
function compareNames(tree: StackTree, a: number, b: number): number {
  const f = tree.frame[a]!
  const g = tree.frame[b]!
  if (f < 0 || g < 0) return f !== g ? f - g : a - b
  return compareFrames(tree.strings, tree.frames, f, g) || a - b
}
