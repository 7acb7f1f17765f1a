/**
 * The flame graph on a canvas: it owns the viewport, the pointer and the drawing, and knows nothing of the page. A frame
 * of animation is one layout and one draw; nothing is allocated in between but label texts.
 *
 * The canvas sticks to the top of a scrolling box whose height is that of all rows, so vertical scrolling is the browser's.
 */
import { draw, makePen, ROW_HEIGHT, rowTop, type Scene } from './draw.ts'
import { type Hit, hitBox, hitOf } from './hit.ts'
import { emptyBoxes, layout } from './layout.ts'
import type { FlameModel } from './model.ts'
import type { Palette } from './palette.ts'
import type { Matches } from './search.ts'
import type { Zoom } from './zoom.ts'

export interface FlameEvents {
  hover(hit: Hit | null, clientX: number, clientY: number): void
  click(hit: Hit): void
  fit(): void
  /** The range was moved by hand and has come to rest. */
  moved(x0: number, x1: number): void
  /** Main-thread time of one frame, milliseconds. */
  frame?(ms: number): void
}

export interface FlameOptions {
  readonly palette: Palette
  readonly matches: Matches | null
  readonly flipped: boolean
  readonly cursor: number
}

export interface FlameView {
  show(model: FlameModel, options: FlameOptions, zoom: Zoom): void
  update(options: Partial<FlameOptions>): void
  zoomTo(zoom: Zoom, animated: boolean): void
  /** Moves the viewport by hand: a factor around a pixel, then a shift in pixels. */
  nudge(factor: number, aroundX: number, shiftX: number): void
  /** Scrolls and, if it is out of sight or too thin to see, moves so that the node is seen. */
  reveal(node: number): void
  destroy(): void
}

const ZOOM_MS = 180
const REST_MS = 250
const DRAG_PIXELS = 4

