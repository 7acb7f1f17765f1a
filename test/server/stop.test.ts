/** SIGTERM in the middle of scrapes, pushes, queries and a flush: exit 0 within 5 seconds, and what was acknowledged is kept. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { foldedProfile, foldedSums } from '../support/folded.ts'
import { connectParca } from '../support/parca-client.ts'
import { ADMIN, testServers } from '../support/server.ts'
import { startPprofTarget, startSilentTarget, type TestTarget } from '../support/targets.ts'

const { start, folder } = testServers()
const targets: TestTarget[] = []
after(() => Promise.all(targets.map(target => target.close())))

const now = BigInt(Date.now()) * 1_000_000n
const range = { start: now - 1_000_000_000n, end: now + 1_000_000_000n }
const query = 'stop:work:bytes:space:bytes:delta{}'

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  test(`${signal} under load is a clean stop within 5 seconds`, async () => {
    const storagePath = join(folder, signal)
    targets.push(await startPprofTarget(), await startSilentTarget())
    const config = `
scrape_configs:
  - job_name: load
    scrape_interval: 10s
    static_configs: [{targets: [${targets.map(t => JSON.stringify(t.address)).join(', ')}]}]
    profiling_config: {pprof_config: {memory: {enabled: true}, block: {enabled: false}, goroutine: {enabled: false}, mutex: {enabled: false}}}
`
    const server = await start({ storagePath, config, flags: [ADMIN] })
    const acknowledged = new Set<number>()
    let next = 0
    let answered = 0
    const over = new AbortController()
    const until = async (work: () => Promise<unknown>): Promise<void> => {
      while (!over.signal.aborted) await work().catch(() => over.abort())
    }
    const clients = Array.from({ length: 4 }, () => connectParca(server.host))
    const load = [
      ...clients.slice(0, 3).map(client =>
        until(async () => {
          const i = next++
          const lines = Array.from({ length: 200 }, (_, n) => `main;work${i};f${i}_${n} 1`)
          const body = foldedProfile(lines, {
            types: ['work/bytes'],
            period: 'space/bytes',
            timeNanos: now + BigInt(i),
          })
          await client.push({ labels: { __name__: 'stop', job: 'stop' }, bodies: [body] })
          acknowledged.add(i)
        }),
      ),
      until(async () => {
        await clients[3]!.merge(query, range, 'FLAMEGRAPH_ARROW')
        answered++
      }),
      until(async () => {
        await sleep(300)
        await server.flush()
      }),
    ]
    while (answered < 5 || acknowledged.size < 20) {
      if (over.signal.aborted) throw new Error(`the load ended early:\n${server.logs()}`)
      await sleep(20)
    }
    const exit = await (signal === 'SIGTERM' ? server.stop() : server.signal(signal))
    over.abort()
    await Promise.all(load)
    for (const client of clients) client.close()
    assert.deepEqual({ code: exit.code, signal: exit.signal }, { code: 0, signal: null }, server.logs())
    assert.ok(exit.tookMs < 5000, `${exit.tookMs} ms`)
    assert.deepEqual(server.lines('BUG'), [])

    const again = await start({ storagePath })
    const client = connectParca(again.host)
    const there = new Map<number, number>()
    for (const [stack] of foldedSums(await client.pprof(query, range))) {
      const i = Number(stack.split(';')[1]!.slice(4))
      there.set(i, (there.get(i) ?? 0) + 1)
    }
    client.close()
    for (const i of acknowledged) assert.equal(there.get(i), 200, `profile ${i}`)
    for (const [i, stacks] of there) assert.equal(stacks, 200, `profile ${i} is whole or not there`)
  })
