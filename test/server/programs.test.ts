/**
 * Two real programs scraped by one configuration: Debian's Prometheus, in Go, and a Node program. All profile types of
 * both appear, and every report contains functions of theirs.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { tableFromIPC } from 'apache-arrow'
import { installLz4 } from '../support/arrow.ts'
import { foldedSums } from '../support/folded.ts'
import { connectParca, type ParcaClient, type Range } from '../support/parca-client.ts'
import { goTool } from '../support/pprof-raw.ts'
import { type RealServer, testServers } from '../support/server.ts'
import { startPrometheus } from '../support/targets.ts'

const { start, folder } = testServers()
const INTERVAL = '2s'
const PATIENCE_MS = 60_000

const NODE_TYPES = [
  'memory:inuse_space:bytes:space:bytes',
  'process_cpu:cpu:nanoseconds:cpu:nanoseconds:delta',
  'process_cpu:samples:count:cpu:nanoseconds:delta',
]
const GO_TYPES = [
  'block:contentions:count:contentions:count',
  'block:delay:nanoseconds:contentions:count',
  'goroutine:goroutine:count:goroutine:count',
  'memory:alloc_objects:count:space:bytes',
  'memory:alloc_space:bytes:space:bytes',
  'memory:inuse_objects:count:space:bytes',
  'memory:inuse_space:bytes:space:bytes',
  'mutex:contentions:count:contentions:count',
  'mutex:delay:nanoseconds:contentions:count',
  'process_cpu:cpu:nanoseconds:cpu:nanoseconds:delta',
  'process_cpu:samples:count:cpu:nanoseconds:delta',
]

const go = await startPrometheus()
if (go === null)
  console.error('SKIPPED scraping a real Go program: /usr/bin/prometheus is not installed (package prometheus)')
const goSkip = go === null ? 'no prometheus' : false
const over = new AbortController()
const node = spawn(
  process.execPath,
  ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'programs/library.ts')],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_TEST_CONTEXT: '' },
  },
)

let server: RealServer
let client: ParcaClient
before(async () => {
  installLz4()
  const [address] = await once(node.stdout.setEncoding('utf8'), 'data')
  const job = (name: string, target: string, profiles: string) => `
  - job_name: ${name}
    scrape_interval: ${INTERVAL}
    static_configs:
      - targets: ['${target}']
        labels: {language: ${name}}
${profiles}`
  const nodeProfiles = `
    profiling_config:
      pprof_config:
        memory: {path: /debug/pprof/heap}
        block: {enabled: false}
        goroutine: {enabled: false}
        mutex: {enabled: false}
`
  const goJob = go === null ? '' : job('go', go.address, '')
  server = await start({ config: `scrape_configs:${goJob}${job('node', String(address).trim(), nodeProfiles)}` })
  client = connectParca(server.host)
  if (go !== null) void keepBusy(go.address)
})
after(async () => {
  over.abort()
  client?.close()
  node.kill('SIGKILL')
  await go?.close()
})

async function keepBusy(address: string): Promise<void> {
  while (!over.signal.aborted) {
    await fetch(`http://${address}/metrics`).then(
      response => response.text(),
      () => sleep(50),
    )
  }
}

const lately = (): Range => {
  const now = BigInt(Date.now()) * 1_000_000n
  return { start: now - 600_000_000_000n, end: now }
}

/** Repeats until it holds; then the last failure. */
async function eventually(check: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > deadline) throw new Error(`it does not come to hold:\n${server.logs()}`, { cause: error })
      await sleep(300)
    }
  }
}

/** Functions of one answer of each report type. */
async function functionsIn(query: string): Promise<Record<string, Set<string>>> {
  const range = lately()
  const { flamegraph_arrow } = await client.merge(query, range, 'FLAMEGRAPH_ARROW')
  const { top } = await client.merge(query, range, 'TOP')
  const pprof = await client.pprof(query, range)
  const names = tableFromIPC(flamegraph_arrow.record).getChild('function_name')!
  return {
    FLAMEGRAPH_ARROW: new Set([...names].filter(Boolean).map(name => Buffer.from(name as Uint8Array).toString())),
    // biome-ignore lint/suspicious/noExplicitAny: what a dynamic client answers has no type
    TOP: new Set(top.list.map((row: any) => row.meta?.function?.name)),
    PPROF: new Set([...foldedSums(pprof).keys()].flatMap(stack => stack.split(';'))),
  }
}

