/**
 * A server that answers what the page asks with made-up data: the fixture of the page's tests, and something to look at
 * while working on it (`node test/support/fake-server.ts 7171`). What it answers can be changed while it runs.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { parseSelector } from '../../pkg/labels/selector.ts'
import { buildPage, CONTENT_SECURITY_POLICY } from '../../ui/build.ts'
import { encodeFlame, fakeFlame, seeded } from './fake-flame.ts'

export interface FakeServer {
  readonly url: string
  /** Paths with query of every request but those for the page's own files. */
  readonly asked: string[]
  mode: 'data' | 'empty' | 'starting' | 'broken'
  nodes: number
  close(): Promise<void>
}

const JOBS = ['api', 'cart', 'web'] as const
const TYPES = [
  ['memory', 'inuse_space', 'bytes', 'space', 'bytes', false],
  ['process_cpu', 'cpu', 'nanoseconds', 'cpu', 'nanoseconds', true],
  ['process_cpu', 'samples', 'count', 'cpu', 'nanoseconds', true],
  ['goroutine', 'goroutine', 'count', 'goroutine', 'count', false],
] as const

export async function startFakeServer(port = 0): Promise<FakeServer> {
  const built = await buildPage()
  const state = { mode: 'data' as FakeServer['mode'], nodes: 3000, asked: [] as string[] }
  const server: Server = createServer((request, response) => {
    answer(request, response, built.dir, state).catch(thrown => {
      response.statusCode = 500
      response.end(String(thrown))
    })
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript',
  css: 'text/css',
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  dir: string,
  state: Pick<FakeServer, 'mode' | 'nodes' | 'asked'>,
): Promise<void> {
  const url = new URL(request.url!, 'http://127.0.0.1')
  response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY)
  const page = url.pathname === '/' || url.pathname === '/targets'
  const file = page ? 'index.html' : /^\/((?:app|worker)-\w+\.(?:js|css))$/.exec(url.pathname)?.[1]
  if (file) {
    response.setHeader('content-type', CONTENT_TYPES[file.split('.').at(-1)!]!)
    response.end(await readFile(join(dir, file)))
    return
  }
  state.asked.push(url.pathname + url.search)
  const json = (body: unknown, status = 200): void => {
    response.statusCode = status
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(body))
  }
  if (state.mode === 'starting') return json({ code: 14, message: 'the log is being read', details: [] }, 503)
  if (state.mode === 'broken') return json({ code: 13, message: 'a worker died', details: [] }, 500)
  const empty = state.mode === 'empty'
  const values = /^\/api\/profiles\/labels\/([^/]+)\/values$/.exec(url.pathname)
  if (values) return json({ labelValues: empty ? [] : valuesOf(decodeURIComponent(values[1]!)), warnings: [] })
  switch (url.pathname) {
    case '/api/profiles/types':
      return json({
        types: empty
          ? []
          : TYPES.map(([name, sampleType, sampleUnit, periodType, periodUnit, delta]) => ({
              name,
              sampleType,
              sampleUnit,
              periodType,
              periodUnit,
              delta,
            })),
      })
    case '/api/profiles/labels':
      return json({ labelNames: empty ? [] : ['job', 'instance', 'version', 'k8s.pod'], warnings: [] })
    case '/api/profiles/query_range':
      return rangeAnswer(url, empty, json)
    case '/api/v1/flamegraph':
      return flameAnswer(url, empty, state.nodes, response, json)
    case '/api/v1/pprof':
      response.setHeader('content-type', 'application/octet-stream')
      response.end(gzipSync(Buffer.from([])))
      return
    case '/api/v1/targets':
      return json({ status: 'success', data: { activeTargets: empty ? [] : targets() } })
    default:
      return json({ code: 5, message: `no such path: ${url.pathname}`, details: [] }, 404)
  }
}

function valuesOf(name: string): string[] {
  if (name === 'job') return [...JOBS]
  if (name === 'instance') return ['127.0.0.1:6060', '127.0.0.2:6060', '127.0.0.3:6060']
  if (name === 'version') return ['1.8.2', '1.8.3']
  return ['shop-7f9c-abcde', 'shop-7f9c-fghij']
}

type Json = (body: unknown, status?: number) => void

