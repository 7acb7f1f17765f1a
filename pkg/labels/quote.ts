/**
 * Strings as PromQL writes them: in double or single quotes with Go's escapes, or raw in backticks.
 * `\x` and octal escapes are bytes: a run of them is read as UTF-8, what is not UTF-8 becomes U+FFFD.
 */
import { RequestError } from '../base/errors.ts'

export interface QuotedString {
  readonly value: string
  /** Just past the closing quote. */
  readonly end: number
}

/** Writes `value` in double quotes so that reading gives it back. */
export function quoteString(value: string): string {
  let out = '"'
  for (let i = 0; i < value.length; i++) {
    const c = value[i]!
    const code = value.charCodeAt(i)
    if (c === '"' || c === '\\') out += `\\${c}`
    else if (c === '\n') out += '\\n'
    else if (c === '\t') out += '\\t'
    else if (c === '\r') out += '\\r'
    else if (code < 0x20 || code === 0x7f) out += `\\u${code.toString(16).padStart(4, '0')}`
    else out += c
  }
  return `${out}"`
}

export function isQuote(c: string | undefined): c is '"' | "'" | '`' {
  return c === '"' || c === "'" || c === '`'
}

/** Reads the string whose opening quote is at `start`. Throws `RequestError` with the span of what is wrong. */
export function readQuoted(text: string, start: number): QuotedString {
  const quote = text[start]!
  if (quote === '`') {
    const close = text.indexOf('`', start + 1)
    if (close < 0) throw unterminated(text, start)
    return { value: text.slice(start + 1, close), end: close + 1 }
  }
  const decoder = new ByteRuns()
  let i = start + 1
  for (;;) {
    const c = text[i]
    if (c === undefined || c === '\n') throw unterminated(text, start)
    if (c === quote) return { value: decoder.finish(), end: i + 1 }
    if (c !== '\\') {
      decoder.text(c)
      i++
      continue
    }
    i = readEscape(text, i, quote, decoder)
  }
}

const SIMPLE: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
}

/** Reads the escape at `at` and returns where it ends. */
function readEscape(text: string, at: number, quote: string, out: ByteRuns): number {
  const kind = text[at + 1] ?? ''
  const simple = kind === quote ? quote : SIMPLE[kind]
  if (simple !== undefined) {
    out.text(simple)
    return at + 2
  }
  const octal = /^[0-3][0-7]{2}/.exec(text.slice(at + 1, at + 4))
  if (octal !== null) {
    out.byte(Number.parseInt(octal[0], 8))
    return at + 4
  }
  const digits = kind === 'x' ? 2 : kind === 'u' ? 4 : kind === 'U' ? 8 : 0
  const hex = text.slice(at + 2, at + 2 + digits)
  const end = at + 2 + digits
  if (digits === 0 || hex.length !== digits || !/^[0-9a-fA-F]+$/.test(hex))
    throw badEscape(text, at, Math.max(at + 2, Math.min(end, text.length)))
  const code = Number.parseInt(hex, 16)
  if (kind === 'x') out.byte(code)
  else if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) throw badEscape(text, at, end)
  else out.text(String.fromCodePoint(code))
  return end
}

function badEscape(text: string, start: number, end: number): RequestError {
  const message = `unknown escape ${JSON.stringify(text.slice(start, end))} at position ${start}`
  return new RequestError('invalid_argument', message, { span: [start, end] })
}

function unterminated(text: string, start: number): RequestError {
  const message = `the string that starts at position ${start} has no closing ${text[start]}`
  return new RequestError('invalid_argument', message, { span: [start, text.length] })
}

/** Text with runs of bytes in it. */
class ByteRuns {
  #out = ''
  #run: number[] = []

  text(s: string): void {
    if (this.#run.length > 0) this.#flush()
    this.#out += s
  }

  byte(b: number): void {
    this.#run.push(b)
  }

  finish(): string {
    this.#flush()
    return this.#out
  }

  #flush(): void {
    this.#out += new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(this.#run))
    this.#run = []
  }
}
