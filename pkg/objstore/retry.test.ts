import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSimClock } from '../../test/support/clock.ts'
import { StoreError } from './errors.ts'
import { createRetryBudget, RETRY_DEFAULTS, type RetryPolicy, retrying } from './retry.ts'

/** Runs `send` under simulated time and says when each attempt began and how it all ended. */
async function run(
  send: (attempt: number, signal: AbortSignal) => Promise<unknown>,
  options: { policy?: Partial<RetryPolicy>; random?: number; tokens?: number; bytes?: number; abortAt?: number } = {},
) {
  const clock = createSimClock()
  const policy = { ...RETRY_DEFAULTS, ...options.policy }
  const stop = new AbortController()
  const began: number[] = []
  const outcomes: string[] = []
  const call = retrying(
    {
      policy,
      budget: createRetryBudget(options.tokens ?? policy.tokens),
      clock,
      random: { next: () => options.random ?? 1 },
      signal: stop.signal,
      bytes: options.bytes ?? 0,
      onAttempt: ({ error }) => outcomes.push(error?.kind ?? 'ok'),
    },
    signal => {
      began.push(clock.monotonic())
      return send(began.length, signal)
    },
  )
  const result = call.then(
    value => value,
    (error: Error) => error.message,
  )
  if (options.abortAt !== undefined) {
    await clock.advance(options.abortAt)
    stop.abort()
  }
  await clock.advance(1_000_000)
  return { began, outcomes, result: await result, endedBy: clock.monotonic() }
}

const outage = async () => {
  throw new StoreError('unavailable', '503')
}

test('delays double up to the longest, and are a random share of that', async () => {
  const policy = { attempts: 6, firstDelayMs: 100, longestDelayMs: 500 }
  assert.deepEqual((await run(outage, { policy })).began, [0, 100, 300, 700, 1_200, 1_700])
  assert.deepEqual((await run(outage, { policy, random: 0.5 })).began, [0, 50, 150, 350, 600, 850])
  assert.deepEqual((await run(outage, { policy, random: 0 })).began, [0, 0, 0, 0, 0, 0])
})

test('no attempt begins after the span', async () => {
  const policy = { attempts: 100, firstDelayMs: 1_000, longestDelayMs: 1_000, spanMs: 3_500 }
  assert.deepEqual((await run(outage, { policy })).began, [0, 1_000, 2_000, 3_000])
})

test('no attempt without a token', async () => {
  assert.deepEqual((await run(outage, { tokens: 2, random: 0 })).began, [0, 0, 0])
})

test('two successes pay for one repeat', () => {
  const budget = createRetryBudget(1)
  assert.deepEqual([budget.take(), budget.take()], [true, false])
  budget.succeeded()
  assert.equal(budget.take(), false)
  budget.succeeded()
  for (let i = 0; i < 10; i++) budget.succeeded()
  assert.deepEqual([budget.take(), budget.take()], [true, false])
})

for (const kind of [
  'not_found',
  'precondition_failed',
  'denied',
  'misconfigured',
  'invalid',
  'out_of_range',
  'full',
] as const)
  test(`${kind} is final`, async () => {
    const { began, result } = await run(async () => {
      throw new StoreError(kind, 'no')
    })
    assert.deepEqual([began, result], [[0], 'no'])
  })

test('what is no error of a store goes straight up', async () => {
  const { began, result } = await run(async () => {
    throw new TypeError('a bug')
  })
  assert.deepEqual([began, result], [[0], 'a bug'])
})

test('an attempt has its time, more with a body, and is told when it is over', async () => {
  const signals: AbortSignal[] = []
  const never = (_: number, signal: AbortSignal) => {
    signals.push(signal)
    return new Promise(() => {})
  }
  const policy = { attempts: 2, timeoutMs: 1_000 }
  const bare = await run(never, { policy, random: 0 })
  assert.deepEqual([bare.began, bare.result], [[0, 1_000], 'no answer within 1000 ms'])
  const large = await run(never, { policy, random: 0, bytes: 8 * 2 ** 20 })
  assert.deepEqual([large.began, large.result], [[0, 9_000], 'no answer within 9000 ms'])
  assert.ok(signals.every(signal => signal.aborted))
})

test('the caller ends a wait and a request', async () => {
  const waiting = await run(outage, { policy: { firstDelayMs: 1_000 }, abortAt: 500 })
  assert.deepEqual([waiting.began, waiting.result], [[0], 'canceled by the caller'])
  const asking = await run(() => new Promise(() => {}), { abortAt: 500 })
  assert.deepEqual([asking.began, asking.outcomes, asking.result], [[0], ['canceled'], 'canceled by the caller'])
})
