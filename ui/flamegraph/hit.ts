/** What lies under a point: the boxes of the last layout are ordered by row, then from left to right. */
import type { Boxes } from './layout.ts'

/** The box at depth `depth` that holds x, -1 where there is none. Edges are widened to `reach` pixels for thin boxes. */
export function hitBox(boxes: Boxes, depth: number, x: number, reach = 1): number {
  let lo = 0
  let hi = boxes.length
  while (lo < hi) {
    const mid = (lo + hi) >>> 1
    const d = boxes.depth[mid]!
    if (d < depth || (d === depth && boxes.x[mid]! <= x)) lo = mid + 1
    else hi = mid
  }
  const left = lo - 1
  if (left >= 0 && boxes.depth[left] === depth) {
    if (x < boxes.x[left]! + Math.max(boxes.width[left]!, reach)) return left
  }
  if (lo < boxes.length && boxes.depth[lo] === depth && boxes.x[lo]! - x < reach) return lo
  return -1
}

export interface Hit {
  readonly node: number // of a run: its first
  readonly index: number
  readonly count: number
}

export function hitOf(boxes: Boxes, rows: Int32Array, box: number): Hit | null {
  if (box < 0) return null
  const index = boxes.index[box]!
  return { node: rows[index]!, index, count: boxes.count[box]! }
}
