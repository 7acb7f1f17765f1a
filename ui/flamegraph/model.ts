/**
 * A flame graph as columns, ready to lay out: nodes in pre-order, siblings by falling width.
 *
 * Node 0 is the root. parent[i] < i; the subtree of i is the nodes [i, last[i]). Siblings lie side by side from their
 * parent's start without a gap, the heaviest first, so the narrow ones end up together at the right. Positions are in
 * value space: a frame spans [start, end), the whole graph [0, end[0]). Where values are negative the width is that of
 * the absolute value, and a parent is never narrower than its children together.
 *
 * `rows` lists the nodes by depth, then start: depth d is rows[rowStart[d]..rowStart[d + 1]).
 */

import { hashText } from './hash.ts'
import { fillOf } from './palette.ts'

/** What an answer holds, one entry a node in any pre-order; ids index the string lists, -1 = none. */
export interface FlameRows {
  readonly parent: Int32Array // -1 at the root
  readonly name: Int32Array
  readonly total: Float64Array // for drawing: the exact sum rounded, or a mean
  readonly self: Float64Array
  readonly exactTotal: BigInt64Array
  readonly exactSelf: BigInt64Array
  readonly file: Int32Array
  readonly line: Float64Array // 0 = none
  readonly mapping: Int32Array
  readonly names: readonly string[]
  readonly files: readonly string[]
  readonly mappings: readonly string[]
  readonly unit: string
  readonly profiles: number
}

export interface FlameModel extends FlameRows {
  readonly length: number
  readonly depth: Int32Array
  readonly last: Int32Array
  readonly start: Float64Array
  readonly end: Float64Array
  readonly rows: Int32Array
  readonly rowStart: Int32Array // one longer than there are depths
  readonly fill: Uint8Array // in a palette's fills
  readonly path: Uint32Array // hash of the names from the root: the same place in another answer
  /** Per name: sums over its nodes; in `nameTotal` a function that calls itself counts once. */
  readonly nameTotal: Float64Array
  readonly nameSelf: Float64Array
  readonly nameNodes: Int32Array
}

/** The mean of the profiles that were added up; the exact values stay those of the sum. */
export function meanOf(rows: FlameRows): FlameRows {
  const count = rows.profiles
  if (!(count > 1)) return rows
  return { ...rows, total: rows.total.map(v => v / count), self: rows.self.map(v => v / count) }
}

export function buildModel(input: FlameRows): FlameModel {
  const n = input.parent.length
  const order = orderSiblings(input)
  const renumbered = new Int32Array(n)
  for (let i = 0; i < n; i++) renumbered[order[i]!] = i
  const parent = new Int32Array(n)
  for (let i = 0; i < n; i++) {
    const p = input.parent[order[i]!]!
    parent[i] = p < 0 ? -1 : renumbered[p]!
  }
  const total = pick(input.total, order, new Float64Array(n))
  const name = pick(input.name, order, new Int32Array(n))
  const self = pick(input.self, order, new Float64Array(n))
  const width = widths(parent, total)
  const place = placeNodes(parent, width)
  const file = pick(input.file, order, new Int32Array(n))
  const mapping = pick(input.mapping, order, new Int32Array(n))
  return {
    ...input,
    ...place,
    ...nodesByDepth(place.depth),
    ...sumByName({ parent, name, total, self, last: place.last, names: input.names }),
    length: n,
    parent,
    total,
    self,
    name,
    exactTotal: pick(input.exactTotal, order, new BigInt64Array(n)),
    exactSelf: pick(input.exactSelf, order, new BigInt64Array(n)),
    file,
    mapping,
    line: pick(input.line, order, new Float64Array(n)),
    fill: fills(name, file, mapping, input),
    path: pathHashes(parent, name, input.names),
  }
}

interface Column<T> {
  readonly [index: number]: T
}

function pick<T, C extends { [index: number]: T }>(from: Column<T>, order: Int32Array, into: C): C {
  for (let i = 0; i < order.length; i++) into[i] = from[order[i]!]!
  return into
}

/** The nodes in pre-order with siblings by falling |total|, then by name, then as they came. */
function orderSiblings({ parent, total, name, names }: FlameRows): Int32Array {
  const n = parent.length
  const childStart = new Int32Array(n + 1)
  for (let i = 1; i < n; i++) childStart[parent[i]! + 1]!++
  for (let i = 0; i < n; i++) childStart[i + 1]! += childStart[i]!
  const children = new Int32Array(Math.max(0, n - 1))
  const filled = childStart.slice(0, n)
  for (let i = 1; i < n; i++) children[filled[parent[i]!]!++] = i
  const heavierFirst = (a: number, b: number): number => {
    const byWeight = Math.abs(total[b]!) - Math.abs(total[a]!)
    if (byWeight !== 0) return byWeight
    const x = names[name[a]!] ?? ''
    const y = names[name[b]!] ?? ''
    return x < y ? -1 : x > y ? 1 : a - b
  }
  for (let i = 0; i < n; i++) {
    const from = childStart[i]!
    const to = childStart[i + 1]!
    if (to - from > 1) children.subarray(from, to).sort(heavierFirst)
  }
  const order = new Int32Array(n)
  const stack = new Int32Array(n)
  let top = 0
  let out = 0
  if (n > 0) stack[top++] = 0
  while (top > 0) {
    const node = stack[--top]!
    order[out++] = node
    for (let c = childStart[node + 1]! - 1; c >= childStart[node]!; c--) stack[top++] = children[c]!
  }
  return order
}

