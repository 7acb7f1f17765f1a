/** The series over time. Dragging chooses a span; with the keyboard, arrows move and Shift+arrows stretch it. */
import { useComputed, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import type { ApiError } from './api.ts'
import { labelNames, seriesLoad } from './load.ts'
import { isCpu } from './profile-names.ts'
import { type Chart, chartOf, distinguishing, seriesTitle } from './series.ts'
import { go, profileType, range, state, theme } from './state.ts'
import { formatInstant, formatRange, stepFor } from './time.ts'
import { formatRate, formatValue } from './units.ts'
import type { Span } from './url.ts'

const MOST_DRAWN = 40
const HEIGHT = 150

export function SeriesPanel() {
  const { value, busy, error } = seriesLoad.value
  const chart = useComputed(() => {
    const answer = seriesLoad.value.value
    return answer ? chartOf(answer.series, stepFor(range.value), MOST_DRAWN) : null
  })
  const span = state.value.span
  const type = profileType.value
  const unit = value?.unit || type?.sampleUnit || ''
  const count = value?.series.length ?? 0
  return (
    <section class="panel series" aria-label="Series over time" aria-busy={busy}>
      <header class="panel-head">
        <h2>{value === null ? 'Series' : count === 1 ? '1 series' : `${count} series`}</h2>
        {chart.value !== null && chart.value.hidden > 0 && (
          <span class="note">the {MOST_DRAWN} largest are drawn; sum by a label to see all</span>
        )}
        <span class="spring" />
        {span ? (
          <span class="chip">
            <span class="chip-text">Span {formatRange(span, state.value.utc)}</span>
            <button type="button" aria-label="Clear the span" title="Clear the span" onClick={() => go({ span: null })}>
              ×
            </button>
          </span>
        ) : (
          count > 0 && <span class="note wide-only">drag to choose a span</span>
        )}
        {type?.delta && <SumBy />}
      </header>
      {error ? (
        <SeriesError error={error} />
      ) : (
        <Plot
          chart={chart.value}
          unit={unit}
          format={v => (type?.delta ? formatRate(v, unit, isCpu(type)) : formatValue(v, unit))}
        />
      )}
    </section>
  )
}

/** One line in the place of the chart: the flame graph below explains at length. */
function SeriesError({ error }: { error: ApiError }) {
  return <div class="plot plot-empty">{error.kind === 'none' ? 'nothing in this range' : error.message}</div>
}

function SumBy() {
  const names = labelNames.value
  const current = state.value.sumBy
  const all = ['', '*'].includes(current) || names.includes(current) ? names : [current, ...names]
  return (
    <label class="inline-label">
      Sum
      <select class="field" value={current} onChange={e => go({ sumBy: e.currentTarget.value })}>
        <option value="">of everything</option>
        <option value="*">of nothing: every series</option>
        {all.map(name => (
          <option key={name} value={name}>
            by {name}
          </option>
        ))}
      </select>
    </label>
  )
}

function Plot({ chart, unit, format }: { chart: Chart | null; unit: string; format(value: number): string }) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const formatter = useRef(format)
  formatter.current = format
  const legend = useSignal<{ title: string; value: string; time: string; color: string } | null>(null)
  const utc = state.value.utc
  const dark = theme.value

  useEffect(() => {
    const element = box.current
    if (element === null || chart === null) return
    const colors = tokens(element)
    const names = distinguishing(chart.series)
    const axis = {
      stroke: colors.text,
      grid: { stroke: colors.grid, width: 1 },
      ticks: { stroke: colors.grid, width: 1, size: 4 },
      font: '11px system-ui, sans-serif',
    }
    const options: uPlot.Options = {
      width: element.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      padding: [8, 22, 0, 0],
      tzDate: ts => (utc ? uPlot.tzDate(new Date(ts * 1000), 'Etc/UTC') : new Date(ts * 1000)),
      scales: {
        x: { range: () => [range.peek().from / 1000, range.peek().to / 1000] },
        y: { range: (_u, min, max) => yRange(min, max) },
      },
      cursor: {
        drag: { x: true, y: false, setScale: false, dist: 4 },
        focus: { prox: 24 },
        points: { size: 6 },
        y: false,
      },
      focus: { alpha: 0.35 },
      axes: [
        {
          ...axis,
          size: 26,
          space: 70,
          values: (_u, ticks, _i, _space, step) => ticks.map(t => tickText(t, step, utc)),
        },
        {
          ...axis,
          size: 74,
          incrs: unit === 'bytes' ? BINARY_STEPS : undefined,
          values: (_u, ticks) => ticks.map(v => withoutZeros(formatter.current(v))),
        } as uPlot.Axis,
      ],
      series: [
        {},
        ...chart.series.map((one, i) => ({
          label: seriesTitle(one.labels, names),
          stroke: seriesColor(i, dark === 'dark'),
          fill: chart.series.length === 1 ? seriesFill(dark === 'dark') : undefined,
          width: 1.5,
          points: { show: one.times.length < 3, size: 5 },
        })),
      ] as uPlot.Series[],
      hooks: {
        ready: [u => showSpan(u, state.peek().span)],
        setSize: [u => showSpan(u, state.peek().span)],
        setSelect: [
          u => {
            if (u.select.width < 2) return
            const from = u.posToVal(u.select.left, 'x') * 1000
            const to = u.posToVal(u.select.left + u.select.width, 'x') * 1000
            go({ span: { from: Math.round(from), to: Math.round(to) }, zoom: '' })
          },
        ],
        setCursor: [u => (legend.value = legendAt(u, chart, names, formatter.current, utc, dark === 'dark'))],
        setSeries: [u => (legend.value = legendAt(u, chart, names, formatter.current, utc, dark === 'dark'))],
      },
    }
    const u = new uPlot(options, [chart.times, ...chart.columns] as uPlot.AlignedData, element)
    plot.current = u
    const observer = new ResizeObserver(() => {
      if (element.clientWidth === u.width) return
      u.setSize({ width: element.clientWidth, height: HEIGHT })
    })
    observer.observe(element)
    return () => {
      observer.disconnect()
      u.destroy()
      plot.current = null
      legend.value = null
    }
  }, [chart, utc, dark])

  const span = state.value.span
  useEffect(() => {
    if (plot.current) showSpan(plot.current, span)
  }, [span, chart])

  return (
    <section
      class="plot"
      ref={box}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the span is chosen with the arrow keys here
      tabIndex={0}
      aria-label="Chart. Arrow keys move the span, with Shift they stretch it, Escape clears it."
      onKeyDown={moveSpan}
    >
      {legend.value && (
        <p class="plot-legend">
          <Swatch color={legend.value.color} />
          <b>{legend.value.value}</b> <span>{legend.value.title}</span> <time>{legend.value.time}</time>
        </p>
      )}
    </section>
  )
}

