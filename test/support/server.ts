/**
 * The real server as a process of its own, on a free port of loopback: started with flags, waited for, read, stopped, killed.
 * A storage path of the caller's outlives the server, so that a test may start the next one on it; without one, a folder is
 * made and goes with the server.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

const ROOT = join(import.meta.dirname, '../..')
/** Of one server: a start, or a stop. A test that waits this long has failed; a server that does not stop is killed. */
const PATIENCE_MS = 60_000

export interface ServerOptions {
  readonly storagePath?: string
  /** Text of the configuration file. Default: nothing is scraped. */
  readonly config?: string
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** `ready` (default), or `listening`: the port is bound, the log perhaps not yet replayed. */
  readonly until?: 'ready' | 'listening'
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly tookMs: number
}

export interface RealServer {
  /** `127.0.0.1:port` */
  readonly host: string
  readonly url: string
  readonly pid: number
  readonly storagePath: string
  /** Standard output and error so far. */
  logs(): string
  /** Lines of the log with this text. */
  lines(text: string): string[]
  /** Resolves once a line with this text is in the log; rejects when the server ends without it. */
  logged(text: string): Promise<string>
  whenReady(): Promise<void>
  metric(name: string): Promise<number>
  flush(): Promise<readonly string[]>
  readonly exited: Promise<Exit>
  /** Sends it and waits for the exit; the time is that from the signal on. */
  signal(name: NodeJS.Signals): Promise<Exit>
  /** SIGTERM. */
  stop(): Promise<Exit>
  /** SIGKILL. */
  kill(): Promise<void>
  /** Ends it if it runs, and removes what was made for it. */
  dispose(): Promise<void>
}

export const ADMIN = '--web.enable-admin-api'

export interface TestServers {
  start(options?: ServerOptions): Promise<RealServer>
  /** For storage paths. */
  readonly folder: string
}

/** For one test file: what it starts ends with it, also when a test fails. */
export function testServers(): TestServers {
  const folder = mkdtempSync(join(tmpdir(), 'decima-test-'))
  const started: RealServer[] = []
  after(async () => {
    await Promise.all(started.map(server => server.dispose()))
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    folder,
    async start(options) {
      const server = await startServer(options)
      started.push(server)
      return server
    },
  }
}

export async function startServer(options: ServerOptions = {}): Promise<RealServer> {
  const server = spawnServer(options)
  try {
    if (options.until === 'listening') await server.logged('msg=Listening')
    else await server.whenReady()
    return await server
  } catch (error) {
    await server.dispose()
    throw error
  }
}

/** A server that is expected to end by itself: its exit and all it said. */
export async function runServer(options: ServerOptions = {}): Promise<Exit & { readonly output: string }> {
  const server = spawnServer(options)
  const late = setTimeout(() => void server.kill(), PATIENCE_MS)
  try {
    return { ...(await server.exited), output: server.logs() }
  } finally {
    clearTimeout(late)
    await server.dispose()
  }
}

function spawnServer({
  storagePath,
  config = 'scrape_configs: []\n',
  flags = [],
  env = {},
}: ServerOptions): RealServer {
  const folder = mkdtempSync(join(tmpdir(), 'decima-server-'))
  const configPath = join(folder, 'parca.yaml')
  writeFileSync(configPath, config)
  const storage = storagePath ?? join(folder, 'data')
  const given = (name: string) => flags.some(flag => flag.startsWith(name))
  const started = performance.now()
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      join(ROOT, 'cmd/decima/main.ts'),
      'serve',
      ...(given('--config') ? [] : [`--config-path=${configPath}`]),
      ...(given('--storage-min-free-bytes') ? [] : ['--storage-min-free-bytes=0']),
      ...(given('--http-address') ? [] : ['--http-address=127.0.0.1:0']),
      `--storage-path=${storage}`,
      ...flags,
    ],
    {
      cwd: folder,
      env: { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  return watch(child, { folder, storage, started })
}

interface Place {
  readonly folder: string
  readonly storage: string
  readonly started: number
}

function watch(child: ChildProcess, { folder, storage, started }: Place): RealServer {
  // A test that ends before it disposes of its server must not leave it behind.
  const end = (): void => void child.kill('SIGKILL')
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  let output = ''
  let changed = Promise.withResolvers<void>()
  const more = (text = ''): void => {
    output += text
    changed.resolve()
    changed = Promise.withResolvers()
  }
  for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding('utf8').on('data', more)
  let ended = false
  const exited = new Promise<Exit>(resolve => {
    child.once('close', (code, signal) => {
      ended = true
      more()
      resolve({ code, signal, tookMs: performance.now() - started })
    })
  })

  const logged = async (text: string): Promise<string> => {
    const late = setTimeout(more, PATIENCE_MS)
    const deadline = performance.now() + PATIENCE_MS
    try {
      for (;;) {
        const whole = output.slice(0, output.lastIndexOf('\n') + 1)
        const line = whole.split('\n').find(one => one.includes(text))
        if (line !== undefined) return line
        if (ended) throw new Error(`the server ended without saying "${text}":\n${output}`)
        if (performance.now() >= deadline) throw new Error(`the server has not said "${text}":\n${output}`)
        await changed.promise
      }
    } finally {
      clearTimeout(late)
    }
  }
  const address = (): string => {
    const found = /msg=Listening address=(\S+)/.exec(output)
    if (found === null) throw new Error(`the server does not listen yet:\n${output}`)
    return found[1]!
  }
  const signal = async (name: NodeJS.Signals): Promise<Exit> => {
    const sent = performance.now()
    if (!ended) child.kill(name)
    const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
    const { code, signal: by } = await exited
    clearTimeout(late)
    return { code, signal: by, tookMs: performance.now() - sent }
  }
  const url = (): string => `http://${address()}`
  return {
    get host() {
      return address()
    },
    get url() {
      return url()
    },
    pid: child.pid!,
    storagePath: storage,
    logs: () => output,
    lines: text => output.split('\n').filter(line => line.includes(text)),
    logged,
    whenReady: async () => void (await logged('Server is ready to receive web requests.')),
    async metric(name) {
      const text = await (await fetch(`${url()}/metrics`)).text()
      const line = text.split('\n').find(one => one.startsWith(`${name} `) || one.startsWith(`${name}{`))
      if (line === undefined) throw new Error(`no metric ${name}`)
      return Number(line.slice(line.lastIndexOf(' ') + 1))
    },
    async flush() {
      const response = await fetch(`${url()}/api/v1/admin/flush`, { method: 'POST' })
      const text = await response.text()
      if (!response.ok) throw new Error(`flush: ${response.status} ${text}`)
      return (JSON.parse(text) as { data: { blocks: string[] } }).data.blocks
    },
    exited,
    signal,
    stop: () => signal('SIGTERM'),
    kill: async () => void (await signal('SIGKILL')),
    async dispose() {
      await signal('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
