/**
 * A tree under construction: the child of a node for a key is found or made, by open addressing over (parent, key).
 * Node 0 is the root; nodes are numbered as they are made, so that parents precede children.
 */
import type { StackTree, Sums } from '../query/result.ts'
import { addTo, summable, zeroSums } from './sums.ts'

export interface Trie {
  /** The child of `parent` for `key`, any two int32. */
  child(parent: number, key: number): number
  length(): number
  parents(): Int32Array
  /** -1 at the root. */
  keys(): Int32Array
}

export function createTrie(expected = 1024): Trie {
  let capacity = 1024
  while (capacity < expected) capacity *= 2
  let parent = new Int32Array(capacity)
  let key = new Int32Array(capacity)
  let mask = capacity * 2 - 1
  let slots = new Int32Array(capacity * 2) // node, 0 = free
  let length = 1
  parent[0] = key[0] = -1

  const grow = (): void => {
    capacity *= 2
    const parents = new Int32Array(capacity)
    const keys = new Int32Array(capacity)
    parents.set(parent)
    keys.set(key)
    parent = parents
    key = keys
    mask = capacity * 2 - 1
    slots = new Int32Array(capacity * 2)
    for (let i = 1; i < length; i++) {
      let at = slotOf(parent[i]!, key[i]!) & mask
      while (slots[at] !== 0) at = (at + 1) & mask
      slots[at] = i
    }
  }

  return {
    child(p, k) {
      let at = slotOf(p, k) & mask
      for (;;) {
        const node = slots[at]!
        if (node === 0) break
        if (parent[node] === p && key[node] === k) return node
        at = (at + 1) & mask
      }
      if (length === capacity) {
        grow()
        at = slotOf(p, k) & mask
        while (slots[at] !== 0) at = (at + 1) & mask
      }
      slots[at] = length
      parent[length] = p
      key[length] = k
      return length++
    },
    length: () => length,
    parents: () => parent.subarray(0, length),
    keys: () => key.subarray(0, length),
  }
}

function slotOf(p: number, k: number): number {
  let h = Math.imul(p, 0x9e3779b1) ^ Math.imul(k, 0x85ebca6b)
  h ^= h >>> 15
  h = Math.imul(h, 0x2c1b3c6d)
  return h ^ (h >>> 13)
}

/**
 * The tree of a finished trie whose keys are frames of `tree`. Values move from node i of `tree` to node `to[i]`; those
 * with -1 are left behind.
 */
export function finishTrie(trie: Trie, tree: StackTree, to: Int32Array): StackTree {
  const length = trie.length()
  return {
    level: tree.level,
    strings: tree.strings,
    frames: tree.frames,
    parent: trie.parents(),
    frame: trie.keys(),
    self: moveSums(tree.self, to, length),
    baseSelf: tree.baseSelf === null ? null : moveSums(tree.baseSelf, to, length),
    length,
  }
}

export function moveSums(sums: Sums, to: Int32Array, length: number): Sums {
  const from = summable(sums)
  const out = zeroSums(length, from.hi !== null)
  if (from.hi !== null) {
    for (let i = 0; i < to.length; i++) if (to[i]! >= 0) addTo(out, to[i]!, from, i)
    return out
  }
  const { lo } = from
  for (let i = 0; i < to.length; i++) {
    const t = to[i]!
    if (t >= 0) out.lo[t] = out.lo[t]! + lo[i]!
  }
  return out
}

/** Whether samples end at node i. */
export function hasSelf(tree: StackTree, i: number): boolean {
  const { self, baseSelf } = tree
  if (self.lo[i] !== 0 || (self.hi !== null && self.hi[i] !== 0)) return true
  return baseSelf !== null && (baseSelf.lo[i] !== 0 || (baseSelf.hi !== null && baseSelf.hi[i] !== 0))
}
