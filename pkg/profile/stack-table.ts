/**
 * Distinct stacks as a trie of frames: a stack is named by the node of its innermost frame, node 0 is the empty stack.
 * Beside it the function trie, in which frames of one function under one parent are one node; every node knows its
 * function node, so that a flame graph needs no merging by name when it is asked for.
 */
import { type Column, int32Column, push, reserve } from '../base/column.ts'
import { addChild, createTrie, findChild, type Trie } from '../base/trie.ts'

export interface StackInterner {
  /** Keys are frames. */
  readonly nodes: Trie
  /** Keys are `nameKey`s. */
  readonly functions: Trie
  /** node → function node */
  readonly functionNode: Column<Int32Array>
  /** Whole stacks by the hash of their frames, open addressing: pairs of hash and stack + 1, 0 = free. */
  slots: Int32Array
  /** By stack: its node, and where its frames begin in `stackFrames`; row `length` is the end of the last. */
  readonly stackNode: Column<Int32Array>
  readonly stackStart: Column<Int32Array>
  /** Leaf first. What is looked up is compared here, in one run of memory, not by walking the trie. */
  readonly stackFrames: Column<Int32Array>
}

export function createStacks(): StackInterner {
  const stacks: StackInterner = {
    nodes: createTrie(),
    functions: createTrie(),
    functionNode: int32Column(),
    slots: new Int32Array(1 << 13),
    stackNode: int32Column(),
    stackStart: int32Column(),
    stackFrames: int32Column(),
  }
  push(stacks.functionNode, 0)
  push(stacks.stackStart, 0)
  return stacks
}

/**
 * The node of the stack frames[start..end), leaf first. `keys[frame]` is the `nameKey` of a frame.
 * Known stacks cost one hash and one comparison.
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
  const { slots } = stacks
  const starts = stacks.stackStart.array
  const known = stacks.stackFrames.array
  const mask = slots.length - 2
  let slot = (hash << 1) & mask
  for (;;) {
    const stack = slots[slot + 1]! - 1
    if (stack < 0) break
    if (slots[slot] === hash) {
      let at = starts[stack]!
      if (starts[stack + 1]! - at === end - start) {
        let i = start
        while (i < end && known[at] === frames[i]) {
          at++
          i++
        }
        if (i === end) return stacks.stackNode.array[stack]!
      }
    }
    slot = (slot + 2) & mask
  }
  return addStack(stacks, frames, start, end, keys, hash)
}

function addStack(
  stacks: StackInterner,
  frames: Int32Array,
  start: number,
  end: number,
  keys: Int32Array,
  hash: number,
): number {
  const { nodes, stackFrames } = stacks
  let node = 0
  for (let i = end - 1; i >= start; i--) {
    const child = findChild(nodes, node, frames[i]!)
    node = child === 0 ? addNode(stacks, node, frames[i]!, keys[frames[i]!]!) : child
  }
  const stack = stacks.stackNode.length
  push(stacks.stackNode, node)
  reserve(stackFrames, end - start).set(frames.subarray(start, end), stackFrames.length)
  stackFrames.length += end - start
  push(stacks.stackStart, stackFrames.length)
  if ((stack + 1) * 4 > stacks.slots.length) growSlots(stacks)
  place(stacks.slots, stack, hash)
  return node
}

function place(slots: Int32Array, stack: number, hash: number): void {
  const mask = slots.length - 2
  let slot = (hash << 1) & mask
  while (slots[slot + 1] !== 0) slot = (slot + 2) & mask
  slots[slot] = hash
  slots[slot + 1] = stack + 1
}

function growSlots(stacks: StackInterner): void {
  const { slots } = stacks
  stacks.slots = new Int32Array(slots.length * 2)
  for (let i = 0; i < slots.length; i += 2) {
    if (slots[i + 1] !== 0) place(stacks.slots, slots[i + 1]! - 1, slots[i]!)
  }
}

/** Appends a node that is known to be new; `key` is its frame's `nameKey`. */
export function addNode(stacks: StackInterner, parent: number, frame: number, key: number): number {
  const functionParent = stacks.functionNode.array[parent]!
  const known = findChild(stacks.functions, functionParent, key)
  push(stacks.functionNode, known === 0 ? addChild(stacks.functions, functionParent, key) : known)
  return addChild(stacks.nodes, parent, frame)
}
