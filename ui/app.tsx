/** The frame of the page: head, the page asked for, and the keys that work everywhere. */
import { useSignalEffect } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { formatProfileType } from '../pkg/profile/type.ts'
import { FlamePanel } from './flame-panel.tsx'
import { Help, helpOpen } from './help.tsx'
import { profileTitle, sortTypes } from './profile-names.ts'
import { RangePicker } from './range-picker.tsx'
import { SelectorInput } from './selector-input.tsx'
import { SeriesPanel } from './series-chart.tsx'
import {
  addressOf,
  go,
  openPage,
  type Page,
  page,
  profileType,
  refresh,
  state,
  theme,
  toggleTheme,
  types,
} from './state.ts'
import { Targets } from './targets.tsx'

export function App() {
  useEffect(() => {
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [])
  useSignalEffect(() => {
    document.title = page.value === 'targets' ? 'Targets · Decima' : titleOfExplore()
  })
  return (
    <>
      <header class="top-bar">
        <h1>
          <Mark /> Decima
        </h1>
        <nav aria-label="Pages">
          <PageLink to="explore" title="Explore" />
          <PageLink to="targets" title="Targets" />
        </nav>
        <span class="spring" />
        <button
          type="button"
          class="button ghost"
          aria-pressed={state.value.utc}
          title="Show times in UTC instead of local time"
          onClick={() => go({ utc: !state.value.utc })}
          hidden={page.value === 'targets'}
        >
          UTC
        </button>
        <button type="button" class="button ghost" title="Light or dark (t)" onClick={toggleTheme}>
          {theme.value === 'dark' ? 'Light' : 'Dark'}
        </button>
        <button
          type="button"
          class="button ghost"
          title="Keys (?)"
          aria-label="Keys"
          onClick={() => (helpOpen.value = true)}
        >
          ?
        </button>
      </header>
      {page.value === 'targets' ? <Targets /> : <Explore />}
      <Help />
    </>
  )
}

/** A spindle's thread, measured. */
function Mark() {
  return (
    <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" class="mark">
      <rect x="1" y="2" width="18" height="4" rx="1" />
      <rect x="1" y="8" width="11" height="4" rx="1" />
      <rect x="1" y="14" width="5" height="4" rx="1" />
    </svg>
  )
}

function titleOfExplore(): string {
  const type = profileType.value
  return type ? `${profileTitle(type)} · Decima` : 'Decima'
}

function PageLink({ to, title }: { to: Page; title: string }) {
  return (
    <a
      href={addressOf(to, '')}
      aria-current={page.value === to ? 'page' : undefined}
      onClick={event => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return
        event.preventDefault()
        openPage(to)
      }}
    >
      {title}
    </a>
  )
}

function Explore() {
  return (
    <main class="page explore">
      <search class="asked" aria-label="Selection">
        <TypeSelect />
        <SelectorInput />
        <RangePicker />
      </search>
      <SeriesPanel />
      <FlamePanel />
    </main>
  )
}

function TypeSelect() {
  const sorted = sortTypes(types.value ?? [])
  const current = profileType.value
  const titles = new Map<string, number>()
  for (const type of sorted) titles.set(profileTitle(type), (titles.get(profileTitle(type)) ?? 0) + 1)
  const unknown = current === null && state.value.type !== ''
  return (
    <>
      <label class="visually-hidden" for="type">
        Profile type
      </label>
      <select
        id="type"
        class="field type-select"
        value={current ? formatProfileType(current) : state.value.type}
        title={current ? formatProfileType(current) : undefined}
        onChange={event => go({ type: event.currentTarget.value, zoom: '', picked: '' })}
      >
        {unknown && <option value={state.value.type}>{state.value.type}</option>}
        {sorted.length === 0 && !unknown && <option value="">no profile types</option>}
        {sorted.map(type => {
          const text = formatProfileType(type)
          const title = profileTitle(type)
          return (
            <option key={text} value={text}>
              {titles.get(title)! > 1 ? `${title} (${text})` : title}
            </option>
          )
        })}
      </select>
    </>
  )
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || helpOpen.value) return
  const target = event.target as HTMLElement
  if (target.closest('input, select, textarea, [contenteditable]')) return
  const explore = page.value === 'explore'
  if (event.key === '?') helpOpen.value = true
  else if (event.key === 't') toggleTheme()
  else if (!explore) return
  else if (event.key === '/') focusAndSelect('search')
  else if (event.key === 'i') go({ flipped: !state.value.flipped })
  else if (event.key === 'r') refresh()
  else if (event.key === '1') go({ view: 'flame' })
  else if (event.key === '2') go({ view: 'table' })
  else if (event.key === '3') go({ view: 'both' })
  else if (isGraphKey(event.key) && target === document.body) toGraph(event)
  else return
  event.preventDefault()
}

function focusAndSelect(id: string): void {
  const input = document.getElementById(id) as HTMLInputElement | null
  input?.focus()
  input?.select()
}

const isGraphKey = (key: string): boolean =>
  /^(Arrow(Up|Down|Left|Right)|[hjklnN]|Escape|Backspace|Enter|Home)$/.test(key)

/** With nothing in focus, keys of the graph go to the graph. */
function toGraph(event: KeyboardEvent): void {
  const graph = document.getElementById('flame-tree')
  if (graph === null) return
  graph.focus({ preventScroll: true })
  graph.dispatchEvent(new KeyboardEvent('keydown', { key: event.key, shiftKey: event.shiftKey }))
}
