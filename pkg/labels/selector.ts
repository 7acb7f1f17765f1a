/**
 * A selector: which series are meant, as `name{matcher, …}`.
 *
 *   selector := name [ "{" matchers "}" ]  |  "{" matchers "}"
 *   matchers := [ matcher { "," matcher } [ "," ] ]
 *   matcher  := label ( "=" | "!=" | "=~" | "!~" ) string  |  string      (a string alone is the name)
 *   label    := [a-zA-Z_][a-zA-Z0-9_]*  |  string                         (any UTF-8 name, in quotes)
 *   name     := [a-zA-Z_:][a-zA-Z0-9_:.]*                                 (any other: `{"…"}` or `{__name__="…"}`)
 *
 * Patterns are not compiled here, so that the page can read selectors without an RE2 engine.
 */
import { RequestError } from '../base/errors.ts'
import type { Matcher, MatchOp } from './matcher.ts'
import { isQuote, quoteString, readQuoted } from './quote.ts'

export interface Selector {
  /**
   * The name as written (a profile type's text), or null when there is none. The one in front of the braces counts; else, of
   * several in the braces, the last.
   */
  readonly name: string | null
  /** In the order written, those on `__name__` left out. */
  readonly matchers: readonly Matcher[]
}

/** A selector with the place of each part: spans are [start, end) of the text. */
export interface SpannedSelector {
  readonly selector: Selector
  readonly nameSpan: readonly [number, number] | null
  /** Of each matcher's string, quotes included. */
  readonly valueSpans: readonly (readonly [number, number])[]
}

export const NAME_LABEL = '__name__'
const NAME = /[a-zA-Z_:][a-zA-Z0-9_:.]*/y
const LABEL = /[a-zA-Z_][a-zA-Z0-9_]*/y
const SPACE = /\s*/y

/** Throws `RequestError` with the span of what is wrong, saying what was expected there. */
export function parseSelector(text: string): Selector {
  return parseSelectorSpans(text).selector
}

/** `a="b", c=~"d"` as it stands between braces. */
export function parseMatchers(text: string): Matcher[] {
  const reader = new Reader(text)
  const body = reader.matchers(() => reader.atEnd())
  if (body.name !== null) throw reader.unexpected('a label matcher', body.name.span)
  return body.matchers
}

export function parseSelectorSpans(text: string): SpannedSelector {
  const reader = new Reader(text)
  reader.refuseBareName()
  const prefix = reader.take(NAME)
  const prefixSpan: [number, number] | null = prefix === null ? null : [reader.at - prefix.length, reader.at]
  let body: Body = { name: null, matchers: [], valueSpans: [] }
  if (reader.skip('{')) {
    body = reader.matchers(() => reader.peek('}'))
    if (!reader.skip('}')) throw reader.unexpected('"," or "}"')
    if (!reader.atEnd()) throw reader.unexpected('the end of the selector')
  } else if (!reader.atEnd()) {
    throw reader.unexpected(prefix === null ? 'a profile type or "{"' : '"{" or the end of the selector')
  }
  return {
    selector: { name: prefix ?? body.name?.value ?? null, matchers: body.matchers },
    nameSpan: prefixSpan ?? body.name?.span ?? null,
    valueSpans: body.valueSpans,
  }
}

/** Writes a selector so that parsing gives it back. */
export function formatSelector(selector: Selector): string {
  const { name, matchers } = selector
  const parts = matchers.map(formatMatcher)
  if (name === null) return `{${parts.join(', ')}}`
  if (!isWhole(NAME, name)) return `{${[quoteString(name), ...parts].join(', ')}}`
  return parts.length === 0 ? name : `${name}{${parts.join(', ')}}`
}

export function formatMatcher(matcher: Matcher): string {
  return `${formatLabelName(matcher.name)}${matcher.op}${quoteString(matcher.value)}`
}

/** In quotes where the bare name would not be read. */
export function formatLabelName(name: string): string {
  return isWhole(LABEL, name) ? name : quoteString(name)
}

interface Body {
  name: { value: string; span: [number, number] } | null
  matchers: Matcher[]
  valueSpans: [number, number][]
}

/** Walks over the text; every read skips the white space before it. */
class Reader {
  readonly #text: string
  at = 0

