/** The time range: a row of usual ones, a free one such as `90m`, or two instants. */
import { useSignal } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { usePopover } from './popover.ts'
import { go, range, refresh, state } from './state.ts'
import { formatRange, fromInput, toInput } from './time.ts'
import { formatSpanOfTime, parseSpanOfTime } from './url.ts'

const PRESETS: readonly (readonly [string, string])[] = [
  ['5m', '5 minutes'],
  ['15m', '15 minutes'],
  ['1h', '1 hour'],
  ['6h', '6 hours'],
  ['24h', '24 hours'],
  ['7d', '7 days'],
  ['30d', '30 days'],
]

export function RangePicker() {
  const { open, root, button, close } = usePopover()
  const { range: asked } = state.value
  const title = asked.kind === 'relative' ? `Last ${formatSpanOfTime(asked.ms)}` : formatRange(asked, state.value.utc)
  const set = (change: Parameters<typeof go>[0]): void => {
    go({ ...change, span: null })
    close()
  }
  return (
    <div class="range" ref={root}>
      <button
        type="button"
        class="button range-button"
        ref={button}
        aria-haspopup="dialog"
        aria-expanded={open.value}
        title={formatRange(range.value, state.value.utc)}
        onClick={() => (open.value = !open.value)}
      >
        {title}
      </button>
      <button type="button" class="button" onClick={refresh} title="Ask again, up to now" aria-label="Refresh">
        ↻
      </button>
      {open.value && <Choices set={set} />}
    </div>
  )
}

function Choices({ set }: { set(change: Parameters<typeof go>[0]): void }) {
  const { utc, range: asked } = state.value
  const shown = range.value
  const from = useSignal(toInput(shown.from, utc))
  const to = useSignal(toInput(shown.to, utc))
  const free = useSignal(asked.kind === 'relative' ? formatSpanOfTime(asked.ms) : '')
  const wrong = useSignal('')
  const first = useRef<HTMLButtonElement>(null)
  useLayoutEffect(() => first.current?.focus(), [])

  const applyFree = (event: Event): void => {
    event.preventDefault()
    const ms = parseSpanOfTime(free.value)
    if (ms === null) wrong.value = 'Write a length such as 90m, 1h30m or 2d.'
    else set({ range: { kind: 'relative', ms } })
  }
  const applyAbsolute = (event: Event): void => {
    event.preventDefault()
    const [a, b] = [fromInput(from.value, utc), fromInput(to.value, utc)]
    if (a === null || b === null) wrong.value = 'Both ends are needed.'
    else if (a >= b) wrong.value = 'The range ends before it begins.'
    else set({ range: { kind: 'absolute', from: a, to: b } })
  }
  return (
    <div class="popover range-choices" role="dialog" aria-label="Time range">
      <div class="presets">
        {PRESETS.map(([short, long], i) => {
          const ms = parseSpanOfTime(short)!
          return (
            <button
              type="button"
              class="button"
              key={short}
              ref={i === 0 ? first : undefined}
              aria-pressed={asked.kind === 'relative' && asked.ms === ms}
              aria-label={`Last ${long}`}
              onClick={() => set({ range: { kind: 'relative', ms } })}
            >
              {short}
            </button>
          )
        })}
      </div>
      <form onSubmit={applyFree} class="range-row">
        <label for="range-free">Last</label>
        <input
          id="range-free"
          class="field"
          value={free.value}
          placeholder="1h30m"
          onInput={e => (free.value = e.currentTarget.value)}
        />
        <button type="submit" class="button">
          Apply
        </button>
      </form>
      <form onSubmit={applyAbsolute} class="range-row range-absolute">
        <label for="range-from">From</label>
        <input
          id="range-from"
          class="field"
          type="datetime-local"
          step="1"
          value={from.value}
          onInput={e => (from.value = e.currentTarget.value)}
        />
        <label for="range-to">To</label>
        <input
          id="range-to"
          class="field"
          type="datetime-local"
          step="1"
          value={to.value}
          onInput={e => (to.value = e.currentTarget.value)}
        />
        <span class="note">{utc ? 'UTC' : 'local time'}</span>
        <button type="submit" class="button">
          Apply
        </button>
      </form>
      {wrong.value && (
        <p class="wrong" role="alert">
          {wrong.value}
        </p>
      )}
    </div>
  )
}
