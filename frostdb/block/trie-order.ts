/** Numbers the nodes and frames that the stacks of a block use: see `order.ts`. */

export interface TrieOrder {
  /** Nodes depth first, node 0 the root; parent[i] < i. */
  readonly parent: Int32Array
  readonly frame: Int32Array // block frame, -1 at the root
  /** Block stack → block node. */
  readonly stackNode: Int32Array
  /** Block frame → frame of the source. */
  readonly frames: Int32Array
}

/** `stackNode` holds nodes of a trie with parent[i] < i, one per block stack. */
export function orderTrie(
  nodes: { readonly parent: Int32Array; readonly frame: Int32Array; readonly length: number },
  stackNode: Int32Array,
): TrieOrder {
  const used = new Uint8Array(nodes.length)
  for (const node of stackNode) used[node] = 1
  for (let i = nodes.length - 1; i > 0; i--) if (used[i] === 1) used[nodes.parent[i]!] = 1
  used[0] = 1

  // Children as linked lists, in ascending order since they are put in front from the last on.
  const firstChild = new Int32Array(nodes.length)
  const nextSibling = new Int32Array(nodes.length)
  let count = 1
  for (let i = nodes.length - 1; i > 0; i--) {
    if (used[i] === 0) continue
    count++
    const parent = nodes.parent[i]!
    nextSibling[i] = firstChild[parent]!
    firstChild[parent] = i
  }

  const parent = new Int32Array(count)
  const frame = new Int32Array(count)
  const newNode = new Int32Array(nodes.length)
  const newFrame = new Map<number, number>()
  const frames: number[] = []
  parent[0] = -1
  frame[0] = -1
  let at = 1
  let node = firstChild[0]!
  while (node !== 0) {
    newNode[node] = at
    parent[at] = newNode[nodes.parent[node]!]!
    let f = newFrame.get(nodes.frame[node]!)
    if (f === undefined) {
      f = frames.length
      newFrame.set(nodes.frame[node]!, f)
      frames.push(nodes.frame[node]!)
    }
    frame[at++] = f
    let next = firstChild[node]!
    while (next === 0 && node !== 0) {
      next = nextSibling[node]!
      node = nodes.parent[node]!
    }
    node = next
  }
  return { parent, frame, stackNode: Int32Array.from(stackNode, n => newNode[n]!), frames: Int32Array.from(frames) }
}
