/**
 * Functions by their sums. Only the rows in sight exist in the document. A search narrows it to what matches; choosing a
 * row marks all frames of that function in the graph.
 */
import { useComputed, useSignal } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import type { FlameModel } from './flamegraph/model.ts'
import type { Matches } from './flamegraph/search.ts'
import { go, state } from './state.ts'
import { orderFunctions } from './top.ts'
import { formatPercent, formatValue } from './units.ts'
import type { SortColumn } from './url.ts'

const ROW = 24
const SPARE_ROWS = 6
const COLUMNS: readonly (readonly [SortColumn, string])[] = [
  ['self', 'Self'],
  ['total', 'Total'],
  ['name', 'Function'],
]

export function TopTable({ model, matches }: { model: FlameModel; matches: Matches | null }) {
  const { sort, ascending, picked } = state.value
  const narrowing = picked === '' ? matches : null
  const order = useMemo(
    () => orderFunctions(model, sort, ascending, narrowing?.name ?? null),
    [model, sort, ascending, narrowing],
  )
  const box = useRef<HTMLDivElement>(null)
  const scrolled = useSignal(0)
  const height = useSignal(600)
  const row = useSignal(-1)
  useEffect(() => {
    const observer = new ResizeObserver(() => (height.value = box.current!.clientHeight))
    observer.observe(box.current!)
    return () => observer.disconnect()
  }, [])
  useEffect(() => {
    row.value = -1
    box.current!.scrollTop = 0
  }, [order])

  const window = useComputed(() => ({
    from: Math.max(0, Math.floor(scrolled.value / ROW) - SPARE_ROWS),
    count: Math.ceil(height.value / ROW) + 2 * SPARE_ROWS,
  }))
  const { from, count } = window.value
  const whole = model.total[0]!

  const choose = (f: number): void => {
    const name = model.names[f]!
    go(picked === name ? { picked: '' } : { picked: name, search: '' })
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const last = order.length - 1
    const page = Math.max(1, Math.floor(height.value / ROW) - 2)
    const moves: Record<string, number> = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page }
    if (event.key === 'Enter' && row.value >= 0) choose(order[row.value]!)
    else if (event.key === 'Escape' && picked !== '') go({ picked: '' })
    else if (event.key in moves) row.value = Math.min(last, Math.max(0, row.value + moves[event.key]!))
    else if (event.key === 'Home') row.value = 0
    else if (event.key === 'End') row.value = last
    else return
    event.preventDefault()
    event.stopPropagation()
    const top = row.value * ROW
    const element = box.current!
    const visible = element.clientHeight - ROW // the head sticks
    if (top < element.scrollTop) element.scrollTop = top
    else if (top + ROW > element.scrollTop + visible) element.scrollTop = top + ROW - visible
  }

  return (
    <div
      class="top"
      ref={box}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: rows are walked with the arrow keys here
      tabIndex={0}
      role="grid"
      aria-label="Functions"
      aria-rowcount={order.length + 1}
      aria-activedescendant={row.value >= 0 ? `top-${row.value}` : undefined}
      onScroll={event => (scrolled.value = event.currentTarget.scrollTop)}
      onKeyDown={onKeyDown}
    >
      <div class="top-row top-head" role="row" aria-rowindex={1}>
        {COLUMNS.map(([column, title]) => (
          <div
            key={column}
            role="columnheader"
            class={column === 'name' ? 'top-name' : 'top-number'}
            aria-sort={sort === column ? (ascending ? 'ascending' : 'descending') : 'none'}
          >
            <button
              type="button"
              onClick={() =>
                go(sort === column ? { ascending: !ascending } : { sort: column, ascending: column === 'name' })
              }
            >
              {title}
              <span aria-hidden="true">{sort === column ? (ascending ? ' ↑' : ' ↓') : ''}</span>
            </button>
          </div>
        ))}
      </div>
      <div class="top-body" role="rowgroup" style={{ height: `${order.length * ROW}px` }}>
        {Array.from(order.subarray(from, from + count), (f, k) => {
          const at = from + k
          const name = model.names[f]!
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the grid takes the keys for its rows
            <div
              key={f}
              id={`top-${at}`}
              role="row"
              tabIndex={-1}
              aria-rowindex={at + 2}
              aria-selected={picked === name}
              class={`top-row${at === row.value ? ' top-cursor' : ''}`}
              style={{ transform: `translateY(${at * ROW}px)` }}
              onClick={() => {
                row.value = at
                choose(f)
              }}
            >
              <Amount value={model.nameSelf[f]!} whole={whole} unit={model.unit} />
              <Amount value={model.nameTotal[f]!} whole={whole} unit={model.unit} />
              <div role="gridcell" class="top-name" title={name}>
                <bdi>{name}</bdi>
              </div>
            </div>
          )
        })}
      </div>
      {order.length === 0 && <p class="top-none">no function matches</p>}
    </div>
  )
}

function Amount({ value, whole, unit }: { value: number; whole: number; unit: string }) {
  const share = whole === 0 ? 0 : Math.min(1, Math.abs(value / whole))
  return (
    <div role="gridcell" class="top-number number">
      <i class="bar" style={{ width: `${share * 100}%` }} aria-hidden="true" />
      <span>{formatValue(value, unit)}</span>
      <span class="quiet">{formatPercent(value, whole)}</span>
    </div>
  )
}
