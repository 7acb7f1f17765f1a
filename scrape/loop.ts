/**
 * The scrape loop of one target and profile type: wait for the due time, ask, hand the bytes on, remember how it went.
 *
 * Never two requests are open. The next one does not wait for the write path, but the answer after it does: at most one
 * body is being stored while another is being received. Nothing a target does makes the loop throw.
 */
import { RequestError } from '../pkg/base/errors.ts'
import type { Clock, Log } from '../pkg/base/ports.ts'
import type { Ingest, ProfileLimits, ScrapeMetrics, TargetView } from './contract.ts'
import type { Answer, ScrapeClient } from './fetch.ts'
import { explain, type ScrapeOutcome } from './outcome.ts'
import { firstDue, latenessOf, nextDue, phaseOf, secondsToAsk } from './schedule.ts'
import { requestUrl, type Target } from './target.ts'

export interface LoopPorts {
  readonly clock: Clock
  readonly ingest: Ingest
  readonly log: Log
  readonly metrics: ScrapeMetrics
  /** Asked at each scrape, so that a reload reaches loops that go on. */
  readonly settings: () => LoopSettings
  /** Sets replicas apart that scrape the same targets. */
  readonly seed: number
}

export interface LoopSettings {
  readonly client: ScrapeClient
  readonly limits: ProfileLimits
}

export interface ScrapeLoop {
  readonly target: Target
  view(): TargetView
  /** Aborts what is open; resolves when the last body handed on has been dealt with. */
  stop(): Promise<void>
}

interface Scrape {
  readonly startedMs: number
  readonly startedMonotonic: number
  readonly seconds: number | null
  readonly latenessMs: number
  readonly tookMs: number
  readonly limits: ProfileLimits
}

export function startScrapeLoop(target: Target, ports: LoopPorts): ScrapeLoop {
  const { clock, log, metrics } = ports
  const { intervalMs } = target
  const phase = phaseOf(target.identity, ports.seed, intervalMs)
  const stopped = new AbortController()
  const { signal } = stopped

  let health: TargetView['health'] = 'unknown'
  let lastError = ''
  let lastScrapeMs: number | null = null
  let lastDurationMs = 0
  let firstScrapeMs: number | null = null
  let lastAnswerMs = 0
  let profiledSeconds = 0

  async function run(): Promise<void> {
    let due = firstDue(clock.now(), phase, intervalMs)
    let answeredMs = Number.NEGATIVE_INFINITY
    let stored: Promise<void> = Promise.resolve()
    for (;;) {
      due = await waitUntil(due)
      if (signal.aborted) break
      const startedMs = clock.now()
      const startedMonotonic = clock.monotonic()
      const seconds = target.seconds === null ? null : secondsToAsk(target.seconds, startedMs, due, intervalMs)
      if (lastScrapeMs !== null) metrics.intervalPassed(intervalMs, startedMs - lastScrapeMs)
      firstScrapeMs ??= startedMs
      lastScrapeMs = startedMs
      const { client, limits } = ports.settings()
      const request = {
        url: requestUrl(target, seconds),
        deadlineMs: seconds === null ? target.timeoutMs : seconds * 1000 + target.slackMs,
        bodyLimit: limits.bodySize,
      }
      const answer = await client.get(request, signal)
      if (answer === null) break
      const latenessMs = latenessOf(startedMs, due, answeredMs)
      answeredMs = clock.now()
      const tookMs = clock.monotonic() - startedMonotonic
      await stored
      stored = settle(answer, { startedMs, startedMonotonic, seconds, latenessMs, tookMs, limits })
      due = nextDue(due, answeredMs, phase, intervalMs)
    }
    await stored
  }

  /** Sleeps until `due` by the wall clock, or by the phase again when that clock was set back. Returns the due time met. */
  async function waitUntil(due: number): Promise<number> {
    let at = due
    for (;;) {
      const left = at - clock.now()
      if (left <= 0 || signal.aborted) return at
      if (left > intervalMs) at = firstDue(clock.now(), phase, intervalMs)
      else await clock.sleep(left, signal)
    }
  }

  async function settle(answer: Answer, scrape: Scrape): Promise<void> {
    const outcome = await outcomeOf(answer, scrape)
    const error = outcome.kind === 'scraped' ? '' : explain(outcome)
    metrics.scrapeEnded({
      job: target.job,
      profileName: target.profileName,
      outcome: outcome.kind,
      tookMs: scrape.tookMs,
      latenessMs: scrape.latenessMs,
      bodyBytes: answer.kind === 'answered' ? answer.body.byteLength : 0,
      samples: outcome.kind === 'scraped' ? outcome.samples : 0,
      error,
    })
    lastDurationMs = clock.monotonic() - scrape.startedMonotonic
    lastAnswerMs = scrape.startedMs + scrape.tookMs
    if (outcome.kind === 'scraped') {
      if (health === 'down') log.info('scrape succeeded again', { ...nouns, after_error: lastError })
      health = 'up'
      lastError = ''
      profiledSeconds += scrape.seconds ?? 0
      return
    }
    const fields = { ...nouns, reason: outcome.kind, error }
    if (error === lastError) log.debug('scrape failed', fields)
    else log.warn('scrape failed', fields)
    health = 'down'
    lastError = error
  }

  async function outcomeOf(answer: Answer, scrape: Scrape): Promise<ScrapeOutcome> {
    if (answer.kind !== 'answered') return answer
    if (answer.body.byteLength === 0) return { kind: 'empty' }
    try {
      const { samples } = await ports.ingest.ingest(answer.body, {
        labels: target.profileLabels,
        startedMs: scrape.startedMs,
        durationNanos: scrape.seconds === null ? null : BigInt(scrape.seconds) * 1_000_000_000n,
        keepSampleTypes: target.keepSampleTypes,
        limits: scrape.limits,
      })
      return { kind: 'scraped', samples }
    } catch (thrown) {
      const error = RequestError.from(thrown)
      return { kind: 'rejected', code: error.code, reason: error.message }
    }
  }

  const nouns = { job: target.job, profile: target.profileName, target: target.url }
  const running = run().catch(thrown => {
    health = 'down'
    lastError = `scrape loop ended: ${RequestError.from(thrown).message}`
    log.error('scrape loop ended', { ...nouns, error: lastError })
  })

  return {
    target,
    view: () => ({
      job: target.job,
      discoveredLabels: target.discoveredLabels,
      labels: target.profileLabels,
      scrapeUrl: target.url,
      health,
      lastError,
      lastScrapeMs,
      lastScrapeDurationSeconds: lastDurationMs / 1000,
      intervalMs,
      timeoutMs: target.timeoutMs,
      profiledSeconds,
      watchedSeconds: firstScrapeMs === null ? 0 : Math.max(0, lastAnswerMs - firstScrapeMs) / 1000,
    }),
    async stop() {
      stopped.abort()
      await running
    },
  }
}
