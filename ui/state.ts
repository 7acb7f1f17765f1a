/**
 * What the page knows, as signals: the address (the state people can share), what the server answered, and the theme.
 * Steps are pushed to the history so that Back undoes them; typing replaces the entry it is in.
 */
import { batch, computed, signal } from '@preact/signals'
import { assertNever } from '../pkg/base/assert.ts'
import { formatSelector, parseMatchers } from '../pkg/labels/selector.ts'
import { formatProfileType, type ProfileType } from '../pkg/profile/type.ts'
import { BASE } from './api.ts'
import { sortTypes } from './profile-names.ts'
import { resolveRange } from './time.ts'
import { DEFAULT_STATE, decodeState, encodeState, type PageState, type Span } from './url.ts'

export type Page = 'explore' | 'targets'

export const page = signal<Page>(pageOf(location))
export const state = signal<PageState>(decodeState(location.search))
/** The instant relative ranges end at; moved by Refresh and by a change of the range. */
export const now = signal(Date.now())
export const types = signal<readonly ProfileType[] | null>(null)

// Parts of the address by themselves: what depends on one of them stays still when another changes.
export const askedType = computed(() => state.value.type)
const askedRange = computed(() => state.value.range)
const askedSpan = computed(() => state.value.span)
const askedSelector = computed(() => state.value.selector)
export const sumBy = computed(() => state.value.sumBy)

export const profileType = computed<ProfileType | null>(() => {
  const all = types.value
  if (all === null) return null
  const wanted = askedType.value
  return all.find(t => formatProfileType(t) === wanted) ?? (wanted === '' ? (sortTypes(all)[0] ?? null) : null)
})
export const typeText = computed(() => (profileType.value ? formatProfileType(profileType.value) : askedType.value))
export const range = computed<Span>(() => resolveRange(askedRange.value, now.value))
/** What the flame graph is of. */
export const chosen = computed<Span>(() => askedSpan.value ?? range.value)

/** The selection as the server reads it, or why it is not one, with its place in the selector's text. */
export const query = computed<
  { readonly text: string } | { readonly error: string; readonly span: readonly [number, number] }
>(() => {
  const selector = askedSelector.value
  try {
    return { text: formatSelector({ name: typeText.value || null, matchers: parseMatchers(selector) }) }
  } catch (thrown) {
    const { message, span } = thrown as { message: string; span?: readonly [number, number] | null }
    return { error: message, span: span ?? [0, selector.length] }
  }
})

/** A step Back undoes. */
export function go(change: Partial<PageState>): void {
  move(change, 'push')
}

/** A change within a step, such as typing. */
export function adjust(change: Partial<PageState>): void {
  move(change, 'replace')
}

function move(change: Partial<PageState>, how: 'push' | 'replace'): void {
  const next = { ...state.value, ...change }
  const before = searchOf(page.value, state.value)
  const after = searchOf(page.value, next)
  batch(() => {
    if (change.range) now.value = Date.now()
    state.value = next
  })
  if (before === after) return
  write(addressOf(page.value, after), how)
}

/** The targets page has little of the state; what is explored meanwhile waits. */
function searchOf(target: Page, { utc, down, ...explored }: PageState): string {
  return encodeState(target === 'targets' ? { ...DEFAULT_STATE, utc, down } : { ...explored, utc, down: false })
}

export function addressOf(target: Page, search: string): string {
  const path = new URL(target === 'explore' ? '.' : 'targets', BASE)
  return path.pathname + search
}

let exploreSearch = page.value === 'explore' ? location.search : ''

export function openPage(target: Page): void {
  if (target === page.value) return
  if (page.value === 'explore') exploreSearch = searchOf('explore', state.value)
  const search = target === 'explore' ? exploreSearch : searchOf('targets', { ...state.value, down: false })
  write(addressOf(target, search), 'push')
  readAddress()
}

function write(address: string, how: 'push' | 'replace'): void {
  switch (how) {
    case 'push':
      history.pushState(null, '', address)
      return
    case 'replace':
      history.replaceState(null, '', address)
      return
    default:
      assertNever(how)
  }
}

export function followHistory(): void {
  addEventListener('popstate', () => {
    readAddress()
  })
}

function readAddress(): void {
  const read = decodeState(location.search)
  batch(() => {
    page.value = pageOf(location)
    state.value = page.value === 'explore' ? read : { ...state.value, utc: read.utc, down: read.down }
  })
}

function pageOf({ pathname }: Location): Page {
  return /\/targets\/?$/.test(pathname) ? 'targets' : 'explore'
}

export function refresh(): void {
  now.value = Date.now()
}

export type Theme = 'light' | 'dark'
const THEME_KEY = 'decima-theme'
const prefersDark = matchMedia('(prefers-color-scheme: dark)')
const storedTheme = (): Theme | null => {
  try {
    const text = localStorage.getItem(THEME_KEY)
    return text === 'light' || text === 'dark' ? text : null
  } catch {
    return null // Storage is switched off: the system's wish is followed.
  }
}
export const theme = signal<Theme>(storedTheme() ?? (prefersDark.matches ? 'dark' : 'light'))

export function followTheme(): void {
  prefersDark.addEventListener('change', () => {
    if (storedTheme() === null) theme.value = prefersDark.matches ? 'dark' : 'light'
  })
  theme.subscribe(value => document.documentElement.setAttribute('data-theme', value))
}

export function toggleTheme(): void {
  theme.value = theme.value === 'dark' ? 'light' : 'dark'
  try {
    localStorage.setItem(THEME_KEY, theme.value)
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
}

export const reducedMotion = matchMedia('(prefers-reduced-motion: reduce)')
