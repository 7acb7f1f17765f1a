/**
 * RE2 patterns as Prometheus uses them: a pattern must match the whole value, and `.` matches a newline too, as if it were
 * written `^(?s:…)$`.
 */
import { RE2JS } from 're2js'
import { RequestError } from '../base/errors.ts'

export function compilePattern(pattern: string): RE2JS {
  try {
    // By itself first: `a)(b` must not become valid by the group that is put around it.
    RE2JS.compile(pattern)
    return RE2JS.compile(`^(?s:${pattern})$`)
  } catch (e) {
    const place = placeOf(e, pattern)
    throw new RequestError('invalid_argument', reasonOf(e), place === null ? { cause: e } : { span: place, cause: e })
  }
}

/** Why RE2 refuses `pattern`, or null when it does not. */
export function patternError(pattern: string): RequestError | null {
  try {
    compilePattern(pattern)
    return null
  } catch (e) {
    if (e instanceof RequestError) return e
    throw e
  }
}

function reasonOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  return text.replace(/^error parsing regexp: /, '')
}

/** RE2 names the part it stumbled over; where that stands only once, this is the place. */
function placeOf(thrown: unknown, pattern: string): [number, number] | null {
  const part = (thrown as { input?: unknown }).input
  if (typeof part !== 'string' || part === '') return null
  const at = pattern.indexOf(part)
  return at >= 0 && at === pattern.lastIndexOf(part) ? [at, at + part.length] : null
}
