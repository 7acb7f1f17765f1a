/**
 * The page's state as its address: everything that decides what is shown, and nothing else. What has its default is
 * left out; an address with unknown or broken parts reads as their defaults, so an old or mangled link still opens.
 *
 *   v=1 & type=… & q=<matchers> & range=1h | from=<ms>&to=<ms> & span=<ms>-<ms> & by=<label> & z=<frame> & …
 */

export type TimeRange =
  | { readonly kind: 'relative'; readonly ms: number }
  | { readonly kind: 'absolute'; readonly from: number; readonly to: number } // unix ms, [from, to]

export interface Span {
  readonly from: number // unix ms
  readonly to: number
}

export type View = 'flame' | 'table' | 'both'
export type SortColumn = 'self' | 'total' | 'name'

export interface PageState {
  readonly type: string // empty: the page chooses
  readonly selector: string // matchers as they stand between braces
  readonly range: TimeRange
  readonly span: Span | null // null: the whole range
  readonly sumBy: string // label name; empty: one sum of all, `*`: every series
  readonly zoom: string // token of a frame, empty: the root
  readonly search: string
  readonly picked: string // a function chosen in the table
  readonly view: View
  readonly flipped: boolean // the root at the bottom
  readonly sort: SortColumn
  readonly ascending: boolean
  readonly utc: boolean
  readonly down: boolean // of the targets, only those that are down
}

export const VERSION = 1
export const DEFAULT_STATE: PageState = {
  type: '',
  selector: '',
  range: { kind: 'relative', ms: 15 * 60_000 },
  span: null,
  sumBy: '',
  zoom: '',
  search: '',
  picked: '',
  view: 'both',
  flipped: false,
  sort: 'self',
  ascending: false,
  utc: false,
  down: false,
}

export function encodeState(state: PageState): string {
  const out: [string, string][] = []
  const put = (key: string, value: string): void => {
    if (value !== '') out.push([key, value])
  }
  put('type', state.type)
  put('q', state.selector)
  if (state.range.kind === 'absolute') {
    put('from', String(Math.round(state.range.from)))
    put('to', String(Math.round(state.range.to)))
  } else if (state.range.ms !== (DEFAULT_STATE.range as { ms: number }).ms) {
    put('range', formatSpanOfTime(state.range.ms))
  }
  if (state.span) put('span', `${Math.round(state.span.from)}-${Math.round(state.span.to)}`)
  put('by', state.sumBy)
  put('z', state.zoom)
  put('s', state.search)
  put('fn', state.picked)
  if (state.view !== DEFAULT_STATE.view) put('view', state.view)
  if (state.flipped) put('flip', '1')
  if (state.sort !== DEFAULT_STATE.sort || state.ascending) put('sort', (state.ascending ? '+' : '') + state.sort)
  if (state.utc) put('utc', '1')
  if (state.down) put('down', '1')
  if (out.length === 0) return ''
  return `?v=${VERSION}&${out.map(([key, value]) => `${key}=${encodeValue(value)}`).join('&')}`
}

export function decodeState(search: string): PageState {
  const given = new URLSearchParams(search)
  const text = (key: string): string => given.get(key) ?? ''
  const sort = text('sort').replace(/^\+/, '')
  return {
    type: text('type'),
    selector: text('q'),
    range: decodeRange(text('range'), text('from'), text('to')),
    span: decodeSpan(text('span')),
    sumBy: text('by'),
    zoom: text('z'),
    search: text('s'),
    picked: text('fn'),
    view: oneOf(text('view'), ['flame', 'table', 'both'], DEFAULT_STATE.view),
    flipped: text('flip') === '1',
    sort: oneOf(sort, ['self', 'total', 'name'], DEFAULT_STATE.sort),
    ascending: text('sort').startsWith('+'),
    utc: text('utc') === '1',
    down: text('down') === '1',
  }
}

/** Percent-encodes only what a query part must: selectors stay readable in the address bar. */
function encodeValue(value: string): string {
  return encodeURIComponent(value.toWellFormed()).replace(/%(?:3A|2C|2F|3D|7E|40|24|28|29|7B|7D|20)/g, code =>
    code === '%20' || code === '%3D' ? (code === '%20' ? '+' : '=') : decodeURIComponent(code),
  )
}

function decodeRange(relative: string, from: string, to: string): TimeRange {
  const [a, b] = [unixMs(from), unixMs(to)]
  if (a !== null && b !== null && a < b) return { kind: 'absolute', from: a, to: b }
  const ms = parseSpanOfTime(relative)
  return ms === null ? DEFAULT_STATE.range : { kind: 'relative', ms }
}

function decodeSpan(text: string): Span | null {
  const [a, b, ...rest] = text.split('-').map(unixMs)
  return a != null && b != null && a < b && rest.length === 0 ? { from: a, to: b } : null
}

/** Within what a Date can show. */
function unixMs(text: string): number | null {
  if (!/^\d{1,16}$/.test(text)) return null
  const ms = Number(text)
  return ms <= 8.64e15 ? ms : null
}

function oneOf<T extends string>(text: string, allowed: readonly T[], otherwise: T): T {
  return (allowed as readonly string[]).includes(text) ? (text as T) : otherwise
}

const UNITS: readonly (readonly [string, number])[] = [
  ['w', 7 * 86_400_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
]

/** `90m` → 5,400,000; several parts add (`1h30m`). Null when it is no such text, or outside 1 s … 10 years. */
export function parseSpanOfTime(text: string): number | null {
  const compact = text.trim().toLowerCase().replaceAll(' ', '')
  if (compact === '' || !/^(?:\d{1,9}[wdhms])+$/.test(compact)) return null
  let ms = 0
  for (const [, count, unit] of compact.matchAll(/(\d+)([wdhms])/g)) {
    ms += Number(count) * UNITS.find(([name]) => name === unit)![1]
  }
  return ms >= 1000 && ms <= 3650 * 86_400_000 ? ms : null
}

/** `5400000` → `1h30m`. */
export function formatSpanOfTime(ms: number): string {
  let rest = Math.max(1000, Math.round(ms / 1000) * 1000)
  let out = ''
  for (const [name, size] of UNITS) {
    if (name === 'w') continue
    const count = Math.floor(rest / size)
    if (count > 0) out += `${count}${name}`
    rest -= count * size
  }
  return out
}
