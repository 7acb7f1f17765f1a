/**
 * The server is killed at random moments, while clients push, while blocks are made, while the log is replayed, and is
 * started again on the same folder. At each start every acknowledged profile is there once, with its exact sums.
 *
 * Four kills in `npm test`; twenty with DECIMA_CRASH=full; any number with DECIMA_KILLS or, run as a program, `--kills=N`.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectParca } from '../support/parca-client.ts'
import { ADMIN, type RealServer, startServer } from '../support/server.ts'
import { audit, createLedger, createLedgerClient, type LedgerClient } from './ledger.ts'

const CLIENTS = 4
const asked = process.argv.find(argument => argument.startsWith('--kills='))?.slice(8) ?? process.env['DECIMA_KILLS']
const kills = Number(asked ?? (process.env['DECIMA_CRASH'] === 'full' ? 20 : 4))
const seed = Number(process.env['DECIMA_SEED'] ?? Date.now() % 1_000_000)

test(`${kills} kills at random moments: nothing acknowledged is lost, nothing is there twice`, async t => {
  const random = randomFrom(seed)
  const folder = mkdtempSync(join(tmpdir(), 'decima-crash-'))
  const storagePath = join(folder, 'data')
  // A small head, so that blocks are made by size too, not only when asked for.
  const options = { storagePath, flags: [ADMIN, '--storage-active-memory=4MiB', '--log-level=info'] }
  const ledger = createLedger()
  const clients = Array.from({ length: CLIENTS }, (_, i) => createLedgerClient(ledger, `c${i}`, random))
  const moments = { pushing: 0, flushing: 0, starting: 0 }
  let repeats = 0
  let server: RealServer | null = null
  try {
    for (let kill = 0; kill < kills; kill++) {
      if (random() < 0.15) {
        server = await startServer({ ...options, until: 'listening' })
        await sleep(random() * 40)
        await server.dispose()
        moments.starting++
        continue
      }
      server = await startServer(options)
      await expectWhole(server)
      moments[await pushUntilKilled(server, clients, random)]++
      await server.dispose()
    }

    server = await startServer(options)
    for (const client of clients) await client.settle(connectTo(server))
    repeats += await server.metric('decima_ingest_repeated_total')
    const beforeFlush = await expectWhole(server)
    await server.flush()
    await expectWhole(server)
    assert.equal((await server.stop()).code, 0)
    await server.dispose()
    server = await startServer(options)
    await expectWhole(server)
    t.diagnostic(
      `seed=${seed} kills=${kills} (while pushing ${moments.pushing}, flushing ${moments.flushing}, starting ${moments.starting}) ` +
        `requests=${ledger.requests} acknowledged=${beforeFlush.acknowledged} sent_again=${ledger.sentAgain} ` +
        `repeats_not_stored=${repeats} given_up=${ledger.givenUp.length} lost=0 doubled=0 wrong=0 halved=0`,
    )
  } finally {
    await server?.dispose()
    rmSync(folder, { recursive: true, force: true })
  }

  function connectTo(to: RealServer) {
    const client = connectParca(to.host)
    void to.exited.then(() => client.close())
    return client
  }

  async function expectWhole(at: RealServer) {
    const found = await audit(connectTo(at), ledger)
    const { lost, doubled, wrong, halved } = found
    assert.deepEqual(
      { lost, doubled, wrong, halved },
      { lost: [], doubled: [], wrong: [], halved: [] },
      `seed ${seed}\n${at.logs()}`,
    )
    return found
  }

  async function pushUntilKilled(to: RealServer, all: readonly LedgerClient[], next: () => number) {
    const over = new AbortController()
    const pushing = all.map(client => client.push(connectTo(to), over.signal))
    let flushing = false
    const flushes = (async () => {
      while (!over.signal.aborted) {
        await sleep(next() * 1500)
        if (over.signal.aborted) return
        flushing = true
        await to.flush().catch(() => undefined)
        flushing = false
      }
    })()
    let notStored = 0
    const counting = (async () => {
      while (!over.signal.aborted) {
        notStored = await to.metric('decima_ingest_repeated_total').catch(() => notStored)
        await sleep(50)
      }
    })()
    await sleep(100 + next() * 1200)
    const moment = flushing ? 'flushing' : 'pushing'
    await to.kill()
    over.abort()
    await Promise.all([...pushing, flushes, counting])
    repeats += notStored
    return moment
  }
})

function randomFrom(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}
