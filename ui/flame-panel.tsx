/** The profile of the chosen span: its head line, search, the flame graph and the table beside it. */
import { useComputed } from '@preact/signals'
import type { Stats } from './api.ts'
import { Download } from './download.tsx'
import { FlameGraph } from './flame-graph.tsx'
import type { FlameModel } from './flamegraph/model.ts'
import { findMatches, type Matches } from './flamegraph/search.ts'
import { flameLoad, typesLoad } from './load.ts'
import { ErrorNote, Note } from './notes.tsx'
import { isCpu, profileTitle } from './profile-names.ts'
import { adjust, chosen, go, profileType, query, state, types } from './state.ts'
import { TopTable } from './top-table.tsx'
import { formatBytes, formatPercent, formatRate, formatValue } from './units.ts'
import type { View } from './url.ts'

export function FlamePanel() {
  const { value, busy, error } = flameLoad.value
  const matches = useComputed<Matches | null>(() => {
    const model = flameLoad.value.value?.model
    const { search, picked } = state.value
    if (!model) return null
    return findMatches(model, picked !== '' ? { name: picked } : { text: search })
  })
  const { view } = state.value
  const model = value?.model ?? null
  const empty = model !== null && model.length <= 1 && model.total[0] === 0
  const note = noteInstead(error, empty)
  return (
    <section class="panel flame" aria-label="Flame graph" aria-busy={busy}>
      <header class="panel-head">
        <Headline model={empty ? null : model} />
        <span class="spring" />
        <Search model={model} matches={matches.value} />
        <Views />
        <button
          type="button"
          class="button"
          aria-pressed={state.value.flipped}
          title="Root at the bottom (i)"
          onClick={() => go({ flipped: !state.value.flipped })}
        >
          Invert
        </button>
        <Download />
      </header>
      {note ?? (
        <div class={`flame-body view-${view}`}>
          {view !== 'table' && (model ? <FlameGraph model={model} matches={matches.value} /> : <Waiting />)}
          {view !== 'flame' && model && <TopTable model={model} matches={matches.value} />}
        </div>
      )}
      <Footer stats={value?.stats ?? null} model={model} />
    </section>
  )
}

function Waiting() {
  return <div class="waiting">Reading profiles…</div>
}

function noteInstead(error: Parameters<typeof ErrorNote>[0]['error'] | null, empty: boolean) {
  const first = typesLoad.value
  if (types.value === null) {
    if (first.error) return <ErrorNote error={first.error} />
    if (first.value === null) return <Waiting />
    return (
      <Note title="No profiles yet">
        <p>
          The first arrive one scrape interval after the start; this page shows them then. <b>Targets</b> says how the
          scrapes go.
        </p>
      </Note>
    )
  }
  if (profileType.value === null) {
    return (
      <Note title="No such profile type">
        <p>
          Nothing stored is of type <code>{state.value.type}</code>. Choose another one above.
        </p>
      </Note>
    )
  }
  if ('error' in query.value) {
    return (
      <Note title="The selector cannot be read">
        <p class="message">{query.value.error}</p>
      </Note>
    )
  }
  if (error) return <ErrorNote error={error} />
  return empty ? (
    <Note title="Only zeros here">
      <p>The profiles of this span hold no samples of this type.</p>
    </Note>
  ) : null
}

function Headline({ model }: { model: FlameModel | null }) {
  const type = profileType.value
  if (type === null) return <h2>Profile</h2>
  const span = chosen.value
  const seconds = (span.to - span.from) / 1000
  const unit = model?.unit || type.sampleUnit
  return (
    <h2>
      {profileTitle(type)}
      {model && (
        <>
          {' '}
          <b class="number">{formatValue(model.total[0]!, unit)}</b>
          {type.delta && seconds > 0 && (
            <span class="quiet number"> · {formatRate(model.total[0]! / seconds, unit, isCpu(type))}</span>
          )}
          {model.profiles > 0 && (
            <span class="quiet number wide-only">
              {' '}
              · {!type.delta && model.profiles > 1 ? 'mean of ' : ''}
              {model.profiles.toLocaleString('en')} {model.profiles === 1 ? 'profile' : 'profiles'}
            </span>
          )}
        </>
      )}
    </h2>
  )
}

function Search({ model, matches }: { model: FlameModel | null; matches: Matches | null }) {
  const { search, picked } = state.value
  const text = picked || search
  return (
    <search class="search" aria-label="Functions">
      <label class="visually-hidden" for="search">
        Search functions
      </label>
      <input
        id="search"
        class="field"
        type="search"
        placeholder="Search functions  /"
        autocomplete="off"
        spellcheck={false}
        maxLength={200}
        value={text}
        onInput={event => {
          adjust({ search: event.currentTarget.value, picked: '' })
        }}
        onKeyDown={event => {
          if (event.key === 'Escape') {
            if (text !== '') adjust({ search: '', picked: '' })
            else document.getElementById('flame-tree')?.focus()
          } else if (event.key === 'Enter') document.getElementById('flame-tree')?.focus()
          else return
          event.preventDefault()
          event.stopPropagation()
        }}
      />
      <output class="search-count number" for="search">
        {matches && model ? matchText(matches, model) : ''}
      </output>
    </search>
  )
}

function matchText(matches: Matches, model: FlameModel): string {
  if (matches.nodes.length === 0) return 'no match'
  const functions = matches.functions === 1 ? '1 function' : `${matches.functions} functions`
  return `${functions} · ${formatPercent(matches.total, model.total[0]!)} of total`
}

const VIEWS: readonly (readonly [View, string, string])[] = [
  ['flame', 'Flame', '1'],
  ['table', 'Table', '2'],
  ['both', 'Both', '3'],
]

function Views() {
  return (
    <fieldset class="segments" aria-label="View">
      {VIEWS.map(([view, title, key]) => (
        <button
          type="button"
          key={view}
          class="button"
          title={`${title} (${key})`}
          aria-pressed={state.value.view === view}
          onClick={() => go({ view })}
        >
          {title}
        </button>
      ))}
    </fieldset>
  )
}

/** What the answer cost, quietly. */
function Footer({ stats, model }: { stats: Stats | null; model: FlameModel | null }) {
  if (!stats || !model) return null
  return (
    <footer class="stats number">
      <span>{stats.ms < 10 ? stats.ms.toFixed(1) : Math.round(stats.ms)} ms</span>
      <span>{formatBytes(stats.bytes_read)} read</span>
      <span>{formatBytes(stats.bytes_skipped)} skipped</span>
      <span>
        row groups {stats.row_groups_read} read, {stats.row_groups_skipped} skipped
      </span>
      <span>{stats.rows.toLocaleString('en')} rows</span>
      {stats.level !== 'raw' && <span>from {stats.level} roll-ups</span>}
      <span class="spring" />
      <span>{(model.length - 1).toLocaleString('en')} frames</span>
    </footer>
  )
}
