/**
 * Functions by their sums. Only the rows in sight exist in the document; two empty rows keep the place of the others. A
 * search narrows it to what matches; choosing a row marks all frames of that function in the graph.
 */
import { useSignal } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import type { FlameModel } from './flamegraph/model.ts'
import type { Matches } from './flamegraph/search.ts'
import { go, state } from './state.ts'
import { orderFunctions } from './top.ts'
import { formatPercent, formatValue } from './units.ts'
import type { SortColumn } from './url.ts'

const ROW = 24
const SPARE_ROWS = 8
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
  const firstSeen = useSignal(0)
  const seen = useSignal(30)
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      seen.value = Math.ceil((box.current?.clientHeight ?? 0) / ROW)
    })
    observer.observe(box.current!)
    return () => observer.disconnect()
  }, [])
  useEffect(() => {
    box.current!.scrollTop = 0
  }, [order])

  const from = Math.max(0, Math.min(firstSeen.value - SPARE_ROWS, order.length - seen.value))
  const shown = order.subarray(from, from + seen.value + 2 * SPARE_ROWS)
  const rowsAfter = order.length - from - shown.length

  /** Arrows move from row to row, also to rows that do not exist yet. */
  const onKeyDown = (event: KeyboardEvent): void => {
    const now = (event.target as HTMLElement).dataset['row']
    if (event.key === 'Escape' && picked !== '') go({ picked: '' })
    else if (now !== undefined && moveFocus(event.key, Number(now))) void 0
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  const moveFocus = (key: string, now: number): boolean => {
    const last = order.length - 1
    const page = Math.max(1, seen.value - 2)
    const moves: Record<string, number> = {
      ArrowDown: now + 1,
      j: now + 1,
      ArrowUp: now - 1,
      k: now - 1,
      PageDown: now + page,
      PageUp: now - page,
      Home: 0,
      End: last,
    }
    const wanted = moves[key]
    if (wanted === undefined) return false
    const at = Math.min(last, Math.max(0, wanted))
    const element = box.current!
    const room = element.clientHeight - ROW // the head sticks
    if (at * ROW < element.scrollTop) element.scrollTop = at * ROW
    else if ((at + 1) * ROW > element.scrollTop + room) element.scrollTop = (at + 1) * ROW - room
    firstSeen.value = Math.floor(element.scrollTop / ROW)
    requestAnimationFrame(() =>
      element.querySelector<HTMLElement>(`[data-row="${at}"]`)?.focus({ preventScroll: true }),
    )
    return true
  }

  return (
    <section
      class="top"
      ref={box}
      aria-label="Functions"
      onScroll={event => {
        firstSeen.value = Math.floor(event.currentTarget.scrollTop / ROW)
      }}
      onKeyDown={onKeyDown}
    >
      <table aria-rowcount={order.length + 1}>
        <thead>
          <tr>
            {COLUMNS.map(([column, title]) => (
              <th
                key={column}
                scope="col"
                class={column === 'name' ? 'top-name' : 'top-number'}
                aria-sort={sort === column ? (ascending ? 'ascending' : 'descending') : undefined}
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
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Gap rows={from} />
          {Array.from(shown, (f, k) => (
            <FunctionRow key={f} model={model} f={f} at={from + k} picked={picked === model.names[f]} />
          ))}
          <Gap rows={rowsAfter} />
        </tbody>
      </table>
      {order.length === 0 && <p class="top-none">no function matches</p>}
    </section>
  )
}

function Gap({ rows }: { rows: number }) {
  return rows > 0 ? <tr style={{ height: `${rows * ROW}px` }} /> : null
}

function FunctionRow({ model, f, at, picked }: { model: FlameModel; f: number; at: number; picked: boolean }) {
  const name = model.names[f]!
  return (
    <tr aria-rowindex={at + 2} class={picked ? 'top-picked' : undefined}>
      <Amount value={model.nameSelf[f]!} model={model} />
      <Amount value={model.nameTotal[f]!} model={model} />
      <td class="top-name">
        <button
          type="button"
          data-row={at}
          title={name}
          aria-pressed={picked}
          onClick={() => go(picked ? { picked: '' } : { picked: name, search: '' })}
        >
          {name}
        </button>
      </td>
    </tr>
  )
}

function Amount({ value, model }: { value: number; model: FlameModel }) {
  const whole = model.total[0]!
  const share = whole === 0 ? 0 : Math.min(1, Math.abs(value / whole))
  return (
    <td class="top-number number">
      <i class="bar" style={{ width: `${share * 100}%` }} aria-hidden="true" />
      <span>{formatValue(value, model.unit)}</span> <span class="quiet">{formatPercent(value, whole)}</span>
    </td>
  )
}
