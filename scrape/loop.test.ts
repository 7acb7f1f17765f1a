import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestError } from '../pkg/base/errors.ts'
import type { Log } from '../pkg/base/ports.ts'
import { createSimClock, type SimClock } from '../test/support/clock.ts'
import type { Ingest, ProfileMeta, ScrapeEvent } from './contract.ts'
import type { Answer, ScrapeClient, ScrapeRequest } from './fetch.ts'
import { startScrapeLoop } from './loop.ts'
import type { Target } from './target.ts'
import { countingMetrics, someLimits } from './testing.ts'

const START = 1_700_000_000_000
const BODY: Answer = { kind: 'answered', body: Uint8Array.of(1, 2, 3) }
const cpu: Target = {
  job: 'api',
  discoveredLabels: [],
  profileLabels: [{ name: '__name__', value: 'process_cpu' }],
  profileName: 'process_cpu',
  url: 'http://127.0.0.1:6060/debug/pprof/profile?seconds=10',
  seconds: 10,
  intervalMs: 10_000,
  timeoutMs: 13_000,
  slackMs: 3000,
  keepSampleTypes: null,
  identity: 'cpu of api',
  key: 'cpu of api',
}
const heap: Target = { ...cpu, profileName: 'memory', url: 'http://127.0.0.1:6060/heap', seconds: null }

interface Rig {
  clock: SimClock
  /** When each request began, ms since START's interval, and the seconds it asked for. */
  asked: { at: number; seconds: number | null; deadlineMs: number }[]
  mostOpen: number
  events: ScrapeEvent[]
  stored: ProfileMeta[]
  warnings: string[]
  loop: ReturnType<typeof startScrapeLoop>
}

/** Runs `target` against `answer`, which may take simulated time and look at the number of the request. */
function rig(
  target: Target,
  answer: (n: number, request: ScrapeRequest, clock: SimClock, signal: AbortSignal) => Promise<Answer>,
  store: (n: number, clock: SimClock) => Promise<{ samples: number }> = async () => ({ samples: 7 }),
): Rig {
  const clock = createSimClock(START)
  const warnings: string[] = []
  let open = 0
  const client: ScrapeClient = {
    async get(request, signal) {
      const seconds = new URL(request.url).searchParams.get('seconds')
      out.asked.push({
        at: clock.now(),
        seconds: seconds === null ? null : Number(seconds),
        deadlineMs: request.deadlineMs,
      })
      out.mostOpen = Math.max(out.mostOpen, ++open)
      const got = await answer(out.asked.length, request, clock, signal)
      open--
      return signal.aborted ? null : got
    },
    retire: async () => {},
    close: async () => {},
  }
  const ingest: Ingest = {
    async ingest(_, meta) {
      out.stored.push(meta)
      return store(out.stored.length, clock)
    },
  }
  const log: Log = {
    debug() {},
    info() {},
    warn: (_, fields) => void warnings.push(String(fields?.['error'])),
    error() {},
  }
  const metrics = countingMetrics()
  const settings = () => ({ client, limits: someLimits })
  const out = { clock, asked: [], mostOpen: 0, events: metrics.events, stored: [], warnings } as unknown as Rig
  out.loop = startScrapeLoop(target, { clock, ingest, log, metrics, settings, seed: 0 })
  return out
}

/** A target that profiles for as long as asked, and `costMs` more. */
const profiler =
  (costMs: number) =>
  async (_: number, request: ScrapeRequest, clock: SimClock, signal: AbortSignal): Promise<Answer> => {
    await clock.sleep(Number(new URL(request.url).searchParams.get('seconds') ?? 0) * 1000 + costMs, signal)
    return BODY
  }

const interval = (a: { at: number }) => a.at % 10_000

test('requests start in phase, one interval apart', async () => {
  const r = rig(heap, async () => BODY)
  await r.clock.advance(60_000)
  await r.loop.stop()
  assert.equal(r.asked.length, 6)
  assert.equal(new Set(r.asked.map(interval)).size, 1)
  assert.deepEqual(new Set(r.events.map(e => e.latenessMs)), new Set([0]))
  assert.equal(r.stored[0]!.durationNanos, null)
  assert.equal(r.asked[0]!.deadlineMs, 13_000)
})

test('a loop started later has the same phase', async () => {
  const a = rig(heap, async () => BODY)
  await a.clock.advance(20_000)
  await a.loop.stop()
  const b = rig(heap, async () => BODY)
  await b.clock.advance(13_777)
  await b.loop.stop()
  assert.equal(interval(a.asked[0]!), interval(b.asked[0]!))
})

test('a delta loop never has two requests open, and one shorter request regains the phase', async () => {
  const r = rig(cpu, profiler(60))
  await r.clock.advance(400_000)
  await r.loop.stop()
  assert.equal(r.mostOpen, 1)
  const phase = interval(r.asked[0]!)
  const slips = r.asked.map(a => (a.at - phase) % 10_000)
  assert.deepEqual(slips.slice(0, 12), [0, 60, 120, 180, 240, 300, 360, 420, 480, 540, 0, 60])
  assert.deepEqual(
    r.asked.slice(0, 12).map(a => a.seconds),
    [10, 10, 10, 10, 10, 10, 10, 10, 10, 9, 10, 10],
  )
  assert.equal(r.stored[9]!.durationNanos, 9_000_000_000n)
  assert.equal(r.asked[9]!.deadlineMs, 12_000)
  assert.ok(
    r.events.every(e => e.latenessMs === 0),
    'a slip is not lateness',
  )
  const { profiledSeconds, watchedSeconds } = r.loop.view()
  assert.ok(profiledSeconds / watchedSeconds > 0.99, `${profiledSeconds} of ${watchedSeconds}`)
})

