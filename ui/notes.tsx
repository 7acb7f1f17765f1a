/** What the page says when there is nothing to draw: what happened, and what to do about it. */

import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Matcher } from '../pkg/labels/matcher.ts'
import { formatMatcher, parseMatchers } from '../pkg/labels/selector.ts'
import * as api from './api.ts'
import { nearest } from './nearest.ts'
import { go, query, range, state } from './state.ts'
import { formatRange } from './time.ts'

export function Note({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="note-box" role="status">
      <h3>{title}</h3>
      {children}
    </div>
  )
}

export function ErrorNote({ error }: { error: api.ApiError }) {
  switch (error.kind) {
    case 'starting':
      return (
        <Note title="Decima is starting">
          <p>It is reading its log. This page asks again every few seconds.</p>
        </Note>
      )
    case 'offline':
      return (
        <Note title="The server does not answer">
          <p>Is Decima running? This page asks again every few seconds.</p>
        </Note>
      )
    case 'none':
      return <NoData />
    case 'query':
      return (
        <Note title="This cannot be answered as asked">
          <p class="message">{error.message}</p>
          <Underlined error={error} />
        </Note>
      )
    case 'server':
      return (
        <Note title="The server failed">
          <p class="message">{error.message}</p>
          <p>Its log says more. Refresh asks again.</p>
        </Note>
      )
  }
}

/** The server's span is of the whole query as it was sent. */
function Underlined({ error }: { error: api.ApiError }) {
  const asked = query.value
  if (error.span === null || 'error' in asked) return null
  const [from, to] = error.span
  const end = Math.max(to, from + 1)
  return (
    <code class="underlined">
      {asked.text.slice(0, from)}
      <mark>{asked.text.slice(from, end)}</mark>
      {asked.text.slice(end)}
    </code>
  )
}

/** Says which matcher leaves nothing: the first whose label or value does not exist in the range. */
function NoData() {
  const reason = useSignal<Reason | null>(null)
  const { selector, span } = state.value
  const whole = range.value
  useEffect(() => {
    const stop = new AbortController()
    reason.value = null
    whyEmpty(selector, stop.signal).then(
      found => {
        if (!stop.signal.aborted) reason.value = found
      },
      () => {}, // The note below still says what to try.
    )
    return () => stop.abort()
  }, [selector, whole.from, whole.to])

  const found = reason.value
  return (
    <Note title="No profiles here">
      {found && (
        <p>
          {found.text}{' '}
          {found.nearest.length > 0 && (
            <>
              There is{' '}
              {found.nearest.map((value, i) => (
                <>
                  {i > 0 && ', '}
                  <button
                    type="button"
                    class="link"
                    key={value}
                    onClick={() => go({ selector: found.withValue(value) })}
                  >
                    {value}
                  </button>
                </>
              ))}
              .
            </>
          )}
        </p>
      )}
      {!found && <p>Nothing matches between {formatRange(span ?? whole, state.value.utc)}.</p>}
      <p class="actions">
        {span && (
          <button type="button" class="button" onClick={() => go({ span: null })}>
            Clear the span
          </button>
        )}
        {selector !== '' && (
          <button type="button" class="button" onClick={() => go({ selector: '' })}>
            Clear the selector
          </button>
        )}
        <button
          type="button"
          class="button"
          onClick={() => go({ range: { kind: 'relative', ms: 86_400_000 }, span: null })}
        >
          Look at the last 24 h
        </button>
      </p>
    </Note>
  )
}

interface Reason {
  readonly text: string
  readonly nearest: readonly string[]
  withValue(value: string): string
}

async function whyEmpty(selector: string, signal: AbortSignal): Promise<Reason | null> {
  let matchers: readonly Matcher[]
  try {
    matchers = parseMatchers(selector)
  } catch {
    return null
  }
  const asked = matchers.filter(m => m.op === '=' && m.value !== '')
  if (asked.length === 0) return null
  const names = await api.labelNames(range.value, signal)
  for (const matcher of asked) {
    if (!names.includes(matcher.name)) {
      return { text: `No series has a label ${matcher.name} in this range.`, nearest: [], withValue: () => selector }
    }
    const values = await api.labelValues(matcher.name, range.value, signal)
    if (values.includes(matcher.value)) continue
    return {
      text: `No series has ${formatMatcher(matcher)} in this range.`,
      nearest: nearest(values, matcher.value),
      withValue: value => matchers.map(m => formatMatcher(m === matcher ? { ...m, value } : m)).join(', '),
    }
  }
  return null
}
