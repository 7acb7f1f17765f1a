/**
 * The canvas in the page: keeps the view in step with the address, answers keys, and gives assistive technology the path
 * to the frame in focus as a tree.
 */
import { useSignal } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { FlameTooltip, type Hovered } from './flame-tooltip.tsx'
import { type FlameModel, nameOf, pathTo } from './flamegraph/model.ts'
import { DARK, LIGHT } from './flamegraph/palette.ts'
import type { Matches } from './flamegraph/search.ts'
import { createFlameView, type FlameView } from './flamegraph/view.ts'
import { type Step, walk } from './flamegraph/walk.ts'
import { parseZoom, zoomMoved, zoomOfNode, zoomOfRun } from './flamegraph/zoom.ts'
import { adjust, go, reducedMotion, state, theme } from './state.ts'
import { formatPercent, formatValue } from './units.ts'

export function FlameGraph({ model, matches }: { model: FlameModel; matches: Matches | null }) {
  const scroller = useRef<HTMLDivElement>(null)
  const view = useRef<FlameView | null>(null)
  const current = useRef(model)
  current.current = model
  const hovered = useSignal<Hovered | null>(null)
  const cursor = useSignal(-1)
  const backSteps = useRef<string[]>([])

  const { zoom: zoomText, flipped } = state.value
  const zoom = useMemo(() => parseZoom(model, zoomText), [model, zoomText])
  const palette = theme.value === 'dark' ? DARK : LIGHT

  const step = (next: string): void => {
    const before = state.peek().zoom
    if (next === before) return
    backSteps.current.push(before)
    hovered.value = null
    go({ zoom: next })
  }
  const back = (): void => {
    const now = state.peek().zoom
    // The browser's Back may have undone some of them already.
    let before = backSteps.current.pop()
    while (before === now) before = backSteps.current.pop()
    if (now !== '') go({ zoom: before ?? '' })
  }

  useEffect(() => {
    const created = createFlameView(scroller.current!, {
      hover(hit, x, y) {
        hovered.value = hit === null ? null : { hit, x, y }
      },
      click(hit) {
        cursor.value = hit.count === 1 ? hit.node : -1
        step(zoomOfRun(current.current, hit.node, hit.count))
      },
      fit: () => step(''),
      moved: (x0, x1) => adjust({ zoom: zoomMoved(current.current, state.peek().zoom, x0, x1) }),
    })
    view.current = created
    return () => created.destroy()
  }, [])
  useEffect(() => {
    cursor.value = -1
    hovered.value = null
    view.current?.show(model, { palette, matches, flipped, cursor: -1 }, zoom)
  }, [model])
  useEffect(() => view.current?.zoomTo(zoom, !reducedMotion.matches), [zoom])
  useEffect(
    () => view.current?.update({ palette, matches, flipped, cursor: cursor.value }),
    [palette, matches, flipped, cursor.value],
  )

  const moveTo = (node: number): void => {
    cursor.value = node
    view.current?.reveal(node)
  }
  const toMatch = (by: 1 | -1): void => {
    if (!matches || matches.nodes.length === 0) return
    const at = matches.nodes.findIndex(node => node >= cursor.value)
    const exact = at >= 0 && matches.nodes[at] === cursor.value
    const from = at < 0 ? matches.nodes.length : at
    const next = by > 0 ? (exact ? from + 1 : from) : from - 1
    moveTo(matches.nodes[(next + matches.nodes.length) % matches.nodes.length]!)
  }

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const at = cursor.value < 0 ? zoom.node : cursor.value
    const stepOf = stepForKey(event.key, flipped)
    if (stepOf !== null) moveTo(cursor.value < 0 && stepOf !== 'child' ? at : walk(model, at, stepOf))
    else if (event.key === 'Enter' && cursor.value >= 0) step(zoomOfNode(model, cursor.value))
    else if (event.key === 'Escape' || event.key === 'Backspace') back()
    else if (event.key === 'n') toMatch(1)
    else if (event.key === 'N') toMatch(-1)
    else if (event.key === '+' || event.key === '=') view.current?.nudge(0.7, scroller.current!.clientWidth / 2, 0)
    else if (event.key === '-') view.current?.nudge(1 / 0.7, scroller.current!.clientWidth / 2, 0)
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  const focused = cursor.value < 0 ? zoom.node : cursor.value
  return (
    <div class="flame-graph">
      <Crumbs model={model} node={zoom.node} cursor={cursor.value} go={node => step(zoomOfNode(model, node))} />
      <div
        id="flame-tree"
        class="flame-scroll"
        ref={scroller}
        role="tree"
        tabIndex={0}
        aria-label="Flame graph. Arrow keys walk, Enter zooms, Escape goes back."
        aria-activedescendant={`frame-${focused}`}
        onKeyDown={onKeyDown}
      >
        <FocusedPath model={model} node={focused} />
      </div>
      <FlameTooltip model={model} selection={zoom.node} hovered={hovered} />
    </div>
  )
}