function Swatch({ color }: { color: string }) {
  return <i class="swatch" style={{ background: color }} />
}

function moveSpan(event: KeyboardEvent): void {
  const whole = range.value
  const size = whole.to - whole.from
  const span = state.value.span
  if (event.key === 'Escape' && span) {
    go({ span: null })
    event.stopPropagation()
    return
  }
  const by = event.key === 'ArrowRight' ? size / 40 : event.key === 'ArrowLeft' ? -size / 40 : 0
  if (by === 0) return
  event.preventDefault()
  event.stopPropagation()
  const now = span ?? { from: whole.from + size * 0.45, to: whole.from + size * 0.55 }
  const next =
    span === null
      ? now
      : event.shiftKey
        ? { from: now.from, to: now.to + by }
        : { from: now.from + by, to: now.to + by }
  const from = Math.max(whole.from, next.from)
  const to = Math.min(whole.to, next.to)
  if (to - from >= size / 100) go({ span: { from: Math.round(from), to: Math.round(to) } })
}

function showSpan(u: uPlot, span: Span | null): void {
  const clamp = (ms: number): number => Math.min(Math.max(0, u.valToPos(ms / 1000, 'x')), u.over.clientWidth)
  const left = span ? clamp(span.from) : 0
  const width = span ? clamp(span.to) - left : 0
  u.setSelect({ left, width, top: 0, height: span ? u.over.clientHeight : 0 }, false)
}

function legendAt(
  u: uPlot,
  chart: Chart,
  names: readonly string[],
  format: (value: number) => string,
  utc: boolean,
  dark: boolean,
): { title: string; value: string; time: string; color: string } | null {
  const i = u.cursor.idx
  if (i == null) return null
  const focused = u.series.findIndex((s, k) => k > 0 && (s as { _focus?: boolean | null })._focus === true)
  const k = focused > 0 ? focused - 1 : 0
  const value = chart.columns[k]?.[i]
  if (value == null || (focused < 0 && chart.series.length > 1)) return null
  return {
    title: seriesTitle(chart.series[k]!.labels, names),
    value: format(value),
    time: formatInstant(Math.round(chart.times[i]!) * 1000, utc),
    color: seriesColor(k, dark),
  }
}

const BINARY_STEPS = Array.from({ length: 60 }, (_, i) => 2 ** i)

/** `2.00 cores` on an axis is `2 cores`. */
function withoutZeros(text: string): string {
  return text.replace(/(\.\d*?)0+(?=\D|$)/, '$1').replace(/\.(?=\D|$)/, '')
}

/** From zero, with a little air; a flat line at zero still gets a scale. */
function yRange(min: number | null, max: number | null): [number, number] {
  const low = Math.min(0, min ?? 0)
  const high = Math.max(0, max ?? 0)
  return high === low ? [low, low + 1] : [low * 1.08, high * 1.08]
}

function tickText(seconds: number, step: number, utc: boolean): string {
  const text = formatInstant(Math.round(seconds) * 1000, utc)
  if (step >= 86_400) return text.slice(5, 10)
  return step < 60 ? text.slice(11, 19) : text.slice(11, 16)
}

const SERIES_HUES = [255, 25, 150, 305, 75, 200, 345, 120]

function seriesColor(i: number, dark: boolean): string {
  return `oklch(${dark ? 0.74 : 0.55} 0.14 ${SERIES_HUES[i % SERIES_HUES.length]})`
}

function seriesFill(dark: boolean): string {
  return `oklch(${dark ? 0.74 : 0.55} 0.14 ${SERIES_HUES[0]} / 0.14)`
}

/** The canvas needs resolved colours: the style sheet gives them to the box it is in. */
function tokens(element: Element): { text: string; grid: string } {
  const { color, borderTopColor } = getComputedStyle(element)
  return { text: color, grid: borderTopColor }
}