test('a scrape that times out costs the interval it took, and the next one regains the phase', async () => {
  const r = rig(cpu, async (n, request, clock, signal) => {
    if (n !== 2) return profiler(0)(n, request, clock, signal)
    await clock.sleep(request.deadlineMs, signal)
    return { kind: 'timeout', afterMs: request.deadlineMs, stage: 'waiting' }
  })
  await r.clock.advance(70_000)
  const phase = interval(r.asked[0]!)
  assert.deepEqual(
    r.asked.slice(0, 5).map(a => [(a.at - r.asked[0]!.at) / 1000, a.seconds]),
    [
      [0, 10],
      [10, 10],
      [23, 7],
      [30, 10],
      [40, 10],
    ],
  )
  assert.equal(interval(r.asked[4]!), phase)
  assert.deepEqual(r.warnings, ['timeout after 13 s without an answer'])
  assert.equal(r.loop.view().health, 'up')
  assert.equal(r.loop.view().lastError, '')
  await r.loop.stop()
})

test('failures are outcomes with a reason; the same one is told once; a good scrape clears it', async () => {
  const answers: Answer[] = [
    { kind: 'busy', detail: 'cpu profiling already in use' },
    { kind: 'busy', detail: 'cpu profiling already in use' },
    { kind: 'refused', status: 404, detail: 'not found' },
    { kind: 'too_large', limit: 1000 },
    { kind: 'answered', body: new Uint8Array(0) },
    BODY,
  ]
  const r = rig(heap, async n => answers[n - 1] ?? BODY)
  assert.equal(r.loop.view().health, 'unknown')
  for (let i = 0; i < 5; i++) await r.clock.advance(10_000)
  assert.equal(r.loop.view().health, 'down')
  assert.equal(r.loop.view().lastError, 'the answer is empty')
  await r.clock.advance(10_000)
  await r.loop.stop()
  assert.deepEqual(
    r.events.map(e => e.outcome),
    ['busy', 'busy', 'refused', 'too_large', 'empty', 'scraped'],
  )
  assert.equal(r.warnings.length, 4)
  assert.match(r.warnings[0]!, /already running in the target.*cpu profiling already in use/)
  assert.match(r.warnings[1]!, /HTTP status 404: not found/)
  assert.equal(r.loop.view().health, 'up')
  assert.equal(r.loop.view().lastError, '')
  assert.equal(r.events[5]!.samples, 7)
  assert.equal(r.events[5]!.bodyBytes, 3)
})

test('what the write path refuses is the outcome rejected', async () => {
  const r = rig(
    heap,
    async () => BODY,
    async n => {
      if (n === 1) throw new RequestError('invalid_argument', 'sample_limit 10 exceeded: 11')
      if (n === 2) throw new TypeError('a bug')
      return { samples: 1 }
    },
  )
  await r.clock.advance(10_000)
  assert.equal(r.loop.view().lastError, 'sample_limit 10 exceeded: 11')
  await r.clock.advance(10_000)
  assert.equal(r.loop.view().lastError, 'a bug')
  await r.clock.advance(10_000)
  await r.loop.stop()
  assert.deepEqual(
    r.events.map(e => e.outcome),
    ['rejected', 'rejected', 'scraped'],
  )
})

test('a slow write path does not delay the next request, but at most one body waits', async () => {
  let storing = 0
  let most = 0
  const r = rig(cpu, profiler(0), async (_, clock) => {
    most = Math.max(most, ++storing)
    await clock.sleep(25_000)
    storing--
    return { samples: 1 }
  })
  await r.clock.advance(100_000)
  assert.equal(most, 1)
  assert.equal(r.asked[1]!.at - r.asked[0]!.at, 10_000)
  const stopping = r.loop.stop()
  await r.clock.advance(60_000)
  await stopping
  assert.equal(r.events.length, r.stored.length)
})

test('lateness is what the loop lost by itself', async () => {
  const r = rig(cpu, profiler(0), async (n, clock) => {
    if (n === 1) await clock.sleep(12_000)
    return { samples: 1 }
  })
  await r.clock.advance(60_000)
  await r.loop.stop()
  assert.deepEqual(
    r.events.slice(0, 3).map(e => e.latenessMs),
    [0, 0, 2000],
  )
})

test('a wall clock set back by an hour does not stop the loop for an hour', async () => {
  const r = rig(heap, async () => BODY)
  await r.clock.advance(25_000)
  const before = r.asked.length
  r.clock.setWall(r.clock.now() - 3_600_000)
  await r.clock.advance(40_000)
  await r.loop.stop()
  assert.ok(r.asked.length - before >= 3)
  assert.equal(new Set(r.asked.map(interval)).size, 1)
})

test('stop aborts an open request and counts nothing', async () => {
  const r = rig(cpu, profiler(0))
  await r.clock.advance(15_000)
  assert.equal(r.asked.length, 2 - (r.asked[0]!.at - START > 5000 ? 1 : 0))
  const counted = r.events.length
  await r.loop.stop()
  assert.equal(r.events.length, counted)
})
