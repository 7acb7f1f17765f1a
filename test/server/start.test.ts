/** How the server starts, refuses to start, and stops: exit codes, times and texts as people and scripts rely on them. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { foldedProfile, foldedText } from '../support/folded.ts'
import { connectParca } from '../support/parca-client.ts'
import { runServer, testServers } from '../support/server.ts'

const { start, folder } = testServers()

/** What INTERFACE promises in one second, from the moment the program runs: Node's own start is not ours. */
const SOON_MS = 5000

test('a profile that was pushed is there after a clean stop and a start', async () => {
  const storagePath = join(folder, 'clean')
  const time = BigInt(Date.now()) * 1_000_000n
  const range = { start: time - 1_000_000_000n, end: time + 1_000_000_000n }
  const query = 'cpu:samples:count:cpu:nanoseconds:delta{}'
  const first = await start({ storagePath })
  const client = connectParca(first.host)
  await client.push({
    labels: { __name__: 'cpu', job: 'api' },
    bodies: [foldedProfile(['main;serve 3', 'main;gc 1'], { timeNanos: time })],
  })
  assert.deepEqual(foldedText(await client.pprof(query, range)), ['main;gc 1', 'main;serve 3'])
  client.close()
  const { code, tookMs } = await first.stop()
  assert.equal(code, 0, first.logs())
  assert.ok(tookMs < 5000, `${tookMs} ms`)

  const second = await start({ storagePath })
  const again = connectParca(second.host)
  assert.deepEqual(foldedText(await again.pprof(query, range)), ['main;gc 1', 'main;serve 3'])
  again.close()
})

test('a port in use ends the second server with 1 and says whose flag it is', async () => {
  const first = await start()
  const { code, output, tookMs } = await runServer({ flags: [`--http-address=${first.host}`] })
  assert.equal(code, 1)
  assert.ok(tookMs < SOON_MS, `${tookMs} ms`)
  assert.match(output, new RegExp(`--http-address ${first.host}: the port is in use by another process`))
})

test('a lock that is held ends the second server with 1 and names the pid', async () => {
  const storagePath = join(folder, 'locked')
  const first = await start({ storagePath })
  const { code, output, tookMs } = await runServer({ storagePath })
  assert.equal(code, 1)
  assert.ok(tookMs < SOON_MS, `${tookMs} ms`)
  assert.match(output, new RegExp(`${storagePath}/LOCK is held by another Decima \\(pid ${first.pid}\\)`))
  assert.equal((await fetch(`${first.url}/-/ready`)).status, 200, 'the first is not disturbed')
})

test('the lock of a killed server is taken over', async () => {
  const storagePath = join(folder, 'stale')
  const first = await start({ storagePath })
  await first.kill()
  assert.match(readFileSync(join(storagePath, 'LOCK'), 'utf8'), new RegExp(`^${first.pid} `))
  const second = await start({ storagePath })
  assert.match(readFileSync(join(storagePath, 'LOCK'), 'utf8'), new RegExp(`^${second.pid} `))
  assert.equal((await second.stop()).code, 0)
})

test('a bad configuration ends with 1 and file:line:column', async () => {
  const path = join(folder, 'bad.yaml')
  writeFileSync(path, 'scrape_configs:\n  - job_name: api\n    scrape_intervall: 5s\n')
  const { code, output } = await runServer({ flags: [`--config-path=${path}`] })
  assert.equal(code, 1)
  assert.match(output, new RegExp(`^${path}:3:5: .*scrape_intervall.*did you mean "scrape_interval"`, 'm'))
})

test('a configuration that is not there ends with 1 and its path', async () => {
  const { code, output } = await runServer({ flags: [`--config-path=${folder}/none.yaml`] })
  assert.equal(code, 1)
  assert.match(output, /none\.yaml: no such file/)
})

test('an unknown flag ends with 2', async () => {
  const { code, output } = await runServer({ flags: ['--storage-pth=x'] })
  assert.equal(code, 2)
  assert.match(output, /unknown flag --storage-pth.*--storage-path/)
})

test('a memory limit too small ends with 1 and the number', async () => {
  const { code, output } = await runServer({ flags: ['--memory-limit=100MiB'] })
  assert.notEqual(code, 0)
  assert.match(output, /256/)
})
