/**
 * The standard load pushed into a server of its own and flushed: CPU of the server against gunzipSync of the same bodies,
 * memory, disk, and every profile checked against what was sent.
 *
 *   node test/bench/ingest.ts [--small] [--cpu-prof[=FOLDER]]     with .cpuprofile files and the hot spots of every thread
 */
import { performance } from 'node:perf_hooks'
import { figure, filesOf, gunzipSeconds, isSmall, sum, withFolder } from '../support/bench.ts'
import { printHotSpots, profileFlags, profileFolder } from '../support/cpu-profile.ts'
import { checkLedger, pushLoad } from '../support/push-load.ts'
import { startServer } from '../support/server-process.ts'
import { describeLoad, SMALL_LOAD, STANDARD_LOAD, standardLoad } from '../support/standard-load.ts'

const profiled = profileFolder()
const load = standardLoad(isSmall ? SMALL_LOAD : STANDARD_LOAD, Date.now())
console.log(`ingest: ${describeLoad(load)}`)
const profiles = load.profiles.length

await withFolder(async folder => {
  const server = await startServer({
    folder,
    nodeFlags: profileFlags(profiled),
  })
  const idle = { cpu: server.cpu(), threads: server.cpuByThread(), memory: server.memory().now }
  const gunzip = gunzipSeconds(load)

  const started = performance.now()
  await pushLoad(server.address, load)
  const pushed = { ms: performance.now() - started, cpu: server.cpu() - idle.cpu, threads: server.cpuByThread() }
  const wal = sum(filesOf(`${server.storage}/wal`).map(f => f.bytes))
  const beforeFlush = server.memory()
  const flushed = await fetch(`http://${server.address}/api/v1/admin/flush`, { method: 'POST' })
  const cpu = server.cpu() - idle.cpu
  const tookMs = performance.now() - started
  const memory = server.memory()
  if (!flushed.ok) throw new Error(`flush: ${flushed.status} ${await flushed.text()}`)

  console.log('CPU of the server process, from ready until the flush answers')
  figure('whole', cpu, 's')
  figure('per profile', (cpu / profiles) * 1000, 'ms')
  figure('gunzipSync of the same bodies, best of 3', gunzip, 's')
  figure('gunzipSync per profile', (gunzip / profiles) * 1000, 'ms')
  figure('ratio: CPU / gunzip', cpu / gunzip, '×', 4.5)
  figure('ratio: CPU of the push alone / gunzip', pushed.cpu / gunzip, '×')
  figure('ratio: with the start of the server / gunzip', (cpu + idle.cpu) / gunzip, '×')
  const threads = [...pushed.threads].map(([name, s]) => [name, s - (idle.threads.get(name) ?? 0)] as const)
  for (const [name, seconds] of threads.sort((a, b) => b[1] - a[1])) {
    if (seconds > 0) figure(`  of the push: thread ${name}`, seconds, 's')
  }
  figure('  of the flush, all threads', cpu - pushed.cpu, 's')

  console.log('time')
  figure('push', pushed.ms / 1000, 's')
  figure('push', profiles / (pushed.ms / 1000), 'profiles/s')
  figure('push and flush', tookMs / 1000, 's')

  console.log('memory')
  figure('peak RSS', memory.peak, 'MiB', 600)
  figure('  idle before', idle.memory, 'MiB')
  figure('  peak before the flush', beforeFlush.peak, 'MiB')
  figure('  after the flush', memory.now, 'MiB')

  console.log('profiles acknowledged but not there')
  const { missing, surplus } = await checkLedger(server.address, load)
  figure('lost', missing, `of ${profiles}`, 0)
  figure('points that no profile made', surplus, '', 0)

  console.log('disk')
  figure('log before the flush', wal / load.rows, 'B/row')
  const files = filesOf(server.storage)
  const bytes = sum(files.map(f => f.bytes))
  figure('everything in the storage path', bytes / load.rows, 'B/row', 3)
  figure('the same as allocated', sum(files.map(f => f.allocated)) / load.rows, 'B/row')
  const byName = new Map<string, number>()
  for (const { path, bytes } of files) {
    const name = path.startsWith('wal/') ? 'wal/*' : path.replace(/blocks\/[^/]+/, 'blocks/*')
    byName.set(name, (byName.get(name) ?? 0) + bytes)
  }
  for (const [name, size] of [...byName].sort((a, b) => b[1] - a[1])) {
    if (size >= bytes / 1000) figure(`  ${name}`, size / load.rows, `B/row  ${size} B`)
  }
  await server.stop()
  if (profiled !== null) printHotSpots(profiled)
  if (missing + surplus > 0) process.exitCode = 1
})
