/**
 * Trying again: full jitter (a uniform share of an exponential delay), a number of attempts, a span of time, and a budget of
 * tokens shared by all calls of a bucket. Each repeat takes a token and each success gives half a one back, so while a
 * third of the requests fail everybody keeps trying, and in an outage load sinks to one attempt a call.
 */
import type { Clock, Random } from '../base/ports.ts'
import { isPassing, StoreError } from './errors.ts'

export interface RetryPolicy {
  readonly attempts: number
  /** The delay before attempt n + 1 is uniform in [0, min(longest, first × 2ⁿ)]. */
  readonly firstDelayMs: number
  readonly longestDelayMs: number
  /** No attempt begins later than this after the first. */
  readonly spanMs: number
  readonly tokens: number
  /** Of one attempt; bodies get a second more for each MiB. */
  readonly timeoutMs: number
}

export const RETRY_DEFAULTS: RetryPolicy = {
  attempts: 6,
  firstDelayMs: 100,
  longestDelayMs: 10_000,
  spanMs: 60_000,
  tokens: 100,
  timeoutMs: 30_000,
}

const REFUND = 0.5

export interface RetryBudget {
  /** Whether a repeat is allowed now; takes its token. */
  take(): boolean
  succeeded(): void
}

export function createRetryBudget(tokens: number): RetryBudget {
  let left = tokens
  return {
    take() {
      if (left < 1) return false
      left -= 1
      return true
    },
    succeeded() {
      left = Math.min(tokens, left + REFUND)
    },
  }
}

export interface RetryContext {
  readonly policy: RetryPolicy
  readonly budget: RetryBudget
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
  /** Bytes in the larger body of the request and its answer, as far as known. */
  readonly bytes: number
  /** After each attempt; `error` is null when it went well. */
  readonly onAttempt: (outcome: { attempt: number; ms: number; error: StoreError | null }) => void
}

/** Rejects with the last `StoreError`; what is thrown and is none is a bug and goes straight up. */
export async function retrying<T>(context: RetryContext, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { policy, budget, clock, random, signal } = context
  const begun = clock.monotonic()
  for (let attempt = 1; ; attempt++) {
    const sent = clock.monotonic()
    try {
      const result = await once(context, send)
      budget.succeeded()
      context.onAttempt({ attempt, ms: clock.monotonic() - sent, error: null })
      return result
    } catch (thrown) {
      if (!(thrown instanceof StoreError)) throw thrown
      context.onAttempt({ attempt, ms: clock.monotonic() - sent, error: thrown })
      if (!isPassing(thrown.kind) || attempt >= policy.attempts) throw thrown
      const delay = random.next() * Math.min(policy.longestDelayMs, policy.firstDelayMs * 2 ** (attempt - 1))
      if (clock.monotonic() - begun + delay > policy.spanMs || !budget.take()) throw thrown
      await clock.sleep(delay, signal)
      if (signal.aborted) throw canceled(signal)
    }
  }
}

/** One attempt, ended by its timeout or by the caller, whether or not `send` listens to its signal. */
async function once<T>(context: RetryContext, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { signal, clock } = context
  if (signal.aborted) throw canceled(signal)
  const timeoutMs = context.policy.timeoutMs + (1000 * context.bytes) / 2 ** 20
  const stop = new AbortController()
  const done = new AbortController()
  const ended = new Promise<never>((_, reject) => {
    const cancel = () => reject(canceled(signal))
    signal.addEventListener('abort', cancel, { once: true })
    done.signal.addEventListener('abort', () => signal.removeEventListener('abort', cancel), { once: true })
    void clock.sleep(timeoutMs, done.signal).then(() => {
      if (!done.signal.aborted) reject(new StoreError('unavailable', `no answer within ${Math.round(timeoutMs)} ms`))
    })
  })
  try {
    return await Promise.race([send(stop.signal), ended])
  } finally {
    done.abort()
    // Whatever still runs after the race ends here; its rejection was heard by the race.
    stop.abort()
  }
}

function canceled(signal: AbortSignal): StoreError {
  return new StoreError('canceled', 'canceled by the caller', signal.reason)
}
