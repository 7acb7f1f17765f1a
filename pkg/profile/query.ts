/**
 * A query as Parca's API has it: a selector whose name is a profile type. Patterns are checked here, so that an error points
 * into the text of the query.
 */
import { RequestError } from '../base/errors.ts'
import { compileMatcher, type Matcher } from '../labels/matcher.ts'
import { parseSelectorSpans, type SpannedSelector } from '../labels/selector.ts'
import { type ProfileType, parseProfileType } from './type.ts'

export interface ProfileQuery {
  readonly profileType: ProfileType
  readonly matchers: readonly Matcher[]
}

const PROFILE_TYPE_FORM = '<name>:<sample-type>:<sample-unit>:<period-type>:<period-unit>(:delta)'

/** Labels that stand for the stack of a sample: no series has them, and an answer as if one had would be wrong. */
const RESERVED = /^__(stack|leaf)/

/** Throws `RequestError` invalid_argument with the span of what is wrong. */
export function parseQuery(text: string): ProfileQuery {
  const { selector, nameSpan, valueSpans } = readSelector(text)
  const { name, matchers } = selector
  if (name === null) throw new RequestError('invalid_argument', 'query must contain a profile-type selection')
  const profileType = parseProfileType(name)
  if (profileType === null) {
    const message = `profile-type selection must be of the form ${PROFILE_TYPE_FORM}, got(${name.split(':').length}): ${JSON.stringify(name)}`
    throw new RequestError('invalid_argument', message, { span: nameSpan! })
  }
  matchers.forEach((matcher, i) => {
    if (RESERVED.test(matcher.name)) {
      throw new RequestError('unimplemented', `the reserved label ${matcher.name} is not available in this version`, {
        span: valueSpans[i]!,
      })
    }
    checkPattern(matcher, valueSpans[i]!)
  })
  return { profileType, matchers }
}

function readSelector(text: string): SpannedSelector {
  try {
    return parseSelectorSpans(text)
  } catch (e) {
    if (!(e instanceof RequestError)) throw e
    throw new RequestError('invalid_argument', `failed to parse query: ${e.message}`, {
      span: e.span ?? [0, text.length],
      cause: e,
    })
  }
}

function checkPattern(matcher: Matcher, span: readonly [number, number]): void {
  try {
    compileMatcher(matcher)
  } catch (e) {
    if (!(e instanceof RequestError)) throw e
    throw new RequestError('invalid_argument', `failed to parse query: ${e.message}`, { span, cause: e })
  }
}
