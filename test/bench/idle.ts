/**
 * Memory of a server that does what `npm start` has it do: the default configuration, the page loaded once with its
 * first questions; then nothing but scraping itself.
 *
 *   node test/bench/idle.ts [--small] [seconds]     60 seconds, with --small 5
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { figure, isSmall, withFolder } from '../support/bench.ts'
import { connect, timestamp } from '../support/grpc-client.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'

const seconds = Number(process.argv.slice(2).find(a => /^\d+$/.test(a)) ?? (isSmall ? 5 : 60))
const CONFIG = join(import.meta.dirname, '../../configs/parca.yaml')
console.log(`idle: the default configuration for ${seconds} s`)

await withFolder(async folder => {
  const bare = await startServer({ folder: join(folder, 'bare') })
  figure('RSS with nothing to scrape, when ready', bare.memory().now, 'MiB')
  await bare.stop()

  const server = await startServer({ folder, configFile: CONFIG })
  figure('RSS with the default configuration, when ready', server.memory().now, 'MiB')
  await sleep(Math.min(10, seconds / 2) * 1000)
  figure('RSS before the first question', server.memory().now, 'MiB')
  await loadPage(server.address)
  figure('RSS when the page is loaded', server.memory().now, 'MiB')
  const cpu = server.cpu()
  const seen: number[] = []
  for (let i = 0; i < seconds; i++) {
    await sleep(1000)
    seen.push(server.memory().now)
  }
  const used = server.cpu() - cpu
  const { now, peak, anonymous } = server.memory()
  figure('RSS at the end', now, 'MiB', 150)
  figure('  its own pages', anonymous, 'MiB')
  figure('  least of every second', Math.min(...seen), 'MiB')
  figure('  most of every second', Math.max(...seen), 'MiB')
  figure('  most since the start', peak, 'MiB')
  figure('ratio: RSS at the end / node that does nothing', now / (await nothingMiB()), '×')
  figure('CPU while idle', (used / seconds) * 100, '% of a core')
  printMetrics(await (await fetch(`http://${server.address}/metrics`)).text())
  printMappings(server)
  await server.stop()
})

/** What a browser does first: the page with its files, then profile types, labels, a range and a merge. */
async function loadPage(address: string): Promise<void> {
  const html = await (await fetch(`http://${address}/`)).text()
  for (const [, path] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g))
    await (await fetch(`http://${address}${path}`)).text()
  const connection = connect(address)
  const now = Date.now()
  const range = { start: timestamp(now - 900_000), end: timestamp(now) }
  let types: {
    name: string
    sampleType: string
    sampleUnit: string
    periodType: string
    periodUnit: string
    delta: boolean
  }[] = []
  while (types.length === 0) {
    types = (await connection.query('ProfileTypes', {})).value.types
    await sleep(200)
  }
  const type = types.find(t => t.name === 'process_cpu') ?? types[0]!
  const parts = [type.name, type.sampleType, type.sampleUnit, type.periodType, type.periodUnit]
  const query = `${parts.join(':')}${type.delta ? ':delta' : ''}{}`
  await connection.query('Labels', range)
  for (;;) {
    // The first CPU profile covers five seconds.
    const end = timestamp(Date.now())
    const drawn = await connection
      .query('QueryRange', { query, ...range, end })
      .catch((error: { code?: number }) => error)
    if (!('code' in drawn)) break
    if (drawn.code !== NOT_FOUND) throw drawn
    await sleep(200)
  }
  await connection.query('Query', {
    mode: 'MODE_MERGE',
    merge: { query, ...range },
    reportType: 'REPORT_TYPE_FLAMEGRAPH_ARROW',
  })
  connection.close()
}

const NOT_FOUND = 5

/** MiB of a Node that was only started. */
async function nothingMiB(): Promise<number> {
  const child = spawn(process.execPath, ['--eval', 'setInterval(() => 0, 1000)'], { stdio: 'ignore' })
  await sleep(1000)
  const text = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  child.kill()
  return Number(/^VmRSS:\s+(\d+)/m.exec(text)![1]) / 1024
}

function printMetrics(text: string): void {
  for (const name of ['nodejs_heap_size_used_bytes', 'nodejs_heap_size_total_bytes', 'nodejs_external_memory_bytes']) {
    const found = new RegExp(`^${name}(?:{[^}]*})? (\\S+)`, 'm').exec(text)
    if (found !== null) figure(`  main thread: ${name}`, Number(found[1]) / 2 ** 20, 'MiB')
  }
}

/** RSS by what the pages belong to. */
function printMappings({ pid }: ServerProcess): void {
  const parts = new Map<string, number>()
  let part = ''
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
    const header = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+\s*(.*)$/.exec(line)
    if (header !== null) {
      const path = header[1]!
      part =
        path === ''
          ? 'anonymous'
          : path.endsWith('/node')
            ? 'the binary of Node'
            : path.startsWith('[')
              ? path
              : 'files'
    }
    const rss = /^Rss:\s+(\d+) kB/.exec(line)
    if (rss !== null) parts.set(part, (parts.get(part) ?? 0) + Number(rss[1]) / 1024)
  }
  for (const [name, mib] of [...parts].sort((a, b) => b[1] - a[1]))
    if (mib >= 0.5) figure(`  pages of ${name}`, mib, 'MiB')
}
