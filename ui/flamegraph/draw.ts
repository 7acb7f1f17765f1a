/**
 * Boxes onto a 2D canvas. The cost is in the texts, so labels use a fixed-pitch face: what fits is arithmetic, nothing is
 * measured, and shortened texts are kept. Fills are drawn colour by colour.
 */
import type { Boxes } from './layout.ts'
import type { FlameModel } from './model.ts'
import type { Palette } from './palette.ts'
import type { Matches } from './search.ts'

export const ROW_HEIGHT = 20 // CSS pixels, one of them the gap below
export const FONT_SIZE = 11.5
const PADDING = 5
const LEAST_CHARS = 3

export interface Scene {
  readonly model: FlameModel
  readonly palette: Palette
  readonly boxes: Boxes
  readonly matches: Matches | null
  readonly hover: number // box, -1 = none
  readonly cursor: number // node, -1 = none
  readonly focus: number // node: what is above it is dimmed
  readonly width: number // CSS pixels
  readonly height: number
  readonly scrollTop: number // CSS pixels
  readonly flipped: boolean
  readonly contentHeight: number
}

export interface Pen {
  readonly context: CanvasRenderingContext2D
  readonly charWidth: number
  readonly labels: Map<number, string>
  readonly buckets: Int32Array[]
  stripes: { readonly of: Palette; readonly pattern: CanvasPattern | null } | null
}

export const LABEL_FONT = `${FONT_SIZE}px ui-monospace, "SF Mono", "Cascadia Mono", "Roboto Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace`

export function makePen(context: CanvasRenderingContext2D): Pen {
  context.font = LABEL_FONT
  const charWidth = context.measureText('0000000000').width / 10
  return { context, charWidth, labels: new Map(), buckets: [], stripes: null }
}

/** Top of the row at `depth`, CSS pixels from the top of the viewport. */
export function rowTop(scene: Pick<Scene, 'flipped' | 'contentHeight' | 'scrollTop'>, depth: number): number {
  const y = scene.flipped ? scene.contentHeight - (depth + 1) * ROW_HEIGHT : depth * ROW_HEIGHT
  return y - scene.scrollTop
}

export function draw(pen: Pen, scene: Scene, ratio: number): void {
  const { context } = pen
  const { palette, boxes } = scene
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.fillStyle = palette.background
  context.fillRect(0, 0, scene.width, scene.height)
  const buckets = sortIntoBuckets(pen, scene)
  for (let fill = 0; fill < palette.fills.length; fill++) fillBucket(pen, scene, buckets[fill]!, palette.fills[fill]!)
  fillBucket(pen, scene, buckets[palette.fills.length]!, palette.match)
  drawStripes(pen, scene)
  drawLabels(pen, scene)
  if (scene.hover >= 0 && scene.hover < boxes.length) {
    context.fillStyle = palette.hover
    fillBox(pen, scene, scene.hover)
  }
  if (scene.cursor >= 0) outlineCursor(pen, scene)
}

/** Boxes by fill; the last bucket holds the matches. While a search is on, everything else turns neutral. */
function sortIntoBuckets(pen: Pen, scene: Scene): Int32Array[] {
  const { boxes, model, matches, palette } = scene
  const count = palette.fills.length + 1
  while (pen.buckets.length < count) pen.buckets.push(new Int32Array(256))
  for (let b = 0; b < count; b++) pen.buckets[b]![0] = 0
  for (let i = 0; i < boxes.length; i++) {
    const at = boxes.index[i]!
    let bucket = model.fill[model.rows[at]!]!
    if (matches !== null) bucket = matches.before[at + boxes.count[i]!]! > matches.before[at]! ? count - 1 : 0
    let list = pen.buckets[bucket]!
    const used = ++list[0]!
    if (used >= list.length) {
      const larger = new Int32Array(list.length * 2)
      larger.set(list)
      pen.buckets[bucket] = list = larger
    }
    list[used] = i
  }
  return pen.buckets
}

function fillBucket(pen: Pen, scene: Scene, bucket: Int32Array, color: string): void {
  const used = bucket[0]!
  if (used === 0) return
  pen.context.fillStyle = color
  for (let k = 1; k <= used; k++) fillBox(pen, scene, bucket[k]!)
}

function fillBox(pen: Pen, scene: Scene, i: number): void {
  const { boxes } = scene
  const width = boxes.width[i]!
  // The gap between neighbours goes first when there is no room for it.
  const drawn = width > 3 ? width - 1 : Math.max(width - 0.25, 0.5)
  pen.context.fillRect(boxes.x[i]!, rowTop(scene, boxes.depth[i]!), drawn, ROW_HEIGHT - 1)
}

