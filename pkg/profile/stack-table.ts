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

/** The hash of a stack is taken frame by frame, leaf first, from `STACK_SEED`, while its frames are gathered. */
export const STACK_SEED = 0x811c9dc5

export function hashFrame(hash: number, frame: number): number {
  return Math.imul(hash ^ frame, 0x85ebca6b) ^ (hash >>> 13)
}

/**
 * The node of the stack frames[0..length), leaf first, whose hash is `hash`. `keys[frame]` is the `nameKey` of a frame.
 * Known stacks cost one look-up and one comparison.
 */
export function internStack(
  stacks: StackInterner,
  frames: Int32Array,
  length: number,
  hash: number,
  keys: Int32Array,
): number {
  if (length === 0) return 0
  const { slots } = stacks
  const starts = stacks.stackStart.array
  const known = stacks.stackFrames.array
  const mask = slots.length - 2
  let slot = ((hash ^ (hash >>> 15)) << 1) & mask
  for (;;) {
    const stack = slots[slot + 1]! - 1
    if (stack < 0) break
    if (slots[slot] === hash) {
      const at = starts[stack]!
      if (starts[stack + 1]! - at === length) {
        let i = 0
        while (i < length && known[at + i] === frames[i]) i++
        if (i === length) return stacks.stackNode.array[stack]!
      }
    }
    slot = (slot + 2) & mask
  }
  return addStack(stacks, frames, length, keys, hash)
}

function addStack(stacks: StackInterner, frames: Int32Array, length: number, keys: Int32Array, hash: number): number {
  const { nodes, stackFrames } = stacks
  let node = 0
  for (let i = length - 1; i >= 0; i--) {
    const child = findChild(nodes, node, frames[i]!)
    node = child === 0 ? addNode(stacks, node, frames[i]!, keys[frames[i]!]!) : child
  }
  const stack = stacks.stackNode.length
  push(stacks.stackNode, node)
  reserve(stackFrames, length).set(frames.subarray(0, length), stackFrames.length)
  stackFrames.length += length
  push(stacks.stackStart, stackFrames.length)
  if ((stack + 1) * 4 > stacks.slots.length) growSlots(stacks)
  place(stacks.slots, stack, hash)
  return node
}

function place(slots: Int32Array, stack: number, hash: number): void {
  const mask = slots.length - 2
  let slot = ((hash ^ (hash >>> 15)) << 1) & mask
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
