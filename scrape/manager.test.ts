import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../pkg/base/system.ts'
import type { ScrapeConfig } from '../pkg/config/types.ts'
import { RELABEL_DEFAULTS } from '../pkg/labels/relabel.ts'
import { createSimClock } from '../test/support/clock.ts'
import { startPprofTarget, startStatusTarget } from '../test/support/targets.ts'
import type { ProfileMeta, TargetView } from './contract.ts'
import { createScrapeClient, type ScrapeClient, type ScrapeRequest } from './fetch.ts'
import { createScrapeManager, type ScrapeManager } from './manager.ts'
import { aConfig, allocs, countingMetrics, cpu, group, rememberingLog, someLimits } from './testing.ts'

/** A manager whose targets answer at once, on a clock of its own. */
function rig() {
  const clock = createSimClock()
  const asked: ScrapeRequest[] = []
  const stored: ProfileMeta[] = []
  const clients: { closed: boolean }[] = []
  const metrics = countingMetrics()
  const log = rememberingLog()
  const createClient = (): ScrapeClient => {
    const state = { closed: false }
    clients.push(state)
    const close = async () => {
      state.closed = true
    }
    return {
      async get(request, signal) {
        asked.push(request)
        await clock.sleep(10, signal)
        return signal.aborted ? null : { kind: 'answered', body: Uint8Array.of(1) }
      },
      retire: close,
      close,
    }
  }
  const manager = createScrapeManager({
    clock,
    log,
    metrics,
    createClient,
    ingest: {
      async ingest(_, meta) {
        stored.push(meta)
        return { samples: 1 }
      },
    },
    selfAddress: '127.0.0.1:7070',
    version: '0',
    allowLinkLocal: false,
    limits: someLimits,
    seed: 'a',
  })
  return { clock, asked, stored, clients, metrics, log, manager }
}

const of = (...targets: string[]) => [group(targets)]
const shown = (manager: ScrapeManager) =>
  manager
    .view()
    .active.map(t => `${t.health} ${t.scrapeUrl}`)
    .sort()

/** Applies while simulated time stands still. */
async function apply(r: ReturnType<typeof rig>, ...configs: ScrapeConfig[]): Promise<void> {
  await r.manager.apply(configs)
}

test('one entry per target and enabled profile type, with its own URL', async () => {
  const r = rig()
  await apply(r, aConfig({ staticGroups: of('a:1', 'self') }))
  assert.deepEqual(shown(r.manager), [
    'unknown http://127.0.0.1:7070/debug/pprof/allocs',
    'unknown http://127.0.0.1:7070/debug/pprof/profile?seconds=10',
    'unknown http://a:1/debug/pprof/allocs',
    'unknown http://a:1/debug/pprof/profile?seconds=10',
  ])
  await r.clock.advance(10_100)
  assert.ok(r.manager.view().active.every(t => t.health === 'up' && t.lastError === '' && t.lastScrapeMs !== null))
  const labels = r.stored[0]!.labels.map(l => l.name)
  assert.deepEqual(labels, ['__name__', 'instance', 'job'])
  await r.manager.stop()
  await r.manager.stop()
  assert.ok(r.clients.every(c => c.closed))
  assert.deepEqual(shown(r.manager), [])
})

test('targets that stay keep their loops; those that go or come do so alone', async () => {
  const r = rig()
  const profiles = [allocs]
  await apply(r, aConfig({ profiles, staticGroups: of('a:1', 'b:1') }))
  await r.clock.advance(10_100)
  const scrapesOf = (host: string) => r.asked.filter(a => a.url.includes(`//${host}`)).length
  await apply(r, aConfig({ profiles, staticGroups: of('b:1', 'c:1') }))
  assert.deepEqual(shown(r.manager), ['unknown http://c:1/debug/pprof/allocs', 'up http://b:1/debug/pprof/allocs'])
  const { a, b } = { a: scrapesOf('a'), b: scrapesOf('b') }
  await r.clock.advance(10_000)
  assert.equal(scrapesOf('a'), a)
  assert.equal(scrapesOf('b'), b + 1)
  assert.equal(scrapesOf('c'), 1)
  await r.manager.stop()
})

test('jobs that go end, jobs that come start, one that is the same is not touched', async () => {
  const r = rig()
  const one = aConfig({ jobName: 'one', staticGroups: of('a:1') })
  await apply(r, one, aConfig({ jobName: 'two', staticGroups: of('b:1') }))
  await r.clock.advance(10_100)
  const { syncs } = r.metrics
  await apply(r, one, aConfig({ jobName: 'three', staticGroups: of('c:1') }))
  assert.equal(r.metrics.syncs, syncs + 1)
  assert.deepEqual(
    r.manager.view().active.map(t => [t.job, t.health]),
    [
      ['one', 'up'],
      ['one', 'up'],
      ['three', 'unknown'],
      ['three', 'unknown'],
    ],
  )
  assert.deepEqual(
    r.clients.map(c => c.closed),
    [false, true, false],
  )
  await r.manager.stop()
})

