/**
 * A trie of integer keys: node 0 is the root, parent[i] < i, siblings have distinct keys. One backward pass over `parent`
 * turns what a node holds itself into what its subtree holds.
 */
import { type Column, int32Column, push } from './column.ts'

export interface Trie {
  readonly parent: Column<Int32Array> // -1 at the root
  readonly key: Column<Int32Array> // -1 at the root
  /** (parent, key) → node, open addressing; 0 = free, as the root is nobody's child. */
  slots: Int32Array
}

export function createTrie(): Trie {
  const trie: Trie = { parent: int32Column(), key: int32Column(), slots: new Int32Array(1 << 13) }
  push(trie.parent, -1)
  push(trie.key, -1)
  return trie
}

/** Empties the trie and keeps its memory. */
export function clearTrie(trie: Trie): void {
  trie.parent.length = 1
  trie.key.length = 1
  trie.slots.fill(0)
}

function mix(a: number, b: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35)
  return h ^ (h >>> 13)
}

/** The child of `parent` with this key, or 0 when there is none. */
export function findChild(trie: Trie, parent: number, key: number): number {
  const { slots } = trie
  const mask = slots.length - 1
  const parents = trie.parent.array
  const keys = trie.key.array
  let slot = mix(parent, key) & mask
  for (;;) {
    const node = slots[slot]!
    if (node === 0 || (parents[node] === parent && keys[node] === key)) return node
    slot = (slot + 1) & mask
  }
}

/** Appends a child that is known to be new. */
export function addChild(trie: Trie, parent: number, key: number): number {
  const node = trie.parent.length
  push(trie.parent, parent)
  push(trie.key, key)
  if (node * 2 > trie.slots.length) {
    trie.slots = new Int32Array(trie.slots.length * 2)
    const parents = trie.parent.array
    const keys = trie.key.array
    for (let i = 1; i < node; i++) place(trie.slots, i, mix(parents[i]!, keys[i]!))
  }
  place(trie.slots, node, mix(parent, key))
  return node
}

function place(slots: Int32Array, node: number, hash: number): void {
  const mask = slots.length - 1
  let slot = hash & mask
  while (slots[slot] !== 0) slot = (slot + 1) & mask
  slots[slot] = node
}
