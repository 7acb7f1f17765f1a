/**
 * Completion of a selector while it is typed: what belongs at the cursor, what of it is there, and which part of the text a
 * choice replaces. Reads the text up to the cursor with a small state machine; broken text never throws.
 */
import { isQuote, readQuoted } from './quote.ts'

export interface Completion {
  readonly kind: 'profile-type' | 'label-name' | 'operator' | 'label-value' | 'end'
  /** A choice replaces [from, to) of the text, quotes included: insert `formatLabelName(name)` or `quoteString(value)`. */
  readonly from: number
  readonly to: number
  /** What is typed of it up to the cursor, without quotes. */
  readonly prefix: string
  /** For operators and values: the label they are for. */
  readonly labelName?: string
}

type State =
  | { kind: 'name' }
  | { kind: 'after-name' }
  | { kind: 'label' }
  | { kind: 'operator'; labelName: string }
  | { kind: 'value'; labelName: string }
  | { kind: 'after-value' }
  | { kind: 'after-braces' }

const NAME_CHARACTER = /[^\s{}"'`]/
const LABEL_CHARACTER = /[^\s{}"'`=!~,]/

export function completeSelector(text: string, cursor: number): Completion {
  const at = Math.max(0, Math.min(cursor, text.length))
  let state: State = { kind: 'name' }
  let i = 0
  while (i < at) {
    const c = text[i]!
    if (/\s/.test(c)) {
      i++
      continue
    }
    switch (state.kind) {
      case 'name':
      case 'after-name': {
        if (c === '{') {
          state = { kind: 'label' }
          i++
          break
        }
        const end = wordEnd(text, i, NAME_CHARACTER)
        if (end >= at && state.kind === 'name') return word('profile-type', text, i, end, at)
        state = { kind: 'after-name' }
        i = Math.max(end, i + 1)
        break
      }
      case 'label': {
        if (c === '}') {
          state = { kind: 'after-braces' }
          i++
          break
        }
        if (isQuote(c)) {
          const open = stringAround(text, i, at)
          if (open.inside) return { kind: 'label-name', from: i, to: open.to, prefix: open.prefix }
          state = { kind: 'operator', labelName: open.prefix }
          i = open.to
          break
        }
        const end = wordEnd(text, i, LABEL_CHARACTER)
        if (end > i && end >= at) return word('label-name', text, i, end, at)
        if (end > i) state = { kind: 'operator', labelName: text.slice(i, end) }
        i = Math.max(end, i + 1)
        break
      }
      case 'operator': {
        const labelName: string = state.labelName
        if (c === ',' || c === '}') {
          state = c === ',' ? { kind: 'label' } : { kind: 'after-braces' }
          i++
          break
        }
        const end = wordEnd(text, i, /[=!~]/)
        const isWhole = /^(=|!=|=~|!~)$/.test(text.slice(i, Math.min(end, at)))
        if (end >= at && !isWhole) return { ...word('operator', text, i, end, at), labelName }
        state = { kind: 'value', labelName }
        i = Math.max(Math.min(end, at), i + 1)
        break
      }
      case 'value': {
        const labelName: string = state.labelName
        if (isQuote(c)) {
          const open = stringAround(text, i, at)
          if (open.inside) return { kind: 'label-value', from: i, to: open.to, prefix: open.prefix, labelName }
          state = { kind: 'after-value' }
          i = open.to
          break
        }
        const end = wordEnd(text, i, LABEL_CHARACTER)
        // A value typed without its quotes.
        if (end > i && end >= at) return { ...word('label-value', text, i, end, at), labelName }
        state = c === '}' ? { kind: 'after-braces' } : { kind: c === ',' ? 'label' : 'after-value' }
        i = Math.max(end, i + 1)
        break
      }
      case 'after-value':
        state = c === ',' ? { kind: 'label' } : c === '}' ? { kind: 'after-braces' } : state
        i++
        break
      case 'after-braces':
        i++
        break
    }
  }
  return nothingTyped(state, text, at)
}

function nothingTyped(state: State, text: string, at: number): Completion {
  const here = { from: at, to: at, prefix: '' }
  switch (state.kind) {
    case 'name':
      return { kind: 'profile-type', from: at, to: wordEnd(text, at, NAME_CHARACTER), prefix: '' }
    case 'label':
      return { kind: 'label-name', from: at, to: wordEnd(text, at, LABEL_CHARACTER), prefix: '' }
    case 'operator':
      return { kind: 'operator', ...here, labelName: state.labelName }
    case 'value':
      return { kind: 'label-value', ...here, to: valueEnd(text, at), labelName: state.labelName }
    case 'after-name':
    case 'after-value':
    case 'after-braces':
      return { kind: 'end', ...here }
  }
}

function word(kind: Completion['kind'], text: string, from: number, to: number, cursor: number): Completion {
  return { kind, from, to, prefix: text.slice(from, cursor) }
}

function wordEnd(text: string, start: number, character: RegExp): number {
  let end = start
  while (end < text.length && character.test(text[end]!)) end++
  return end
}

/** Where a value that starts right at the cursor ends. */
function valueEnd(text: string, at: number): number {
  return isQuote(text[at]) ? closedEnd(text, at) : wordEnd(text, at, LABEL_CHARACTER)
}

/** The string that opens at `start`: whether the cursor is inside it, its text (up to the cursor then), and its end. */
function stringAround(text: string, start: number, cursor: number): { inside: boolean; prefix: string; to: number } {
  const upToCursor = text.slice(0, cursor)
  const before = tryRead(upToCursor, start)
  if (before !== null) return { inside: false, prefix: before.value, to: before.end }
  const typed = upToCursor.slice(start + 1)
  const prefix = tryRead(`${upToCursor}${text[start]}`, start)?.value ?? typed
  return { inside: true, prefix, to: Math.max(cursor, closedEnd(text, start)) }
}

/**
 * The end of a string, if what follows it shows that it is one: in `{a="x, b="y"}` the quote before `y` opens, it does not
 * close. Else just past the opening quote.
 */
function closedEnd(text: string, start: number): number {
  const whole = tryRead(text, start)
  return whole !== null && /^\s*([,}=!]|$)/.test(text.slice(whole.end)) ? whole.end : start + 1
}

function tryRead(text: string, start: number): { value: string; end: number } | null {
  try {
    return readQuoted(text, start)
  } catch {
    return null
  }
}