function stepForKey(key: string, flipped: boolean): Step | null {
  switch (key) {
    case 'ArrowDown':
    case 'j':
      return flipped ? 'parent' : 'child'
    case 'ArrowUp':
    case 'k':
      return flipped ? 'child' : 'parent'
    case 'ArrowRight':
    case 'l':
      return 'next'
    case 'ArrowLeft':
    case 'h':
      return 'previous'
    case 'Home':
      return 'root'
    default:
      return null
  }
}

/** The way down to where the graph is zoomed; each part is a way back. */
function Crumbs({
  model,
  node,
  cursor,
  go,
}: {
  model: FlameModel
  node: number
  cursor: number
  go(node: number): void
}) {
  const path = pathTo(model, node)
  const shown = path.length > 7 ? [...path.slice(0, 1), -1, ...path.slice(-5)] : path
  return (
    <nav class="crumbs" aria-label="Zoomed to">
      {shown.map((at, i) =>
        at < 0 ? (
          <span key="gap">…</span>
        ) : (
          <button
            type="button"
            key={at}
            class="crumb"
            aria-current={at === node ? 'true' : undefined}
            onClick={() => go(at)}
          >
            {i > 0 && <span aria-hidden="true">› </span>}
            {nameOf(model, at)}
          </button>
        ),
      )}
      {node > 0 && <span class="quiet number">{shareText(model, node)} of total</span>}
      {cursor >= 0 && cursor !== node && (
        <span class="at-cursor number">
          <span class="code">{nameOf(model, cursor)}</span> {shareText(model, cursor)}, self{' '}
          {formatValue(model.self[cursor]!, model.unit)}
        </span>
      )}
    </nav>
  )
}

function shareText(model: FlameModel, node: number): string {
  return `${formatValue(model.total[node]!, model.unit)} · ${formatPercent(model.total[node]!, model.total[0]!)}`
}

const MOST_CHILDREN = 20

function FocusedPath({ model, node }: { model: FlameModel; node: number }) {
  const path = pathTo(model, node)
  const children: number[] = []
  for (let c = node + 1; c < model.last[node]! && children.length < MOST_CHILDREN; c = model.last[c]!) children.push(c)
  return (
    <div class="visually-hidden">
      {[...path, ...children].map(at => (
        <div
          key={at}
          id={`frame-${at}`}
          role="treeitem"
          tabIndex={-1}
          aria-level={model.depth[at]! + 1}
          aria-selected={at === node}
          aria-expanded={model.last[at]! > at + 1 ? path.includes(at) : undefined}
        >
          {nameOf(model, at)}, total {formatValue(model.total[at]!, model.unit)},{' '}
          {formatPercent(model.total[at]!, model.total[0]!)}, self {formatValue(model.self[at]!, model.unit)}
        </div>
      ))}
    </div>
  )
}
