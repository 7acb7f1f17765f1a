/** The selector: matchers with completion of names, operators and values. Enter asks; a mistake is underlined. */
import { useSignal } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { type Completion, completeSelector } from '../pkg/labels/complete.ts'
import { quoteString } from '../pkg/labels/quote.ts'
import { formatLabelName } from '../pkg/labels/selector.ts'
import * as api from './api.ts'
import { labelNames } from './load.ts'
import { go, query, range, state } from './state.ts'

const MOST = 50
const OPERATORS = ['=', '!=', '=~', '!~']

interface Offer {
  readonly text: string // as shown
  readonly insert: string
}

export function SelectorInput() {
  const input = useRef<HTMLInputElement>(null)
  const text = useSignal(state.value.selector)
  const offers = useSignal<readonly Offer[]>([])
  const picked = useSignal(-1)
  const place = useRef<Completion | null>(null)
  const asking = useRef<AbortController | null>(null)

  const committed = state.value.selector
  useLayoutEffect(() => {
    text.value = committed
  }, [committed])

  const close = (): void => {
    offers.value = []
    picked.value = -1
    asking.current?.abort()
  }

  const commit = (): void => {
    close()
    const trimmed = text.value
      .trim()
      .replace(/^\{(.*)\}$/s, '$1')
      .trim()
    text.value = trimmed
    if (trimmed !== state.value.selector) go({ selector: trimmed })
  }

  const complete = async (): Promise<void> => {
    const cursor = input.current?.selectionStart ?? text.value.length
    // The grammar starts outside the braces, this input inside them.
    const found = afterWholeName(completeSelector(`{${text.value}`, cursor + 1), cursor + 1)
    place.current = { ...found, from: found.from - 1, to: found.to - 1 }
    asking.current?.abort()
    const stop = (asking.current = new AbortController())
    const fitting = await candidates(found, stop.signal).catch(() => [])
    if (stop.signal.aborted) return
    const kept = offers.value[picked.value]?.insert
    offers.value = fitting
    picked.value = fitting.findIndex(({ insert }) => insert === kept)
  }

  const choose = (offer: Offer): void => {
    const at = place.current
    if (at === null) return
    const closing = at.kind === 'label-value' && text.value.slice(at.to).trim() === ''
    text.value = text.value.slice(0, at.from) + offer.insert + text.value.slice(at.to)
    const cursor = at.from + offer.insert.length
    requestAnimationFrame(() => {
      input.current?.setSelectionRange(cursor, cursor)
      if (closing) commit()
      else void complete()
    })
  }

  const onKeyDown = (event: KeyboardEvent): void => {
    const count = offers.value.length
    if (event.key === 'ArrowDown' && count === 0) void complete()
    else if (event.key === 'ArrowDown') picked.value = (picked.value + 1) % count
    else if (event.key === 'ArrowUp' && count > 0) picked.value = (picked.value - 1 + count) % count
    else if ((event.key === 'Enter' || event.key === 'Tab') && picked.value >= 0) choose(offers.value[picked.value]!)
    else if (event.key === 'Enter') commit()
    else if (event.key === 'Escape' && count > 0) close()
    else return
    if (event.key !== 'Enter' || event.target === input.current) event.preventDefault()
    event.stopPropagation()
  }

  const problem = query.value
  const wrong = 'error' in problem && text.value === committed ? problem : null
  const open = offers.value.length > 0
  return (
    <div class="selector">
      <label class="visually-hidden" for="selector">
        Selector
      </label>
      <div class="selector-box" data-wrong={wrong !== null}>
        <span class="brace" aria-hidden="true">
          {'{'}
        </span>
        <div class="selector-field">
          {wrong && (
            <div class="selector-mark" aria-hidden="true">
              {committed.slice(0, wrong.span[0])}
              <mark>{committed.slice(wrong.span[0], Math.max(wrong.span[1], wrong.span[0] + 1)) || '\u00a0'}</mark>
            </div>
          )}
          <input
            id="selector"
            ref={input}
            type="text"
            value={text.value}
            placeholder='all series — narrow it: job="api", pod=~"web-.*"'
            role="combobox"
            aria-expanded={open}
            aria-controls="selector-offers"
            aria-autocomplete="list"
            aria-activedescendant={picked.value >= 0 ? `offer-${picked.value}` : undefined}
            aria-invalid={wrong !== null}
            aria-describedby={wrong ? 'selector-error' : undefined}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            onInput={event => {
              text.value = event.currentTarget.value
              void complete()
            }}
            onFocus={() => void complete()}
            onClick={() => void complete()}
            onBlur={() => commit()}
            onKeyDown={onKeyDown}
          />
        </div>
        <span class="brace" aria-hidden="true">
          {'}'}
        </span>
      </div>
      {wrong && (
        <p class="selector-error" id="selector-error" role="alert">
          {wrong.error}
        </p>
      )}
      <div class="offers" id="selector-offers" role="listbox" aria-label="Completions" hidden={!open}>
        {offers.value.map((offer, i) => (
          <div
            key={offer.text}
            id={`offer-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === picked.value}
            onMouseDown={event => {
              event.preventDefault() // keeps the focus in the input
              choose(offer)
            }}
          >
            {offer.text}
          </div>
        ))}
      </div>
    </div>
  )
}

/** A name that is complete, and begins no other, is followed by an operator. */
function afterWholeName(at: Completion, cursor: number): Completion {
  if (at.kind !== 'label-name' || at.to !== cursor) return at
  const begun = labelNames.value.filter(name => name.startsWith(at.prefix))
  if (begun.length !== 1 || begun[0] !== at.prefix) return at
  return { kind: 'operator', from: cursor, to: cursor, prefix: '', labelName: at.prefix }
}

async function candidates(at: Completion, signal: AbortSignal): Promise<Offer[]> {
  switch (at.kind) {
    case 'label-name':
      return ranked(labelNames.value, at.prefix).map(text => ({ text, insert: formatLabelName(text) }))
    case 'operator':
      return OPERATORS.filter(op => op.startsWith(at.prefix)).map(op => ({ text: op, insert: op }))
    case 'label-value': {
      const values = await api.labelValues(at.labelName ?? '', range.value, signal)
      return ranked(values, at.prefix).map(text => ({ text, insert: quoteString(text) }))
    }
    case 'profile-type':
    case 'end':
      return []
  }
}

/** Those that begin with what is typed, then those that contain it. */
function ranked(all: readonly string[], typed: string): string[] {
  const wanted = typed.toLowerCase()
  const begins = all.filter(text => text.toLowerCase().startsWith(wanted))
  const contains = wanted === '' ? [] : all.filter(text => text.toLowerCase().indexOf(wanted) > 0)
  return [...begins, ...contains].slice(0, MOST)
}
