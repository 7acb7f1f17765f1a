/** How a scrape ended. A failed scrape is one of these, never an exception; `explain` is what a target shows as its last error. */
import { assertNever } from '../pkg/base/assert.ts'
import type { RequestCode } from '../pkg/base/errors.ts'

export type ScrapeOutcome = { readonly kind: 'scraped'; readonly samples: number } | ScrapeFailure

export type ScrapeFailure =
  /** Another status than 200. `detail` is the beginning of the answer's text. */
  | { readonly kind: 'refused'; readonly status: number; readonly detail: string }
  /** The target says that a profile is running already. */
  | { readonly kind: 'busy'; readonly detail: string }
  | { readonly kind: 'timeout'; readonly afterMs: number; readonly stage: 'connecting' | 'waiting' | 'reading' }
  | { readonly kind: 'too_large'; readonly limit: number }
  | { readonly kind: 'empty' }
  /** No connection, or one that broke. */
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** An answer that cannot be used: unknown encoding, endless redirects. */
  | { readonly kind: 'unreadable'; readonly reason: string }
  /** An address that is not asked. */
  | { readonly kind: 'forbidden'; readonly reason: string }
  /** What the request needs is missing here: a file with a secret or a certificate. */
  | { readonly kind: 'unprepared'; readonly reason: string }
  /** The write path did not take the profile. */
  | { readonly kind: 'rejected'; readonly code: RequestCode; readonly reason: string }

/** Every kind, for metrics that start at zero. */
export const OUTCOME_KINDS: readonly ScrapeOutcome['kind'][] = [
  'scraped',
  'refused',
  'busy',
  'timeout',
  'too_large',
  'empty',
  'unreachable',
  'unreadable',
  'forbidden',
  'unprepared',
  'rejected',
]

const STAGES = {
  connecting: 'while connecting',
  waiting: 'without an answer',
  reading: 'in the middle of the answer',
}

export function explain(failure: ScrapeFailure): string {
  switch (failure.kind) {
    case 'refused':
      return `server returned HTTP status ${failure.status}${failure.detail === '' ? '' : `: ${failure.detail}`}`
    case 'busy':
      return (
        'a CPU profile is already running in the target: another profiler, a second Decima with the same target, ' +
        `or Parca still scraping it (the target says: ${failure.detail})`
      )
    case 'timeout':
      return `timeout after ${failure.afterMs / 1000} s ${STAGES[failure.stage]}`
    case 'too_large':
      return `body_size_limit exceeded: the body has more than ${failure.limit} bytes`
    case 'empty':
      return 'the answer is empty'
    case 'unreachable':
    case 'unreadable':
    case 'forbidden':
    case 'unprepared':
    case 'rejected':
      return failure.reason
    default:
      return assertNever(failure)
  }
}