function drawStripes(pen: Pen, scene: Scene): void {
  const { boxes } = scene
  let pattern: CanvasPattern | null | undefined
  for (let i = 0; i < boxes.length; i++) {
    if (boxes.count[i] === 1 || boxes.width[i]! < 3) continue
    if (pattern === undefined) {
      pattern = stripes(pen, scene.palette)
      if (pattern === null) return
      pen.context.fillStyle = pattern
    }
    fillBox(pen, scene, i)
  }
}

function stripes(pen: Pen, palette: Palette): CanvasPattern | null {
  if (pen.stripes?.of === palette) return pen.stripes.pattern
  const tile = document.createElement('canvas')
  tile.width = tile.height = 6
  const context = tile.getContext('2d')!
  context.strokeStyle = palette.stripe
  context.lineWidth = 1.5
  context.beginPath()
  for (const shift of [-6, 0, 6]) {
    context.moveTo(shift, 6)
    context.lineTo(shift + 6, 0)
  }
  context.stroke()
  pen.stripes = { of: palette, pattern: pen.context.createPattern(tile, 'repeat') }
  return pen.stripes.pattern
}

function drawLabels(pen: Pen, scene: Scene): void {
  const { context, charWidth } = pen
  const { boxes, model, matches, palette } = scene
  context.font = LABEL_FONT
  context.textBaseline = 'middle'
  const least = LEAST_CHARS * charWidth + 2 * PADDING
  for (const matching of matches === null ? [false] : [false, true]) {
    context.fillStyle = matching ? palette.matchText : palette.text
    for (let i = 0; i < boxes.length; i++) {
      const width = boxes.width[i]!
      if (width < least || boxes.count[i] !== 1) continue
      const node = model.rows[boxes.index[i]!]!
      const name = model.name[node]!
      if (matches !== null && (node > 0 && name >= 0 && matches.name[name] === 1) !== matching) continue
      const above = node < scene.focus && model.last[node]! > scene.focus
      if (above) context.globalAlpha = 0.65
      const fits = Math.floor((width - 2 * PADDING) / charWidth)
      const y = rowTop(scene, boxes.depth[i]!) + (ROW_HEIGHT - 1) / 2 + 0.5
      context.fillText(labelOf(pen, model, node, fits), boxes.x[i]! + PADDING, y)
      if (above) context.globalAlpha = 1
    }
  }
}

function labelOf(pen: Pen, model: FlameModel, node: number, fits: number): string {
  const name = model.name[node]!
  const text = name < 0 ? '' : model.names[name]!
  if (text.length <= fits) return text
  const key = name * 1024 + Math.min(fits, 1023)
  let label = pen.labels.get(key)
  if (label === undefined) {
    label = shorten(text, fits)
    if (pen.labels.size > 50_000) pen.labels.clear()
    pen.labels.set(key, label)
  }
  return label
}

/** Drops what says least first: the folders in front of a package, then the end. */
export function shorten(text: string, fits: number): string {
  if (text.length <= fits) return text
  const afterPath = text.slice(text.lastIndexOf('/', text.search(/[(<[{ ]|$/)) + 1)
  if (afterPath.length <= fits) return afterPath
  return fits <= 1 ? '' : `${afterPath.slice(0, fits - 1)}…`
}

function outlineCursor(pen: Pen, scene: Scene): void {
  const { boxes, model, cursor } = scene
  for (let i = 0; i < boxes.length; i++) {
    const at = boxes.index[i]!
    const node = model.rows[at]!
    if (boxes.depth[i] !== model.depth[cursor] || cursor < node) continue
    if (cursor !== node && model.rows[at + boxes.count[i]! - 1]! < cursor) continue
    const { context } = pen
    const top = rowTop(scene, boxes.depth[i]!)
    const width = Math.max(boxes.width[i]! - 1, 4)
    // Two lines, so that one of them stands out of any fill.
    context.lineWidth = 2
    context.strokeStyle = scene.palette.cursor
    context.strokeRect(boxes.x[i]! + 1, top + 1, width - 2, ROW_HEIGHT - 3)
    context.lineWidth = 1
    context.strokeStyle = scene.palette.background
    context.strokeRect(boxes.x[i]! + 2.5, top + 2.5, Math.max(width - 5, 0.5), ROW_HEIGHT - 6)
    return
  }
}
