/**
 * One matcher of a selector, and the function it stands for. As in Prometheus 3: a regular expression is RE2, must match the
 * whole value, `.` also matches a newline, and an absent label has the empty string as its value.
 *
 * Most patterns people write are literals, a few literals, or a literal with `.*` at an end; these never reach the engine.
 */
import { assertNever } from '../base/assert.ts'
import { RequestError } from '../base/errors.ts'
import { compilePattern } from './pattern.ts'

export type MatchOp = '=' | '!=' | '=~' | '!~'

export interface Matcher {
  readonly name: string
  readonly op: MatchOp
  readonly value: string
}

export type ValueTest = (value: string) => boolean

/** Whether a value fits. Throws `RequestError` for a bad pattern; its span is within the pattern. */
export function compileMatcher(matcher: Matcher): ValueTest {
  const { name, op, value: want } = matcher
  switch (op) {
    case '=':
      return value => value === want
    case '!=':
      return value => value !== want
    case '=~':
      return patternTest(name, want)
    case '!~': {
      const test = patternTest(name, want)
      return value => !test(value)
    }
    default:
      return assertNever(op)
  }
}

function patternTest(name: string, pattern: string): ValueTest {
  const simple = simpleTest(pattern)
  if (simple !== null) return simple
  try {
    const compiled = compilePattern(pattern)
    return value => compiled.test(value)
  } catch (e) {
    if (!(e instanceof RequestError)) throw e
    const message = `pattern ${JSON.stringify(pattern)} for label ${JSON.stringify(name)} is not valid: ${e.message}`
    throw new RequestError('invalid_argument', message, e.span === null ? { cause: e } : { span: e.span, cause: e })
  }
}

/** The same test without an engine, or null when the pattern needs one. */
export function simpleTest(pattern: string): ValueTest | null {
  const body = withoutGroup(pattern)
  const alternatives = literals(body)
  if (alternatives !== null) {
    if (alternatives.length === 1) {
      const only = alternatives[0]!
      return value => value === only
    }
    const set = new Set(alternatives)
    return value => set.has(value)
  }
  const [head, rest] = cutWildcard(body, 'start')
  const [tail, middle] = cutWildcard(rest, 'end')
  if (head === '' && tail === '') return null
  const found = literals(middle)
  if (found === null || found.length !== 1) return null
  const text = found[0]!
  // `.+` asks for at least one character of its own, which may be half of a pair: length in code units serves.
  const before = head === '.+' ? 1 : 0
  const after = tail === '.+' ? 1 : 0
  if (text === '') return before + after > 1 ? null : value => value.length >= before + after
  if (head === '') return value => value.length >= text.length + after && value.startsWith(text)
  if (tail === '') return value => value.length >= text.length + before && value.endsWith(text)
  if (before === 0 && after === 0) return value => value.includes(text)
  return null
}

function cutWildcard(body: string, side: 'start' | 'end'): [string, string] {
  if (side === 'start') {
    const head = body.slice(0, 2)
    return isWildcard(head) ? [head, body.slice(2)] : ['', body]
  }
  const tail = body.slice(-2)
  // A backslash before the dot makes it a literal dot, repeated.
  if (!isWildcard(tail) || body.at(-3) === '\\') return ['', body]
  return [tail, body.slice(0, -2)]
}

function isWildcard(text: string): boolean {
  return text === '.*' || text === '.+'
}

/** `(a|b)` and `(?:a|b)` without their parentheses, when these are the only ones. */
function withoutGroup(pattern: string): string {
  const inner = /^\((?:\?:)?([^()]*)\)$/.exec(pattern)
  return inner !== null && !inner[1]!.startsWith('?') && !inner[1]!.endsWith('\\') ? inner[1]! : pattern
}

/** The literals of `a|b|c`, escapes of punctuation undone; null when there is anything else in it. */
function literals(pattern: string): string[] | null {
  const out: string[] = []
  let current = ''
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!
    if (c === '|') {
      out.push(current)
      current = ''
    } else if (c === '\\') {
      const next = pattern[++i]
      if (next === undefined || !/[!-/:-@[-`{-~]/.test(next)) return null
      current += next
    } else if ('.+*?()[]{}^$'.includes(c)) return null
    else current += c
  }
  out.push(current)
  return out
}
