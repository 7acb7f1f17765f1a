/**
 * One row per function (per address and mapping where there is no name), with what it spent itself and beneath it. A
 * sample counts once for a function however often its stack holds it: no row exceeds the total. (Parca counts every
 * occurrence.) Rows are in falling order of cumulative, then by name; columns in which its frames differ hold -1 or 0.
 */
import type { FrameColumns, StackTree, Sums } from '../query/result.ts'
import { BY_FUNCTION, copyFrame, emptyFrames, frameKinds, mergeFrame } from './by-function.ts'
import { compareFrames } from './strings.ts'
import { addTo, approximate, gather, summable, totals, zeroSums } from './sums.ts'
import { moveSums } from './trie.ts'

export interface FunctionRows {
  readonly length: number
  readonly frames: FrameColumns // one per row
  readonly ofNode: Int32Array // node → row, -1 at the root
  readonly cumulative: Sums
  readonly flat: Sums
  readonly baseCumulative: Sums | null
  readonly baseFlat: Sums | null
}

export function functionRows(tree: StackTree): FunctionRows {
  const { length: n, frame } = tree
  const kind = frameKinds(tree.frames, BY_FUNCTION)
  const walk = preOrderOf(tree)
  const rowOfKind = new Int32Array(tree.frames.length).fill(-1)
  const rowOfNode = new Int32Array(n).fill(-1)
  const firstFrame = new Int32Array(n)
  let length = 0
  for (let x = 1; x < n; x++) {
    const i = walk.node[x]!
    const k = kind[frame[i]!]!
    if (rowOfKind[k]! < 0) {
      firstFrame[length] = frame[i]!
      rowOfKind[k] = length++
    }
    rowOfNode[i] = rowOfKind[k]!
  }
  const found = emptyFrames(length)
  for (let row = 0; row < length; row++) copyFrame(found, row, tree.frames, firstFrame[row]!)
  for (let i = 1; i < n; i++) {
    const row = rowOfNode[i]!
    if (frame[i] !== firstFrame[row]) mergeFrame(found, row, tree.frames, frame[i]!)
  }

  const cumulative = outermostSums(totals(tree, tree.self), walk, rowOfNode, length)
  const sum = approximate(cumulative)
  const order = Int32Array.from({ length }, (_, row) => row)
  order.sort((a, b) => (sum[a] !== sum[b] ? sum[b]! - sum[a]! : compareFrames(tree.strings, found, a, b) || a - b))
  const place = new Int32Array(length)
  const frames = emptyFrames(length)
  for (let row = 0; row < length; row++) {
    place[order[row]!] = row
    copyFrame(frames, row, found, order[row]!)
  }
  const ofNode = rowOfNode.map(row => (row < 0 ? -1 : place[row]!))
  const { baseSelf } = tree
  return {
    length,
    frames,
    ofNode,
    cumulative: gather(cumulative, order),
    flat: moveSums(tree.self, ofNode, length),
    baseCumulative:
      baseSelf === null ? null : gather(outermostSums(totals(tree, baseSelf), walk, rowOfNode, length), order),
    baseFlat: baseSelf === null ? null : moveSums(baseSelf, ofNode, length),
  }
}

interface Walk {
  readonly node: Int32Array // place in pre-order → node
  readonly size: Int32Array // node → nodes of its subtree, itself included
}

/** Places follow from sizes alone, in one pass back and one forth. */
function preOrderOf(tree: StackTree): Walk {
  const { length: n, parent } = tree
  const size = new Int32Array(n).fill(1)
  for (let i = n - 1; i > 0; i--) size[parent[i]!] = size[parent[i]!]! + size[i]!
  const node = new Int32Array(n)
  const next = new Int32Array(n) // node → place of its next child
  next[0] = 1
  for (let i = 1; i < n; i++) {
    const place = next[parent[i]!]!
    next[parent[i]!] = place + size[i]!
    next[i] = place + 1
    node[place] = i
  }
  return { node, size }
}

/** For each row the totals of those of its nodes that have no node of the row above them. */
function outermostSums(total: Sums, walk: Walk, rowOfNode: Int32Array, length: number): Sums {
  const from = summable(total)
  const out = zeroSums(length, from.hi !== null)
  const openUntil = new Int32Array(length) // place behind the subtree of the row's latest outermost node
  for (let x = 1; x < rowOfNode.length; x++) {
    const i = walk.node[x]!
    const row = rowOfNode[i]!
    if (x < openUntil[row]!) continue
    openUntil[row] = x + walk.size[i]!
    addTo(out, row, from, i)
  }
  return out
}
