/**
 * The head's stacks as a trie: node 0 is the root (the empty stack), parent[i] < i. A stack is named by the node of its
 * innermost frame. Beside it the function trie, in which frames of one function under one parent are one node; every
 * node knows its function node, so that a flame graph needs no merging by name when it is asked for.
 */
import { type Column, int32Column, push } from './column.ts'

export interface StackInterner {
  readonly parent: Column<Int32Array>
  readonly frame: Column<Int32Array> // -1 at the root
  readonly depth: Column<Int32Array> // frames from the root, 0 at the root
  /** node → function node */
  readonly functionNode: Column<Int32Array>
  readonly functionParent: Column<Int32Array>
  /** The string that names the function, or -1 - frame for a frame without a name: see `nameKey`. */
  readonly functionKey: Column<Int32Array>
  /** (parent, frame) → node, open addressing, node 0 = free. */
  childSlots: Int32Array
  functionSlots: Int32Array
  /** Whole stacks by the hash of their frames: node + 1, 0 = free. */
  stackSlots: Int32Array
  stackHashes: Int32Array
  stacks: number
}

export function createStacks(): StackInterner {
  const stacks: StackInterner = {
    parent: int32Column(),
    frame: int32Column(),
    depth: int32Column(),
    functionNode: int32Column(),
    functionParent: int32Column(),
    functionKey: int32Column(),
    childSlots: new Int32Array(1 << 13),
    functionSlots: new Int32Array(1 << 13),
    stackSlots: new Int32Array(1 << 12),
    stackHashes: new Int32Array(1 << 12),
    stacks: 0,
  }
  push(stacks.parent, -1)
  push(stacks.frame, -1)
  push(stacks.depth, 0)
  push(stacks.functionNode, 0)
  push(stacks.functionParent, -1)
  push(stacks.functionKey, -1)
  return stacks
}

/** What names a frame in a flame graph: its function name, else its system name, else itself (by address). */
export function nameKey(functionName: number, systemName: number, frame: number): number {
  if (functionName >= 0) return functionName
  return systemName >= 0 ? systemName : -1 - frame
}

/**
 * The node of the stack frames[start..end), leaf first. `keys[frame]` is the `nameKey` of a frame.
 * Known stacks cost one hash and one walk to the root.
 */
export function internStack(
  stacks: StackInterner,
  frames: Int32Array,
  start: number,
  end: number,
  keys: Int32Array,
): number {
  if (start === end) return 0
  let hash = 0x811c9dc5
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ frames[i]!, 0x85ebca6b) ^ (hash >>> 13)
  hash ^= hash >>> 15
  const { stackSlots, stackHashes } = stacks
  const mask = stackSlots.length - 1
  const parent = stacks.parent.array
  const frame = stacks.frame.array
  let slot = hash & mask
  for (;;) {
    const found = stackSlots[slot]! - 1
    if (found < 0) break
    if (stackHashes[slot] === hash) {
      let node = found
      let i = start
      while (i < end && frame[node] === frames[i]) {
        node = parent[node]!
        i++
      }
      if (i === end && node === 0) return found
    }
    slot = (slot + 1) & mask
  }
  let node = 0
  for (let i = end - 1; i >= start; i--) node = childOf(stacks, node, frames[i]!, keys)
  if (++stacks.stacks * 2 > stackSlots.length) growStackSlots(stacks)
  placeStack(stacks, node, hash)
  return node
}

function placeStack(stacks: StackInterner, node: number, hash: number): void {
  const mask = stacks.stackSlots.length - 1
  let slot = hash & mask
  while (stacks.stackSlots[slot] !== 0) slot = (slot + 1) & mask
  stacks.stackSlots[slot] = node + 1
  stacks.stackHashes[slot] = hash
}

function growStackSlots(stacks: StackInterner): void {
  const { stackSlots, stackHashes } = stacks
  stacks.stackSlots = new Int32Array(stackSlots.length * 2)
  stacks.stackHashes = new Int32Array(stackSlots.length * 2)
  for (let i = 0; i < stackSlots.length; i++)
    if (stackSlots[i] !== 0) placeStack(stacks, stackSlots[i]! - 1, stackHashes[i]!)
}

function mix(a: number, b: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35)
  return h ^ (h >>> 13)
}

function childOf(stacks: StackInterner, parent: number, frame: number, keys: Int32Array): number {
  const { childSlots } = stacks
  const mask = childSlots.length - 1
  const parents = stacks.parent.array
  const frames = stacks.frame.array
  let slot = mix(parent, frame) & mask
  for (;;) {
    const node = childSlots[slot]!
    if (node === 0) break
    if (parents[node] === parent && frames[node] === frame) return node
    slot = (slot + 1) & mask
  }
  return addNode(stacks, parent, frame, keys[frame]!)
}

/** Appends a node that is known to be new; `key` is its frame's `nameKey`. */
export function addNode(stacks: StackInterner, parent: number, frame: number, key: number): number {
  const node = stacks.parent.length
  push(stacks.parent, parent)
  push(stacks.frame, frame)
  push(stacks.depth, stacks.depth.array[parent]! + 1)
  push(stacks.functionNode, functionChildOf(stacks, stacks.functionNode.array[parent]!, key))
  if (node * 2 > stacks.childSlots.length) {
    stacks.childSlots = new Int32Array(stacks.childSlots.length * 2)
    for (let i = 1; i < node; i++)
      placeChild(stacks.childSlots, i, mix(stacks.parent.array[i]!, stacks.frame.array[i]!))
  }
  placeChild(stacks.childSlots, node, mix(parent, frame))
  return node
}

function functionChildOf(stacks: StackInterner, parent: number, key: number): number {
  const { functionSlots } = stacks
  const mask = functionSlots.length - 1
  const parents = stacks.functionParent.array
  const keys = stacks.functionKey.array
  let slot = mix(parent, key) & mask
  for (;;) {
    const node = functionSlots[slot]!
    if (node === 0) break
    if (parents[node] === parent && keys[node] === key) return node
    slot = (slot + 1) & mask
  }
  const node = stacks.functionParent.length
  push(stacks.functionParent, parent)
  push(stacks.functionKey, key)
  if (node * 2 > functionSlots.length) {
    stacks.functionSlots = new Int32Array(functionSlots.length * 2)
    const p = stacks.functionParent.array
    const k = stacks.functionKey.array
    for (let i = 1; i < node; i++) placeChild(stacks.functionSlots, i, mix(p[i]!, k[i]!))
  }
  placeChild(stacks.functionSlots, node, mix(parent, key))
  return node
}

function placeChild(slots: Int32Array, node: number, hash: number): void {
  const mask = slots.length - 1
  let slot = hash & mask
  while (slots[slot] !== 0) slot = (slot + 1) & mask
  slots[slot] = node
}
