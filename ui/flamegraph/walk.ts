/** Walking the graph by keyboard: from a node to the one a key leads to, the same node where there is none. */
import type { FlameModel } from './model.ts'

export type Step = 'parent' | 'child' | 'next' | 'previous' | 'root'

export function walk(model: FlameModel, node: number, step: Step): number {
  switch (step) {
    case 'root':
      return 0
    case 'parent':
      return Math.max(0, model.parent[node]!)
    case 'child': // the first child directly follows its parent and is the heaviest
      return model.last[node]! > node + 1 ? node + 1 : node
    case 'next':
      return neighbour(model, node, 1)
    case 'previous':
      return neighbour(model, node, -1)
  }
}

/** The next frame in the same row, whoever its parent is. */
function neighbour(model: FlameModel, node: number, by: 1 | -1): number {
  const depth = model.depth[node]!
  const from = model.rowStart[depth]!
  const to = model.rowStart[depth + 1]!
  let lo = from
  let hi = to
  while (lo < hi) {
    const mid = (lo + hi) >>> 1
    if (model.rows[mid]! < node) lo = mid + 1
    else hi = mid
  }
  const at = lo + by
  return at >= from && at < to ? model.rows[at]! : node
}