async function expectFunctions(query: string, wanted: readonly string[]): Promise<void> {
  for (const [report, names] of Object.entries(await functionsIn(query)))
    for (const name of wanted)
      assert.ok(names.has(name), `${report} of ${query} has ${name}: ${[...names].slice(0, 40)}`)
}

/** Types that a series of the job has. */
async function typesOf(language: string): Promise<string[]> {
  const types = await client.types(lately())
  const there = await Promise.all(
    types.map(type =>
      client.range(`{__name__=${JSON.stringify(type)},language="${language}"}`, lately()).then(
        () => true,
        () => false,
      ),
    ),
  )
  return types.filter((_, i) => there[i])
}

test('a Node program: its types, its functions', async () => {
  await eventually(async () => assert.deepEqual(await typesOf('node'), NODE_TYPES))
  await eventually(() => expectFunctions(`${NODE_TYPES[1]}{language="node"}`, ['work', 'sortShelf', 'searchWord']))
  await eventually(() => expectFunctions(`${NODE_TYPES[0]}{language="node"}`, ['work', 'acquireBooks']))
})

test('a Go program: its types, its functions', { skip: goSkip }, async () => {
  await eventually(async () => assert.deepEqual(await typesOf('go'), GO_TYPES))
  await eventually(() =>
    expectFunctions('process_cpu:cpu:nanoseconds:cpu:nanoseconds:delta{language="go"}', [
      'net/http.(*conn).serve',
      'net/http.serverHandler.ServeHTTP',
    ]),
  )
  await expectFunctions('goroutine:goroutine:count:goroutine:count{language="go"}', ['main.main', 'runtime.main'])
  await expectFunctions('memory:alloc_space:bytes:space:bytes{language="go"}', ['net/http.(*conn).serve'])
})

test('every target is up, and the counts of a profile are those of its type', async () => {
  await eventually(async () => {
    const response = await fetch(`${server.url}/api/v1/targets`)
    const { data } = (await response.json()) as {
      data: { activeTargets: { health: string; lastError: string; scrapeUrl: string }[] }
    }
    assert.deepEqual(
      data.activeTargets.filter(target => target.health !== 'up'),
      [],
    )
    assert.equal(data.activeTargets.length, (go === null ? 0 : 5) + 2)
  })
  const range = lately()
  const selector = '{language="node"}'
  const samples = foldedSums(await client.pprof(`${NODE_TYPES[2]}${selector}`, range))
  const cpu = foldedSums(await client.pprof(`${NODE_TYPES[1]}${selector}`, range))
  for (const [stack, [count]] of samples) assert.equal(cpu.get(stack)![0], count! * 1_000_000n, stack)
})

const tool = goTool()
if (tool === null) console.error('SKIPPED reading a download with `go tool pprof`: there is no go')
test('a download is read by go tool pprof', { skip: tool === null ? 'no go' : false }, async () => {
  for (const [language, wanted] of [
    ['node', /sortShelf/],
    ['go', /net\/http\.\(\*conn\)\.serve/],
  ] as const) {
    if (language === 'go' && go === null) continue
    const query = `process_cpu:cpu:nanoseconds:cpu:nanoseconds:delta{language="${language}"}`
    const { start: from, end } = lately()
    const parameters = new URLSearchParams({ query, start: String(Number(from) / 1e9), end: String(Number(end) / 1e9) })
    const response = await fetch(`${server.url}/api/v1/pprof?${parameters}`)
    assert.equal(response.status, 200)
    const path = join(folder, `${language}.pb.gz`)
    writeFileSync(path, new Uint8Array(await response.arrayBuffer()))
    const run = spawnSync(tool!, ['tool', 'pprof', '-symbolize=none', '-top', '-cum', '-nodecount=200', path], {
      encoding: 'utf8',
    })
    assert.equal(run.status, 0, run.stderr)
    assert.match(run.stdout, /Type: cpu/)
    assert.match(run.stdout, wanted)
  }
})
