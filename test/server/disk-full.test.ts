/**
 * A disk that fills up, as a small file system in memory: the server stays up, answers queries, refuses pushes with a
 * reason, recovers by itself, and has lost nothing that it acknowledged.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readlinkSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { foldedProfile, foldedSums } from '../support/folded.ts'
import { connectParca, type ParcaClient, refusal } from '../support/parca-client.ts'
import { ADMIN, type RealServer, testServers } from '../support/server.ts'

const { start } = testServers()
const disk = mkdtempSync(join(tmpdir(), 'decima-disk-'))
const skip = mountSmallDisk()
if (skip !== false) console.error(`SKIPPED full disk: ${skip}`)
after(() => {
  if (skip === false) spawnSync('umount', ['--lazy', disk])
  rmSync(disk, { recursive: true, force: true })
})

const time = BigInt(Date.now()) * 1_000_000n
const range = { start: time - 1_000_000_000n, end: time + 1_000_000_000n }
const QUERY = 'disk:work:bytes:space:bytes:delta{}'
const ballast = join(disk, 'ballast')
let next = 0

/** About 20 KiB of log each: every one brings functions of its own. */
function profile(i: number): Uint8Array {
  const lines = Array.from({ length: 300 }, (_, n) => `main;work${i};a_function_with_a_long_name_${i}_${n} ${i + 1}`)
  return foldedProfile(lines, { types: ['work/bytes'], period: 'space/bytes', timeNanos: time + BigInt(i) })
}
const push = (client: ParcaClient, i: number): Promise<void> =>
  client.push({ labels: { __name__: 'disk', job: 'disk' }, bodies: [profile(i)] })

async function there(client: ParcaClient): Promise<number[]> {
  const sums = new Map<string, bigint>()
  for (const [stack, [value]] of foldedSums(await client.pprof(QUERY, range))) {
    const work = stack.split(';')[1]!.slice(4)
    sums.set(work, (sums.get(work) ?? 0n) + value!)
  }
  for (const [work, sum] of sums) assert.equal(sum, 300n * BigInt(Number(work) + 1), `profile ${work}`)
  return [...sums.keys()].map(Number).sort((a, b) => a - b)
}

/** Pushes until the first refusal; which were acknowledged is added to the list. */
async function pushUntilRefused(
  client: ParcaClient,
  acknowledged: number[],
): Promise<{ code: string; details: string }> {
  for (let tries = 0; tries < 2000; tries++) {
    const i = next++
    try {
      await push(client, i)
      acknowledged.push(i)
    } catch (error) {
      return refusal(Promise.reject(error))
    }
  }
  throw new Error('the disk never became full')
}

async function untilWritable(server: RealServer, client: ParcaClient, acknowledged: number[]): Promise<void> {
  for (let tries = 0; ; tries++) {
    const i = next++
    try {
      await push(client, i)
      acknowledged.push(i)
      return
    } catch (error) {
      if (tries > 100) throw new Error(`it does not recover:\n${server.logs()}`, { cause: error })
      await sleep(200)
    }
  }
}