test('other limits and secrets reach loops that go on; the old client is retired', async () => {
  const r = rig()
  const config = aConfig({ profiles: [allocs], staticGroups: of('a:1') })
  await apply(r, config)
  await r.clock.advance(10_100)
  const limits = { ...config.limits, bodySize: 5 }
  await apply(r, aConfig({ ...config, limits, http: { ...config.http, followRedirects: false } }))
  assert.deepEqual(shown(r.manager), ['up http://a:1/debug/pprof/allocs'])
  await r.clock.advance(10_000)
  assert.equal(r.asked.at(-1)!.bodyLimit, 5)
  assert.equal(r.stored.at(-1)!.limits.bodySize, 5)
  assert.deepEqual(
    r.clients.map(c => c.closed),
    [true, false],
  )
  await r.manager.stop()
})

test('a target that cannot be made is counted and told, the others live', async () => {
  const r = rig()
  await apply(r, aConfig({ profiles: [allocs], staticGroups: of('a/b', 'ok:1') }))
  assert.deepEqual(shown(r.manager), ['unknown http://ok:1/debug/pprof/allocs'])
  assert.equal(r.metrics.failed.get('api'), 1)
  assert.deepEqual(r.log.lines, ['target cannot be made job=api targets=1 error="a/b" is not a valid hostname'])
  await r.manager.stop()
})

test('equal targets are one; too many and none is asked', async () => {
  const r = rig()
  const { limits } = aConfig()
  const config = aConfig({ limits: { ...limits, targets: 2 }, staticGroups: of('a:1', 'b:1', 'b:1') })
  await apply(r, config)
  assert.equal(r.manager.view().active.length, 4)
  await apply(r, { ...config, staticGroups: of('a:1', 'b:1', 'c:1') })
  await r.clock.advance(20_000)
  assert.equal(r.asked.length, 0)
  const views: readonly TargetView[] = r.manager.view().active
  assert.equal(views.length, 6)
  assert.ok(views.every(v => v.health === 'down' && v.lastError === 'target_limit exceeded: 3 targets, limit 2'))
  await apply(r, { ...config, staticGroups: of('a:1') })
  await r.clock.advance(10_100)
  assert.ok(r.manager.view().active.every(v => v.health === 'up'))
  await r.manager.stop()
})

test('dropped targets are counted, and remembered up to a limit', async () => {
  const r = rig()
  const drop = { ...RELABEL_DEFAULTS, action: 'drop' as const, sourceLabels: ['__address__'], regex: 'd.*' }
  const { limits } = aConfig()
  await apply(
    r,
    aConfig({
      profiles: [allocs],
      relabelRules: [drop],
      limits: { ...limits, keepDroppedTargets: 2 },
      staticGroups: of('d1:1', 'd2:1', 'd3:1', 'a:1'),
    }),
  )
  const { active, dropped, droppedCount } = r.manager.view()
  assert.deepEqual([active.length, dropped.length, droppedCount], [1, 2, 3])
  await r.manager.stop()
})

test('thousands of targets do not hold up the event loop', async () => {
  const r = rig()
  const targets = Array.from({ length: 3000 }, (_, i) => `10.0.${i >> 8}.${i & 255}:6060`)
  let turns = 0
  const count = setInterval(() => turns++, 1)
  await apply(r, aConfig({ staticGroups: of(...targets) }))
  clearInterval(count)
  assert.ok(turns > 3)
  assert.equal(r.manager.view().active.length, 6000)
  await r.manager.stop()
})

test('over real connections: a good target is up, a bad one is down with its reason', async () => {
  const good = await startPprofTarget()
  const bad = await startStatusTarget(500, 'out of cheese')
  const metrics = countingMetrics()
  let samples = 0
  const manager = createScrapeManager({
    clock: systemClock,
    log: rememberingLog(),
    metrics,
    createClient: createScrapeClient,
    ingest: { ingest: async body => ({ samples: (samples += body.length > 0 ? 3 : 0) }) },
    selfAddress: '',
    version: '0',
    allowLinkLocal: false,
    limits: someLimits,
  })
  await manager.apply([
    aConfig({
      intervalMs: 1000,
      timeoutMs: 4000,
      profiles: [cpu, allocs],
      staticGroups: of(good.address, bad.address),
    }),
  ])
  const settled = () => manager.view().active.every(t => t.health !== 'unknown')
  while (!settled()) await systemClock.sleep(20)
  for (const view of manager.view().active) {
    const isGood = view.scrapeUrl.includes(good.address)
    assert.equal(view.health, isGood ? 'up' : 'down')
    assert.equal(view.lastError, isGood ? '' : 'server returned HTTP status 500: out of cheese')
  }
  await manager.stop()
  assert.ok(metrics.events.some(e => e.outcome === 'scraped') && metrics.events.some(e => e.outcome === 'refused'))
  await Promise.all([good.close(), bad.close()])
})
