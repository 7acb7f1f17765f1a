/** What is under the pointer: a frame with its numbers, or how many narrow frames share the place. */
import type { Signal } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Hit } from './flamegraph/hit.ts'
import { type FlameModel, nameOf } from './flamegraph/model.ts'
import { formatExact, formatPercent, formatValue } from './units.ts'

export interface Hovered {
  readonly hit: Hit
  readonly x: number
  readonly y: number
}

interface Shown {
  readonly model: FlameModel
  readonly selection: number
}

/** Reads the signal itself, so that moving the pointer redraws the tooltip only. */
export function FlameTooltip({ hovered, ...shown }: Shown & { hovered: Signal<Hovered | null> }) {
  return hovered.value && <Tooltip {...shown} hovered={hovered.value} />
}

function Tooltip({ model, selection, hovered }: Shown & { hovered: Hovered }) {
  const box = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const element = box.current!
    const { width, height } = element.getBoundingClientRect()
    const left = hovered.x + 14 + width > innerWidth ? hovered.x - width - 10 : hovered.x + 14
    const top = hovered.y + 18 + height > innerHeight ? hovered.y - height - 10 : hovered.y + 18
    element.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`
  })
  const { node, count } = hovered.hit
  return (
    <div class="tooltip" ref={box} role="tooltip">
      {count === 1 ? (
        <Frame model={model} node={node} selection={selection} />
      ) : (
        <Run model={model} selection={selection} hit={hovered.hit} />
      )}
    </div>
  )
}

function Frame({ model, node, selection }: { model: FlameModel; node: number; selection: number }) {
  const file = model.files[model.file[node]!]
  const mapping = model.mappings[model.mapping[node]!]
  const line = model.line[node]!
  return (
    <>
      <p class="tooltip-name">{nameOf(model, node)}</p>
      {file && (
        <p class="tooltip-place">
          {file}
          {line > 0 ? `:${line}` : ''}
        </p>
      )}
      {mapping && <p class="tooltip-place">{mapping}</p>}
      <table class="number">
        <thead>
          <tr>
            <td />
            <th>value</th>
            <th>of selection</th>
            <th>of total</th>
          </tr>
        </thead>
        <tbody>
          <Row title="total" value={model.total[node]!} model={model} selection={selection} />
          <Row title="self" value={model.self[node]!} model={model} selection={selection} />
        </tbody>
      </table>
      {model.total[node] === Number(model.exactTotal[node]) && (
        <p class="tooltip-exact number">{formatExact(model.exactTotal[node]!, model.unit)}</p>
      )}
    </>
  )
}

function Run({ model, hit, selection }: { model: FlameModel; hit: Hit; selection: number }) {
  let value = 0
  const names = new Set<number>()
  for (let i = hit.index; i < hit.index + hit.count; i++) {
    value += model.total[model.rows[i]!]!
    names.add(model.name[model.rows[i]!]!)
  }
  return (
    <>
      <p class="tooltip-name">
        {names.size.toLocaleString('en')} {names.size === 1 ? 'function' : 'functions'},{' '}
        {formatPercent(value, model.total[0]!)}
      </p>
      <p class="tooltip-place">too narrow to draw one by one: click to zoom in</p>
      <table class="number">
        <tbody>
          <Row title="total" value={value} model={model} selection={selection} />
        </tbody>
      </table>
    </>
  )
}

function Row(row: { title: string; value: number; model: FlameModel; selection: number }) {
  const { title, value, model, selection } = row
  return (
    <tr>
      <th>{title}</th>
      <td>{formatValue(value, model.unit)}</td>
      <td>{formatPercent(value, model.total[selection]!)}</td>
      <td>{formatPercent(value, model.total[0]!)}</td>
    </tr>
  )
}
