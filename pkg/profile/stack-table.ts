/**
 * Distinct stacks as a trie of frames: a stack is named by the node of its innermost frame, node 0 is the empty stack.
 * Beside it the function trie, in which frames of one function under one parent are one node; every node knows its
 * function node, so that a flame graph needs no merging by name when it is asked for.
 */
import { type Column, int32Column, push } from '../base/column.ts'
import { addChild, createTrie, findChild, type Trie } from '../base/trie.ts'

export interface StackInterner {
  /** Keys are frames. */
  readonly nodes: Trie
  /** Keys are `nameKey`s. */
  readonly functions: Trie
  /** node → function node */
  readonly functionNode: Column<Int32Array>
  /** Whole stacks by the hash of their frames: node + 1, 0 = free. */
  slots: Int32Array
  hashes: Int32Array
  stacks: number
}

export function createStacks(): StackInterner {
  const stacks: StackInterner = {
    nodes: createTrie(),
    functions: createTrie(),
    functionNode: int32Column(),
    slots: new Int32Array(1 << 12),
    hashes: new Int32Array(1 << 12),
    stacks: 0,
  }
  push(stacks.functionNode, 0)
  return stacks
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
  const { slots, hashes, nodes } = stacks
  const mask = slots.length - 1
  const parent = nodes.parent.array
  const frame = nodes.key.array
  let slot = hash & mask
  for (;;) {
    const found = slots[slot]! - 1
    if (found < 0) break
    if (hashes[slot] === hash) {
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
  for (let i = end - 1; i >= start; i--) {
    const child = findChild(nodes, node, frames[i]!)
    node = child === 0 ? addNode(stacks, node, frames[i]!, keys[frames[i]!]!) : child
  }
  if (++stacks.stacks * 2 > slots.length) growSlots(stacks)
  placeStack(stacks, node, hash)
  return node
}

function placeStack(stacks: StackInterner, node: number, hash: number): void {
  const mask = stacks.slots.length - 1
  let slot = hash & mask
  while (stacks.slots[slot] !== 0) slot = (slot + 1) & mask
  stacks.slots[slot] = node + 1
  stacks.hashes[slot] = hash
}

function growSlots(stacks: StackInterner): void {
  const { slots, hashes } = stacks
  stacks.slots = new Int32Array(slots.length * 2)
  stacks.hashes = new Int32Array(slots.length * 2)
  for (let i = 0; i < slots.length; i++) {
    if (slots[i] !== 0) placeStack(stacks, slots[i]! - 1, hashes[i]!)
  }
}

/** Appends a node that is known to be new; `key` is its frame's `nameKey`. */
export function addNode(stacks: StackInterner, parent: number, frame: number, key: number): number {
  const functionParent = stacks.functionNode.array[parent]!
  const known = findChild(stacks.functions, functionParent, key)
  push(stacks.functionNode, known === 0 ? addChild(stacks.functions, functionParent, key) : known)
  return addChild(stacks.nodes, parent, frame)
}
