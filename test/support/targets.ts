/**
 * Programs to scrape, on loopback: one that serves real pprof, several that misbehave, and Debian's Prometheus as a real Go
 * program where it is installed. Every one has an `address` (host:port) and must be closed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { Function as Func, Line, Location, Mapping, Profile, Sample, StringTable, ValueType } from 'pprof-format'

export interface TestTarget {
  /** `127.0.0.1:port` */
  readonly address: string
  readonly url: string
  /** Every request that came, newest last. */
  readonly requests: readonly { readonly url: string; readonly headers: IncomingMessage['headers'] }[]
  /** TCP connections that were opened to it. */
  readonly connections: () => number
  close(): Promise<void>
}

/** A server with the given behaviour. */
export async function startTarget(
  handle: (request: IncomingMessage, response: ServerResponse, n: number) => void,
  server: Server = createServer(),
): Promise<TestTarget> {
  const requests: { url: string; headers: IncomingMessage['headers'] }[] = []
  let connections = 0
  server.on('connection', () => connections++)
  server.on('request', (request, response) => {
    requests.push({ url: request.url!, headers: request.headers })
    handle(request, response, requests.length)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    address,
    url: `http://${address}/debug/pprof/profile?seconds=1`,
    requests,
    connections: () => connections,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** `main;serve;read 3` per line, leaf last, as gzip pprof. */
export function pprofOf(
  folded: readonly string[],
  options: { cpu?: boolean; timeNanos?: bigint; seconds?: number } = {},
): Uint8Array<ArrayBuffer> {
  const { cpu = true, timeNanos = 0n, seconds = cpu ? 1 : 0 } = options
  const strings = new StringTable()
  const functions = new Map<string, number>()
  const idOf = (name: string): number => {
    const id = functions.get(name) ?? functions.size + 1
    functions.set(name, id)
    return id
  }
  const sample = folded.map(line => {
    const space = line.lastIndexOf(' ')
    const count = Number(line.slice(space + 1))
    const ids = line.slice(0, space).split(';').map(idOf)
    return new Sample({ locationId: ids.reverse(), value: cpu ? [count, count * 10_000_000] : [count, count * 1024] })
  })
  const valueType = (type: string, unit: string) =>
    new ValueType({ type: strings.dedup(type), unit: strings.dedup(unit) })
  const file = strings.dedup('/srv/app/main.go')
  return gzipSync(
    new Profile({
      sampleType: cpu
        ? [valueType('samples', 'count'), valueType('cpu', 'nanoseconds')]
        : [valueType('inuse_objects', 'count'), valueType('inuse_space', 'bytes')],
      sample,
      mapping: [new Mapping({ id: 1, filename: strings.dedup('/srv/app'), hasFunctions: true })],
      location: [...functions.values()].map(
        id => new Location({ id, mappingId: 1, line: [new Line({ functionId: id, line: id * 10 })] }),
      ),
      function: [...functions].map(
        ([name, id]) => new Func({ id, name: strings.dedup(name), systemName: strings.dedup(name), filename: file }),
      ),
      stringTable: strings,
      periodType: cpu ? valueType('cpu', 'nanoseconds') : valueType('space', 'bytes'),
      period: cpu ? 10_000_000 : 524_288,
      timeNanos,
      durationNanos: BigInt(seconds) * 1_000_000_000n,
    }).encode(),
  )
}

/**
 * A program with Go's profile routes. `/debug/pprof/profile` takes as long as it is asked to, where a second lasts `secondMs`,
 * and refuses a second request meanwhile as Go does.
 */
export function startPprofTarget(options: { secondMs?: number; folded?: readonly string[] } = {}): Promise<TestTarget> {
  const { secondMs = 1000, folded = ['main;serve;read 3', 'main;serve;parse 2', 'main;gc 1'] } = options
  let profiling = false
  return startTarget(async (request, response) => {
    const url = new URL(request.url!, 'http://127.0.0.1')
    const cpu = url.pathname === '/debug/pprof/profile'
    if (!cpu && !['/debug/pprof/heap', '/debug/pprof/allocs'].includes(url.pathname)) return answer(response, 404, 'no')
    const seconds = Number(url.searchParams.get('seconds') ?? (cpu ? 30 : 0))
    if (cpu && profiling) return answer(response, 500, 'Could not enable CPU profiling: cpu profiling already in use\n')
    if (cpu) profiling = true
    const timeNanos = BigInt(Date.now()) * 1_000_000n
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    await sleep(seconds * secondMs, undefined, { signal: gone.signal }).catch(() => {})
    if (cpu) profiling = false
    if (gone.signal.aborted) return
    response.setHeader('content-type', 'application/octet-stream')
    response.end(pprofOf(folded, { cpu, timeNanos, seconds: cpu ? seconds : 0 }))
  })
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(text)
}

export const startStatusTarget = (status: number, text: string) =>
  startTarget((_, response) => answer(response, status, text))

export const startEmptyTarget = () => startTarget((_, response) => void response.end())

/** Takes the request and never answers. */
export const startSilentTarget = () => startTarget(() => {})

/** Sends the headers and then a byte now and then, for ever. */
export const startTricklingTarget = (everyMs = 20) =>
  startTarget((_, response) => {
    const timer = setInterval(() => response.write('x'), everyMs)
    response.on('close', () => clearInterval(timer))
  })

/** Sends as fast as it is read, for ever. */
export const startHugeTarget = () =>
  startTarget((_, response) => {
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const pour = () => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', pour)
    response.on('error', () => {})
    pour()
  })

export const startRedirectingTarget = (to: (request: IncomingMessage) => string, status = 302) =>
  startTarget((request, response) => void response.writeHead(status, { location: to(request) }).end())

/** Answers the first request of a connection and hangs up on the second, as a server does whose idle timeout strikes. */
export async function startHangingUpTarget(body: Uint8Array): Promise<TestTarget> {
  const requests: TestTarget['requests'][number][] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createTcpServer(socket => {
    connections++
    sockets.add(socket)
    let served = 0
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', data => {
      requests.push({ url: String(data).split(' ')[1]!, headers: {} })
      if (served++ > 0) return socket.destroy()
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`)
      return socket.write(body)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    address,
    url: `http://${address}/debug/pprof/profile`,
    requests,
    connections: () => connections,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** A port of loopback where nobody listens. */
export async function unusedAddress(): Promise<string> {
  const target = await startEmptyTarget()
  await target.close()
  return target.address
}

const PROMETHEUS = '/usr/bin/prometheus'

/** Debian's Prometheus: a real Go program with `/debug/pprof`. Null where it is not installed. */
export async function startPrometheus(): Promise<{ readonly address: string; close(): Promise<void> } | null> {
  if (!existsSync(PROMETHEUS)) return null
  const folder = await mkdtemp(join(tmpdir(), 'decima-prometheus-'))
  const address = await unusedAddress()
  await writeFile(
    join(folder, 'p.yml'),
    `global: {scrape_interval: 1s}\nscrape_configs: [{job_name: self, static_configs: [{targets: ['${address}']}]}]\n`,
  )
  const child = spawn(
    PROMETHEUS,
    [
      `--config.file=${join(folder, 'p.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
    ],
    { stdio: 'ignore' },
  )
  const close = async () => {
    await ended(child)
    await rm(folder, { recursive: true, force: true })
  }
  for (let i = 0; i < 200; i++) {
    const ready = await fetch(`http://${address}/-/ready`).catch(() => null)
    if (ready?.ok) return { address, close }
    if (child.exitCode !== null) break
    await sleep(50)
  }
  await close()
  throw new Error('prometheus did not become ready')
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exit = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exit
}