export function createFlameView(scroller: HTMLElement, events: FlameEvents): FlameView {
  const spacer = document.createElement('div')
  spacer.className = 'flame-spacer'
  const canvas = document.createElement('canvas')
  canvas.className = 'flame-canvas'
  canvas.setAttribute('aria-hidden', 'true')
  spacer.append(canvas)
  scroller.append(spacer)
  const pen = makePen(canvas.getContext('2d', { alpha: false })!)
  const boxes = emptyBoxes()

  let model: FlameModel | null = null
  let options: FlameOptions | null = null
  let focus = 0
  let x0 = 0
  let x1 = 1
  let animation: { from: [number, number]; to: [number, number]; start: number } | null = null
  let scheduled = 0
  let restTimer: ReturnType<typeof setTimeout> | undefined
  let width = 0
  let height = 0
  let hover: { x: number; y: number } | null = null
  let drag: { x: number; y: number; moved: boolean; pointer: number } | null = null

  const contentHeight = (): number =>
    model === null ? height : Math.max(height, (model.rowStart.length - 1) * ROW_HEIGHT)

  function invalidate(): void {
    if (scheduled === 0) scheduled = requestAnimationFrame(frame)
  }

  function frame(time: number): void {
    scheduled = 0
    if (model === null || options === null || width === 0) return
    const began = performance.now()
    if (animation !== null) {
      const t = Math.min(1, Math.max(0, (time - animation.start) / ZOOM_MS))
      const eased = 1 - (1 - t) ** 3
      x0 = animation.from[0] + (animation.to[0] - animation.from[0]) * eased
      x1 = animation.from[1] + (animation.to[1] - animation.from[1]) * eased
      if (t === 1) animation = null
      else invalidate()
    }
    const scene = sceneNow()
    const rowsAbove = Math.floor(scene.scrollTop / ROW_HEIGHT)
    const rowsSeen = Math.ceil(height / ROW_HEIGHT) + 1
    const allRows = Math.ceil(scene.contentHeight / ROW_HEIGHT)
    const firstRow = options.flipped ? allRows - rowsAbove - rowsSeen - 1 : rowsAbove
    layout(model, { x0, x1, width, firstRow, endRow: firstRow + rowsSeen + 2 }, boxes)
    draw(pen, { ...scene, hover: hover === null ? -1 : boxUnder(hover.x, hover.y) }, ratio())
    events.frame?.(performance.now() - began)
  }

  function sceneNow(): Scene {
    return {
      ...options!,
      model: model!,
      boxes,
      focus,
      hover: -1,
      width,
      height,
      scrollTop: scroller.scrollTop,
      contentHeight: contentHeight(),
    }
  }

  const ratio = (): number => Math.min(globalThis.devicePixelRatio || 1, 3)

  function resize(): void {
    width = scroller.clientWidth
    height = scroller.clientHeight
    canvas.width = Math.round(width * ratio())
    canvas.height = Math.round(height * ratio())
    canvas.style.width = `${width}px`
    canvas.style.height = `${height}px`
    fitSpacer()
    invalidate()
  }

  function fitSpacer(): void {
    spacer.style.height = `${contentHeight()}px`
  }

  function boxUnder(x: number, y: number): number {
    if (model === null || options === null) return -1
    const fromTop = y + scroller.scrollTop
    const depth = options.flipped
      ? Math.floor((contentHeight() - fromTop) / ROW_HEIGHT)
      : Math.floor(fromTop / ROW_HEIGHT)
    return hitBox(boxes, depth, x)
  }

  function hitAt(event: MouseEvent): Hit | null {
    if (model === null) return null
    const { left, top } = scroller.getBoundingClientRect()
    return hitOf(boxes, model.rows, boxUnder(event.clientX - left, event.clientY - top))
  }

  function nudge(factor: number, aroundX: number, shiftX: number): void {
    if (model === null || width === 0) return
    const whole = model.end[0]!
    const size = Math.min(whole, Math.max((x1 - x0) * factor, whole * 1e-9))
    const pivot = x0 + ((x1 - x0) * aroundX) / width
    const from = pivot - (size * aroundX) / width + (shiftX * size) / width
    x0 = Math.min(Math.max(0, from), whole - size)
    x1 = x0 + size
    animation = null
    invalidate()
    clearTimeout(restTimer)
    restTimer = setTimeout(() => events.moved(x0, x1), REST_MS)
  }

  function onWheel(event: WheelEvent): void {
    const { left } = scroller.getBoundingClientRect()
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault()
      nudge(Math.exp(Math.max(-1, Math.min(1, event.deltaY * 0.0025))), event.clientX - left, 0)
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault()
      nudge(1, 0, event.deltaX || event.deltaY)
    }
  }

  function onPointerDown(event: PointerEvent): void {
    if (event.button !== 0 || event.pointerType === 'touch') return
    drag = { x: event.clientX, y: event.clientY, moved: false, pointer: event.pointerId }
  }

  function onPointerMove(event: PointerEvent): void {
    if (drag !== null) {
      const dx = event.clientX - drag.x
      const dy = event.clientY - drag.y
      if (!drag.moved && Math.hypot(dx, dy) < DRAG_PIXELS) return
      if (!drag.moved) scroller.setPointerCapture(drag.pointer)
      drag = { ...drag, x: event.clientX, y: event.clientY, moved: true }
      hover = null
      events.hover(null, 0, 0)
      scroller.scrollTop -= dy
      nudge(1, 0, -dx)
      return
    }
    const { left, top } = scroller.getBoundingClientRect()
    hover = { x: event.clientX - left, y: event.clientY - top }
    events.hover(hitAt(event), event.clientX, event.clientY)
    invalidate()
  }

  function onPointerUp(): void {
    // The click that follows a drag is part of it.
    if (drag?.moved) setTimeout(() => (drag = null), 0)
    else drag = null
  }

  function onLeave(): void {
    hover = null
    events.hover(null, 0, 0)
    invalidate()
  }

  function onClick(event: MouseEvent): void {
    if (drag?.moved || event.detail > 1) return
    const hit = hitAt(event)
    if (hit !== null) events.click(hit)
  }

  function reveal(node: number): void {
    if (model === null) return
    const whole = model.end[0]!
    const size = model.end[node]! - model.start[node]!
    const out = model.start[node]! >= x1 || model.end[node]! <= x0
    if (out || (size * width) / (x1 - x0) < 6) {
      const wanted = Math.min(whole, Math.max(size * 12, out ? Math.min(x1 - x0, size * 50) : 0))
      const from = Math.min(Math.max(0, model.start[node]! + size / 2 - wanted / 2), whole - wanted)
      glide(from, from + wanted, true)
      clearTimeout(restTimer)
      restTimer = setTimeout(() => events.moved(from, from + wanted), REST_MS)
    }
    const top = rowTop(
      { flipped: options?.flipped ?? false, contentHeight: contentHeight(), scrollTop: 0 },
      model.depth[node]!,
    )
    const seen = scroller.scrollTop
    if (top < seen) scroller.scrollTop = Math.max(0, top - ROW_HEIGHT)
    else if (top + 2 * ROW_HEIGHT > seen + height) scroller.scrollTop = top + 3 * ROW_HEIGHT - height
    invalidate()
  }

  function glide(from: number, to: number, animated: boolean): void {
    if (animated && width > 0) animation = { from: [x0, x1], to: [from, to], start: performance.now() }
    else {
      animation = null
      x0 = from
      x1 = to
    }
    invalidate()
  }

  const observer = new ResizeObserver(resize)
  observer.observe(scroller)
  scroller.addEventListener('scroll', invalidate, { passive: true })
  scroller.addEventListener('wheel', onWheel, { passive: false })
  scroller.addEventListener('pointerdown', onPointerDown)
  scroller.addEventListener('pointermove', onPointerMove)
  scroller.addEventListener('pointerup', onPointerUp)
  scroller.addEventListener('pointercancel', onPointerUp)
  scroller.addEventListener('pointerleave', onLeave)
  scroller.addEventListener('click', onClick)
  scroller.addEventListener('dblclick', events.fit)

  return {
    show(next, nextOptions, zoom) {
      model = next
      options = nextOptions
      pen.labels.clear()
      focus = zoom.node
      animation = null
      x0 = zoom.x0
      x1 = zoom.x1
      resize()
      if (nextOptions.flipped) scroller.scrollTop = contentHeight()
    },
    update(change) {
      if (options === null) return
      const flips = change.flipped !== undefined && change.flipped !== options.flipped
      options = { ...options, ...change }
      if (flips) scroller.scrollTop = options.flipped ? contentHeight() : 0
      invalidate()
    },
    zoomTo(zoom, animated) {
      focus = zoom.node
      clearTimeout(restTimer)
      if (zoom.x0 !== x0 || zoom.x1 !== x1) glide(zoom.x0, zoom.x1, animated)
      else invalidate()
    },
    nudge,
    reveal,
    destroy() {
      observer.disconnect()
      cancelAnimationFrame(scheduled)
      clearTimeout(restTimer)
      spacer.remove()
    },
  }
}
