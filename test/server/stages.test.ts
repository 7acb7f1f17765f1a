/**
 * A profile goes from the head to a block, and from the log back to the head; no question is answered differently on the
 * way. One set of questions, asked in the head, after a restart (replay), after a flush (block), with half in each, after
 * a kill, and at last all in blocks.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { foldedProfile, foldedText } from '../support/folded.ts'
import { connectParca, type Push, type Range } from '../support/parca-client.ts'
import { ADMIN, type RealServer, testServers } from '../support/server.ts'

const { start, folder } = testServers()

const SECOND = 1_000_000_000n
const now = BigInt(Date.now()) * 1_000_000n
const from = now - 600n * SECOND
const TYPES = [
  'heap:inuse_objects:count:space:bytes',
  'heap:inuse_space:bytes:space:bytes',
  'work:jobs:count:wall:nanoseconds:delta',
  'work:wall:nanoseconds:wall:nanoseconds:delta',
]

/** Six pods, ten moments; stacks overlap between them, values are large, small and negative. */
function pushesOf(moment: number): Push[] {
  const timeNanos = from + BigInt(moment) * 20n * SECOND + 123_456n
  return Array.from({ length: 6 }, (_, pod) => {
    const n = BigInt(moment * 7 + pod)
    const lines = (scale: bigint) => [
      `main;serve;read ${n + 1n} ${(n + 1n) * scale}`,
      `main;serve;pod${pod} ${2n ** 53n + n} ${-n * scale}`,
      `main;gc${moment % 3} ${-n - 1n} ${scale}`,
      ` ${n + 5n} 1`,
    ]
    const labels = { job: 'api', pod: `pod-${pod}`, zone: pod % 2 === 0 ? 'a' : 'b' }
    const work = foldedProfile(lines(1000n), {
      types: ['jobs/count', 'wall/nanoseconds'],
      period: 'wall/nanoseconds',
      periodValue: 1n,
      timeNanos,
    })
    const heap = foldedProfile(lines(512n), {
      types: ['inuse_objects/count', 'inuse_space/bytes'],
      period: 'space/bytes',
      timeNanos,
      durationNanos: 0n,
    })
    return pod % 2 === 0
      ? { labels: { ...labels, __name__: 'work' }, bodies: [work] }
      : { labels: { ...labels, __name__: 'heap' }, bodies: [heap] }
  })
}

async function answers({ host }: RealServer): Promise<Record<string, unknown>> {
  const client = connectParca(host)
  const whole: Range = { start: from, end: now }
  const part: Range = { start: from + 40n * SECOND + 123_456n, end: from + 120n * SECOND + 123_455n }
  const out: Record<string, unknown> = {}
  try {
    for (const [name, range] of Object.entries({
      whole,
      part,
      none: { start: now + SECOND, end: now + 2n * SECOND },
    })) {
      out[`types ${name}`] = await client.types(range)
      out[`labels ${name}`] = await client.labels(range)
      for (const label of ['pod', 'zone', 'absent']) out[`values ${label} ${name}`] = await client.values(label, range)
      out[`values pod in zone a, ${name}`] = await client.values('pod', range, 'zone="a"')
      if (name === 'none') continue
      for (const type of TYPES) {
        for (const selector of [`${type}{}`, `${type}{pod=~"pod-[0-3]",zone!="c"}`]) {
          out[`merge ${selector} ${name}`] = foldedText(await client.pprof(selector, range))
          out[`range ${selector} ${name}`] = await client.range(selector, range, { sumBy: ['zone', 'pod'] })
          out[`steps ${selector} ${name}`] = await client.range(selector, range, { stepNanos: 30n * SECOND })
          const { total, filtered, top } = await client.merge(selector, range, 'TOP')
          const rows = top.list.map(
            (node: { meta: { function: { name: string } | null }; cumulative: string; flat: string }) => [
              node.meta?.function?.name,
              node.cumulative,
              node.flat,
            ],
          )
          out[`top ${selector} ${name}`] = { total, filtered, rows: rows.sort() }
        }
      }
    }
  } finally {
    client.close()
  }
  return out
}

async function push({ host }: RealServer, moments: readonly number[]): Promise<void> {
  const client = connectParca(host)
  for (const moment of moments) await client.push(...pushesOf(moment))
  client.close()
}

test('head, replay, block and their mixtures answer alike', async () => {
  const options = { storagePath: join(folder, 'data'), flags: [ADMIN] }
  let server = await start(options)
  await push(server, [0, 1, 2, 3, 4])
  const half = await answers(server)
  assert.deepEqual(half['types whole'], TYPES)
  assert.deepEqual(half['types none'], [])
  assert.deepEqual(half['values pod in zone a, whole'], ['pod-0', 'pod-2', 'pod-4'])
  assert.equal((half[`merge ${TYPES[0]}{} whole`] as string[]).length, 8)

  const same = async (what: string, want: object): Promise<void> => assert.deepEqual(await answers(server), want, what)
  const restart = async (how: 'stop' | 'kill'): Promise<void> => {
    if (how === 'stop') assert.equal((await server.stop()).code, 0)
    await server.dispose()
    server = await start(options)
  }
  await restart('stop')
  await same('after replay', half)
  assert.equal((await server.flush()).length, 1)
  await same('in a block', half)
  assert.deepEqual(await server.flush(), [], 'nothing to do is success')
  await restart('stop')
  await same('a block after a restart', half)

  await push(server, [5, 6, 7, 8, 9])
  const all = await answers(server)
  assert.notDeepEqual(all, half)
  await restart('kill')
  await same('a block and a replayed head', all)
  await Promise.all([server.flush(), server.flush()])
  await same('two blocks', all)
  await restart('kill')
  await same('two blocks after a kill', all)
  assert.equal(await server.metric('decima_frostdb_blocks'), 2)
})
