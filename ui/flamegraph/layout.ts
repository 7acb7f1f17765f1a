/**
 * Which boxes a viewport shows. Pure arithmetic over the model's columns; the cost is bounded by the pixels, not by the
 * nodes: each row starts with a binary search, and frames too narrow to see are passed over a pixel at a time.
 *
 * A box is one frame (count 1), or a run of `count` neighbours in `model.rows` from `index` that are each narrower than
 * `NARROW` pixels. Boxes come by row, then from left to right.
 */
import type { FlameModel } from './model.ts'

/** CSS pixels. Below `NARROW` frames join a run; a run below `INVISIBLE` is left out. */
export const NARROW = 2
export const INVISIBLE = 0.5

export interface Viewport {
  readonly x0: number // value space, [x0, x1)
  readonly x1: number
  readonly width: number // CSS pixels
  readonly firstRow: number // depths, [firstRow, endRow)
  readonly endRow: number
}

export interface Boxes {
  length: number
  x: Float32Array // CSS pixels, clipped to [0, width]
  width: Float32Array
  depth: Int32Array
  index: Int32Array // in model.rows
  count: Int32Array
}

export function emptyBoxes(capacity = 1024): Boxes {
  return {
    length: 0,
    x: new Float32Array(capacity),
    width: new Float32Array(capacity),
    depth: new Int32Array(capacity),
    index: new Int32Array(capacity),
    count: new Int32Array(capacity),
  }
}

/** Fills `boxes`, which is grown where it must be and reused from frame to frame. */
export function layout(model: FlameModel, view: Viewport, boxes: Boxes): void {
  boxes.length = 0
  const depths = model.rowStart.length - 1
  const endRow = Math.min(view.endRow, depths)
  if (!(view.x1 > view.x0) || view.width <= 0) return
  for (let d = Math.max(0, view.firstRow); d < endRow; d++) layoutRow(model, view, d, boxes)
}

function layoutRow(model: FlameModel, view: Viewport, depth: number, boxes: Boxes): void {
  const { rows, start, end, parent, last } = model
  const { x0, x1 } = view
  const scale = view.width / (x1 - x0)
  const narrow = NARROW / scale
  const invisible = INVISIBLE / scale
  const rowEnd = model.rowStart[depth + 1]!
  let i = firstEndingAfter(model, x0, model.rowStart[depth]!, rowEnd)
  while (i < rowEnd) {
    const node = rows[i]!
    const from = start[node]!
    if (from >= x1) return
    let next = i + 1
    let to = end[node]!
    if (to - from < narrow) {
      // Siblings come by falling width, so every later one is narrow too; past them, whatever ends within the pixel.
      next = firstAtOrAfter(rows, last[parent[node]!] ?? rowEnd, i + 1, rowEnd)
      if (end[rows[next - 1]!]! - from < narrow) next = firstEndingAfter(model, from + narrow, next, rowEnd)
      to = end[rows[next - 1]!]!
      if (to - from < invisible) {
        i = next
        continue
      }
    }
    const at = boxes.length
    if (at === boxes.x.length) grow(boxes)
    const left = from < x0 ? 0 : (from - x0) * scale
    boxes.x[at] = left
    boxes.width[at] = (to > x1 ? view.width : (to - x0) * scale) - left
    boxes.depth[at] = depth
    boxes.index[at] = i
    boxes.count[at] = next - i
    boxes.length = at + 1
    i = next
  }
}

/** First i in [lo, hi) whose node ends after x. */
export function firstEndingAfter(model: FlameModel, x: number, lo: number, hi: number): number {
  const { rows, end } = model
  while (lo < hi) {
    const mid = (lo + hi) >>> 1
    if (end[rows[mid]!]! > x) hi = mid
    else lo = mid + 1
  }
  return lo
}

/** First i in [lo, hi) with rows[i] >= node. */
function firstAtOrAfter(rows: Int32Array, node: number, lo: number, hi: number): number {
  while (lo < hi) {
    const mid = (lo + hi) >>> 1
    if (rows[mid]! >= node) hi = mid
    else lo = mid + 1
  }
  return lo
}

function grow(boxes: Boxes): void {
  const capacity = boxes.x.length * 2
  boxes.x = enlarged(boxes.x, new Float32Array(capacity))
  boxes.width = enlarged(boxes.width, new Float32Array(capacity))
  boxes.depth = enlarged(boxes.depth, new Int32Array(capacity))
  boxes.index = enlarged(boxes.index, new Int32Array(capacity))
  boxes.count = enlarged(boxes.count, new Int32Array(capacity))
}

function enlarged<T extends Float32Array | Int32Array>(from: T, into: T): T {
  into.set(from)
  return into
}