  constructor(text: string) {
    this.#text = text
  }

  matchers(closed: () => boolean): Body {
    const body: Body = { name: null, matchers: [], valueSpans: [] }
    while (!closed()) {
      this.#matcher(body)
      if (!this.skip(',')) break
    }
    if (!closed()) throw this.unexpected('"," or "}"')
    return body
  }

  #matcher(body: Body): void {
    const label = this.#label()
    const op = this.#operator(label.quoted)
    if (op === null) {
      body.name = { value: label.value, span: label.span }
      return
    }
    this.#space()
    const start = this.at
    if (!isQuote(this.#text[start])) throw this.unexpected(`a string in quotes after "${op}"`)
    const { value, end } = readQuoted(this.#text, start)
    this.at = end
    if (label.value !== NAME_LABEL) {
      body.matchers.push({ name: label.value, op, value })
      body.valueSpans.push([start, end])
    } else if (op === '=' || op === '=~') {
      body.name = { value, span: [start, end] }
    } else {
      const message = `${NAME_LABEL} names the profile type, so it takes "=", not "${op}"`
      throw new RequestError('invalid_argument', message, { span: [label.span[0], end] })
    }
  }

  #label(): { value: string; quoted: boolean; span: [number, number] } {
    this.#space()
    const start = this.at
    if (isQuote(this.#text[start])) {
      const { value, end } = readQuoted(this.#text, start)
      this.at = end
      if (value === '') throw new RequestError('invalid_argument', 'a name must not be empty', { span: [start, end] })
      return { value, quoted: true, span: [start, end] }
    }
    const value = this.take(LABEL)
    if (value === null) throw this.unexpected('a label name or "}"')
    // A name people meant in one piece: say that it needs quotes, not that "." is no operator.
    const whole = /^[^\s=!~"'`{},]+/.exec(this.#text.slice(start))![0]
    if (whole.length > value.length) {
      const message = `label name ${whole} at position ${start} needs quotes: {${quoteString(whole)}="…"}`
      throw new RequestError('invalid_argument', message, { span: [start, start + whole.length] })
    }
    return { value, quoted: false, span: [start, this.at] }
  }

  /** null only where the string before it can be the name. */
  #operator(afterString: boolean): MatchOp | null {
    for (const op of ['=~', '!=', '!~', '='] as const) if (this.skip(op)) return op
    if (afterString && (this.peek(',') || this.peek('}') || this.atEnd())) return null
    throw this.unexpected('one of = != =~ !~')
  }

  /** A name at the start that is not one without quotes: say that, not where it stops being one. */
  refuseBareName(): void {
    this.#space()
    const word = /^[^\s{}"'`,=!~]+/.exec(this.#text.slice(this.at))?.[0]
    if (word === undefined || isWhole(NAME, word)) return
    const message = `profile type ${word} at position ${this.at} needs quotes: {${quoteString(word)}}`
    throw new RequestError('invalid_argument', message, { span: [this.at, this.at + word.length] })
  }

  take(pattern: RegExp): string | null {
    this.#space()
    pattern.lastIndex = this.at
    const found = pattern.exec(this.#text)
    if (found === null) return null
    this.at = pattern.lastIndex
    return found[0]
  }

  peek(token: string): boolean {
    this.#space()
    return this.#text.startsWith(token, this.at)
  }

  skip(token: string): boolean {
    if (!this.peek(token)) return false
    this.at += token.length
    return true
  }

  atEnd(): boolean {
    this.#space()
    return this.at === this.#text.length
  }

  unexpected(expected: string, span?: [number, number]): RequestError {
    this.#space()
    const [start, end] = span ?? [this.at, Math.min(this.at + 1, this.#text.length)]
    const got = start === this.#text.length ? 'the end' : JSON.stringify(this.#text.slice(start, end))
    const message = `expected ${expected} at position ${start}, got ${got}`
    return new RequestError('invalid_argument', message, { span: [start, end] })
  }

  #space(): void {
    SPACE.lastIndex = this.at
    SPACE.exec(this.#text)
    this.at = SPACE.lastIndex
  }
}

function isWhole(pattern: RegExp, text: string): boolean {
  pattern.lastIndex = 0
  return pattern.test(text) && pattern.lastIndex === text.length
}
