/**
 * A log of at least 100 MB that was never flushed, a server that is killed, and the time until the next is ready; then every
 * profile is checked against what was sent. The ratio is to reading the same bytes and checking their sums.
 *
 *   node test/bench/replay.ts [--small] [--cpu-prof[=FOLDER]]     with .cpuprofile files and the hot spots of every thread
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { crc32 } from 'node:zlib'
import { figure, filesOf, isSmall, sum, withFolder } from '../support/bench.ts'
import { printHotSpots, profileFlags, profileFolder } from '../support/cpu-profile.ts'
import { checkLedger, pushLoad } from '../support/push-load.ts'
import { startServer } from '../support/server-process.ts'
import { describeLoad, type Load, SMALL_LOAD, STANDARD_LOAD, standardLoad } from '../support/standard-load.ts'

const LOG_BYTES = isSmall ? 1e6 : 100e6
const HOUR_MS = 3_600_000
const flags = ['--storage-active-memory=4GiB', '--storage-block-duration=24h']

const profiled = profileFolder()
const shape = isSmall ? SMALL_LOAD : STANDARD_LOAD
const now = Date.now()

await withFolder(async folder => {
  const first = await startServer({ folder, flags })
  const logFiles = () => filesOf(`${first.storage}/wal`).filter(f => f.bytes > 0)
  const loads: Load[] = []
  let bytes = 0
  while (bytes < LOG_BYTES) {
    // The same profiles an hour earlier are others.
    const load = standardLoad(shape, now - loads.length * HOUR_MS)
    await pushLoad(first.address, load)
    loads.push(load)
    bytes = sum(logFiles().map(f => f.bytes))
  }
  const rows = sum(loads.map(load => load.rows))
  console.log(`replay: ${loads.length} × ${describeLoad(loads[0]!)}`)
  const { peak } = first.memory()
  await first.stop('SIGKILL')

  const started = performance.now()
  for (const { path } of logFiles()) crc32(readFileSync(join(first.storage, 'wal', path)))
  const plainMs = performance.now() - started

  const second = await startServer({ folder, flags, nodeFlags: profileFlags(profiled) })
  const line = second.log.find(l => l.includes('log replayed')) ?? 'no line of the log says that it was replayed'
  const tookMs = Number(/took_ms=(\d+)/.exec(line)?.[1] ?? Number.NaN)
  figure('log', bytes / 1e6, `MB  ${rows} rows`)
  figure('from start to ready', second.readyAfterMs / 1000, 's', isSmall ? undefined : 3 * Math.max(1, bytes / 100e6))
  figure('CPU until ready', second.cpu(), 's')
  figure('  of it replay, as logged', tookMs / 1000, 's')
  figure('  replay', bytes / 1e6 / (tookMs / 1000), 'MB/s')
  figure('  replay', rows / (tookMs / 1000) / 1e6, 'M rows/s')
  figure('ratio: replay / reading and summing the bytes', tookMs / plainMs, '×')
  figure('peak RSS while writing', peak, 'MiB')
  figure('peak RSS after the replay', second.memory().peak, 'MiB')
  console.log(`  ${line}`)
  let wrong = 0
  for (const load of loads) {
    const { missing, surplus } = await checkLedger(second.address, load)
    wrong += missing + surplus
  }
  figure('profiles lost or doubled', wrong, `of ${sum(loads.map(l => l.profiles.length))}`, 0)
  await second.stop()
  if (profiled !== null) printHotSpots(profiled)
  if (wrong > 0) process.exitCode = 1
})