test('a full disk: refused with a reason, queries answered, recovery without a restart, nothing lost', {
  skip,
}, async () => {
  const storagePath = join(disk, 'data')
  const options = { storagePath, flags: [ADMIN, '--storage-min-free-bytes=0'] }
  const acknowledged: number[] = []
  let server = await start(options)
  let client = connectParca(server.host)
  for (let round = 0; round < 3; round++) {
    fillDisk(200_000)
    const refused = await pushUntilRefused(client, acknowledged)
    assert.equal(refused.code, 'RESOURCE_EXHAUSTED')
    assert.match(refused.details, /log .*(ENOSPC|no space|disk is full)/i)
    assert.equal(await server.metric('decima_store_writable'), 0)
    assert.ok((await server.metric('decima_frostdb_wal_failures_total')) > 0)

    const again = await refusal(push(client, next++))
    assert.equal(again.code, 'RESOURCE_EXHAUSTED')
    assert.match(again.details, /disk is full/)
    const rest = await pushByRest(server, next++)
    assert.equal(rest.status, 429)
    assert.match(rest.retryAfter ?? '', /^\d+$/)
    assert.match(rest.message, /disk is full/)
    assert.deepEqual(await there(client), acknowledged, 'queries are answered, and show what was acknowledged')
    assert.equal((await fetch(`${server.url}/-/healthy`)).status, 200)
    if (round === 0) {
      await sleep(3500) // of attempts in vain, which cost neither files nor descriptors
      assert.ok(openLogFiles(server) <= 1)
      assert.ok(readdirSync(join(storagePath, 'wal')).length <= 3)
    }

    rmSync(ballast)
    await untilWritable(server, client, acknowledged)
    assert.equal(await server.metric('decima_store_writable'), 1)
    assert.deepEqual(await there(client), acknowledged)
    assert.equal(openLogFiles(server), 1)
  }
  assert.equal(server.lines('BUG').length, 0, server.logs())
  client.close()
  await server.kill()

  server = await start(options)
  client = connectParca(server.host)
  assert.deepEqual(await there(client), acknowledged, 'after a kill')
  await server.flush()
  assert.deepEqual(await there(client), acknowledged, 'in blocks')
  client.close()
  assert.equal((await server.stop()).code, 0)
})

test('a disk that fills up while a block is made: the log keeps the data, the next flush makes the block', {
  skip,
}, async () => {
  const storagePath = join(disk, 'flush')
  const options = { storagePath, flags: [ADMIN, '--storage-min-free-bytes=0'] }
  const acknowledged: number[] = []
  const server = await start(options)
  const client = connectParca(server.host)
  for (let i = 0; i < 20; i++) {
    acknowledged.push(next)
    await push(client, next++)
  }
  fillDisk(24_000)
  await assert.rejects(server.flush(), /flush: \d{3}/)
  assert.deepEqual(await there(client), acknowledged)
  rmSync(ballast)
  await server.flush()
  assert.deepEqual(await there(client), acknowledged)
  assert.equal(await server.metric('decima_frostdb_blocks'), 1)
  client.close()
  await server.kill()
  const second = await start(options)
  const other = connectParca(second.host)
  assert.deepEqual(await there(other), acknowledged)
  other.close()
})

test('below --storage-min-free-bytes: read-only, with the number and the flag in the message', { skip }, async () => {
  const server = await start({ storagePath: join(disk, 'guard'), flags: ['--storage-min-free-bytes=1GiB'] })
  const client = connectParca(server.host)
  await server.logged('--storage-min-free-bytes')
  const { code, details } = await refusal(push(client, next++))
  assert.equal(code, 'RESOURCE_EXHAUSTED')
  assert.match(details, /--storage-min-free-bytes/)
  assert.equal(await server.metric('decima_store_writable'), 0)
  assert.equal((await fetch(`${server.url}/-/ready`)).status, 200)
  assert.deepEqual(await client.types(), [])
  client.close()
  assert.equal((await server.stop()).code, 0)
})

function openLogFiles({ pid, storagePath }: RealServer): number {
  const open = readdirSync(`/proc/${pid}/fd`).map(fd => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      return '' // closed meanwhile
    }
  })
  return open.filter(path => path.startsWith(join(storagePath, 'wal'))).length
}

async function pushByRest(server: RealServer, i: number) {
  const response = await fetch(`${server.url}/api/profiles/writeraw`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      series: [
        {
          labels: { labels: [{ name: '__name__', value: 'disk' }] },
          samples: [{ rawProfile: Buffer.from(profile(i)).toString('base64') }],
        },
      ],
    }),
  })
  const { message } = (await response.json()) as { message: string }
  return { status: response.status, retryAfter: response.headers.get('retry-after'), message }
}

/** Leaves this much free. */
function fillDisk(left: number): void {
  const { bavail, bsize } = statfsSync(disk)
  writeFileSync(ballast, new Uint8Array(Math.max(0, bavail * bsize - left)))
}

function mountSmallDisk(): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'mounting a small tmpfs needs Linux and root'
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk], {
    encoding: 'utf8',
  })
  return status === 0 ? false : `a small tmpfs cannot be mounted: ${error?.message ?? stderr.trim()}`
}