/** The jobs that are left, or the answer for a selector that cannot be read or leaves none. */
function jobsAsked(url: URL, empty: boolean, json: Json): readonly string[] | null {
  try {
    const { matchers } = parseSelector(url.searchParams.get('query') ?? '')
    const left = JOBS.filter(job => matchers.every(m => m.name !== 'job' || (m.op === '=' ? m.value === job : true)))
    if (!empty && left.length > 0) return left
    json({ code: 5, message: 'no profiles found for the selection', details: [] }, 404)
  } catch (thrown) {
    json({ code: 3, message: (thrown as Error).message, details: [] }, 400)
  }
  return null
}

function rangeAnswer(url: URL, empty: boolean, json: Json): void {
  const jobs = jobsAsked(url, empty, json)
  if (jobs === null) return
  const start = Date.parse(url.searchParams.get('start')!)
  const end = Date.parse(url.searchParams.get('end')!)
  const step = Number.parseFloat(url.searchParams.get('step') ?? '10s') * 1000
  const sumBy = url.searchParams.getAll('sumBy')
  const instances = ['127.0.0.1:6060', '127.0.0.2:6060']
  const sampleType = { type: 'cpu', unit: 'nanoseconds' }
  const series = new Map<string, { labelset: unknown; samples: ReturnType<typeof samplesOf>; sampleType: unknown }>()
  for (const [j, job] of jobs.entries()) {
    for (const [i, instance] of instances.entries()) {
      const labels = [
        { name: 'instance', value: instance },
        { name: 'job', value: job },
      ].filter(label => sumBy.includes(label.name))
      const key = JSON.stringify(labels)
      const samples = samplesOf(start, end, step, j, i)
      const there = series.get(key)
      if (!there) series.set(key, { labelset: { labels }, samples, sampleType })
      else for (const [k, sample] of samples.entries()) there.samples[k]!.valuePerSecond += sample.valuePerSecond
    }
  }
  json({ series: [...series.values()], warnings: [] })
}

function samplesOf(start: number, end: number, step: number, job: number, instance: number) {
  const random = seeded(job * 17 + instance + 1)
  const samples = []
  for (let t = Math.ceil(start / step) * step; t <= end; t += step) {
    const wave = 1 + 0.5 * Math.sin(t / 90_000 + job) + (Math.floor(t / 240_000) % 5 === 0 ? 0.7 : 0)
    const valuePerSecond = (0.35 + 0.5 * job) * wave * (0.92 + 0.16 * random())
    samples.push({
      timestamp: new Date(t).toISOString(),
      value: String(Math.round(valuePerSecond * step * 1e6)),
      valuePerSecond,
      duration: String(step * 1e6),
      count: '1',
    })
  }
  return samples
}

function flameAnswer(url: URL, empty: boolean, nodes: number, response: ServerResponse, json: Json): void {
  const jobs = jobsAsked(url, empty, json)
  if (jobs === null) return
  const unit = url.searchParams.get('query')!.startsWith('memory') ? 'bytes' : 'nanoseconds'
  response.setHeader('content-type', 'application/vnd.apache.arrow.stream')
  response.setHeader(
    'decima-query-stats',
    JSON.stringify({
      blocks: 3,
      row_groups_read: 12,
      row_groups_skipped: 48,
      bytes_read: 1_482_113,
      bytes_skipped: 8_811_220,
      requests: 0,
      cache_hits: 4,
      rows: 48_120,
      ms: 11.4,
      level: 'raw',
    }),
  )
  response.end(encodeFlame(fakeFlame(nodes, 7 + jobs.length, unit)))
}

function targets(): unknown[] {
  return JOBS.flatMap((job, j) =>
    ['process_cpu', 'memory'].map((name, k) => {
      const down = job === 'web' && name === 'memory'
      const address = `127.0.0.${j + 1}:6060`
      return {
        discoveredLabels: { __address__: address, __scheme__: 'http', job },
        labels: { __name__: name, instance: address, job },
        scrapePool: job,
        scrapeUrl: `http://${address}/debug/pprof/${k === 0 ? 'profile?seconds=10' : 'heap'}`,
        health: down ? 'down' : 'up',
        lastError: down ? 'connect ECONNREFUSED 127.0.0.3:6060' : '',
        lastScrape: new Date(Date.now() - 3000 - 700 * j).toISOString(),
        lastScrapeDuration: k === 0 ? 10.02 : 0.031,
        scrapeInterval: '10s',
        scrapeTimeout: '15s',
      }
    }),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await startFakeServer(Number(process.argv[2] ?? 7171))
  server.nodes = Number(process.argv[3] ?? server.nodes)
  console.log(server.url)
}