function widths(parent: Int32Array, total: Float64Array): Float64Array {
  const n = parent.length
  const below = new Float64Array(n)
  const width = new Float64Array(n)
  for (let i = n - 1; i >= 0; i--) {
    width[i] = Math.max(Math.abs(total[i]!), below[i]!)
    const p = parent[i]!
    if (p >= 0) below[p]! += width[i]!
  }
  return width
}

function placeNodes(parent: Int32Array, width: Float64Array) {
  const n = parent.length
  const start = new Float64Array(n)
  const end = new Float64Array(n)
  const depth = new Int32Array(n)
  const last = new Int32Array(n)
  const next = new Float64Array(n) // where the next child of a node begins
  for (let i = 0; i < n; i++) {
    const p = parent[i]!
    if (p >= 0) {
      start[i] = next[p]!
      depth[i] = depth[p]! + 1
    }
    end[i] = start[i]! + width[i]!
    if (p >= 0) next[p] = end[i]!
    next[i] = start[i]!
    last[i] = i + 1
  }
  for (let i = n - 1; i > 0; i--) {
    const p = parent[i]!
    if (last[p]! < last[i]!) last[p] = last[i]!
  }
  return { start, end, depth, last }
}

function nodesByDepth(depth: Int32Array) {
  const n = depth.length
  let deepest = -1
  for (let i = 0; i < n; i++) if (depth[i]! > deepest) deepest = depth[i]!
  const rowStart = new Int32Array(deepest + 2)
  for (let i = 0; i < n; i++) rowStart[depth[i]! + 1]!++
  for (let d = 0; d <= deepest; d++) rowStart[d + 1]! += rowStart[d]!
  const rows = new Int32Array(n)
  const filled = rowStart.slice()
  for (let i = 0; i < n; i++) rows[filled[depth[i]!]!++] = i
  return { rows, rowStart }
}

function sumByName(nodes: {
  parent: Int32Array
  name: Int32Array
  total: Float64Array
  self: Float64Array
  last: Int32Array
  names: readonly string[]
}) {
  const { name, total, self, last } = nodes
  const count = nodes.names.length
  const nameTotal = new Float64Array(count)
  const nameSelf = new Float64Array(count)
  const nameNodes = new Int32Array(count)
  const openUntil = new Int32Array(count) // a node before it lies inside a call of the same function
  for (let i = 1; i < name.length; i++) {
    const f = name[i]!
    if (f < 0) continue
    nameSelf[f]! += self[i]!
    nameNodes[f]!++
    if (i >= openUntil[f]!) {
      nameTotal[f]! += total[i]!
      openUntil[f] = last[i]!
    }
  }
  return { nameTotal, nameSelf, nameNodes }
}

/** One look at a name in a file decides for all of them. */
function fills(
  name: Int32Array,
  file: Int32Array,
  mapping: Int32Array,
  { names, files, mappings }: FlameRows,
): Uint8Array {
  const known = new Map<number, number>()
  const fill = new Uint8Array(name.length)
  for (let i = 1; i < name.length; i++) {
    const key = (name[i]! + 1) * (files.length + 1) + file[i]! + 1
    let found = known.get(key)
    if (found === undefined) {
      found = fillOf(names[name[i]!] ?? '', files[file[i]!] ?? '', mappings[mapping[i]!] ?? '')
      known.set(key, found)
    }
    fill[i] = found
  }
  return fill
}

function pathHashes(parent: Int32Array, name: Int32Array, names: readonly string[]): Uint32Array {
  const ofName = new Uint32Array(names.length)
  for (let f = 0; f < names.length; f++) ofName[f] = hashText(names[f]!)
  const path = new Uint32Array(parent.length)
  for (let i = 0; i < parent.length; i++) {
    const p = parent[i]!
    const above = p < 0 ? 0x811c9dc5 : path[p]!
    const own = name[i]! < 0 ? 0 : ofName[name[i]!]!
    let h = Math.imul(above ^ own, 0x9e3779b1)
    h ^= h >>> 15
    path[i] = Math.imul(h, 0x85ebca6b) >>> 0
  }
  return path
}

/** Names a node so that the same stack is found again in another answer: depth and path hash. */
export function nodeToken(model: FlameModel, node: number): string {
  return node <= 0 ? '' : `${model.depth[node]!}.${model.path[node]!.toString(36)}`
}

/** The node a token names, or the root when this answer has no such stack. */
export function nodeOfToken(model: FlameModel, token: string): number {
  const [depthText, hashPart] = token.split('.')
  const depth = Number(depthText)
  if (!hashPart || !Number.isInteger(depth) || depth < 1 || depth + 1 >= model.rowStart.length) return 0
  const want = Number.parseInt(hashPart, 36)
  for (let i = model.rowStart[depth]!; i < model.rowStart[depth + 1]!; i++) {
    if (model.path[model.rows[i]!] === want) return model.rows[i]!
  }
  return 0
}

export function nameOf(model: FlameModel, node: number): string {
  return model.names[model.name[node]!] ?? (node === 0 ? 'root' : '?')
}

/** From the root to `node`, both included. */
export function pathTo(model: FlameModel, node: number): number[] {
  const path: number[] = []
  for (let i = node; i >= 0; i = model.parent[i]!) path.push(i)
  return path.reverse()
}
