/** Decima as a process of its own, on a free port, and what Linux says of its time and memory. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { NODE_ENVIRONMENT, NODE_FLAGS } from '../../bin/run.mjs'

const ROOT = join(import.meta.dirname, '../..')
/** Of /proc: ticks of a second. */
const TICKS = 100

export interface ServerOptions {
  /** Holds the storage and the configuration. */
  readonly folder: string
  readonly flags?: readonly string[]
  readonly nodeFlags?: readonly string[]
  /** Without it nothing is scraped. */
  readonly configFile?: string
}

export interface ServerProcess {
  readonly pid: number
  readonly address: string
  readonly storage: string
  readonly readyAfterMs: number
  /** Lines of the log so far. */
  readonly log: readonly string[]
  /** Seconds of user and system time, all threads, those that ended too. */
  cpu(): number
  /** The same of each thread that lives, by name. */
  cpuByThread(): Map<string, number>
  /** MiB: now, and the most there was. */
  memory(): { readonly now: number; readonly peak: number; readonly anonymous: number; readonly shared: number }
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const { folder, flags = [], nodeFlags = [] } = options
  mkdirSync(folder, { recursive: true })
  const config = options.configFile ?? join(folder, 'nothing.yaml')
  if (options.configFile === undefined) writeFileSync(config, 'scrape_configs: []\n')
  const storage = join(folder, 'data')
  const started = performance.now()
  const child = spawn(
    join(ROOT, 'node_modules/.bin/node'),
    [
      ...NODE_FLAGS,
      ...nodeFlags,
      join(ROOT, 'cmd/decima/main.ts'),
      'serve',
      `--config-path=${config}`,
      `--storage-path=${storage}`,
      '--http-address=127.0.0.1:0',
      '--web-enable-admin-api',
      ...flags,
    ],
    {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...NODE_ENVIRONMENT, ...process.env },
    },
  )
  const log: string[] = []
  let rest = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    log.push(...lines)
  })
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = new Promise<number | null>(resolve =>
    child.once('exit', code => {
      process.off('exit', kill)
      resolve(code)
    }),
  )
  const address = await untilReady(child, log)
  const readyAfterMs = performance.now() - started
  const pid = child.pid!
  return {
    pid,
    address,
    storage,
    readyAfterMs,
    log,
    cpu: () => cpuOf(`/proc/${pid}/stat`),
    cpuByThread() {
      const threads = new Map<string, number>()
      for (const id of readdirSync(`/proc/${pid}/task`)) {
        const name = readFileSync(`/proc/${pid}/task/${id}/comm`, 'utf8').trim()
        const key = id === String(pid) ? 'main' : name
        threads.set(key, (threads.get(key) ?? 0) + cpuOf(`/proc/${pid}/task/${id}/stat`))
      }
      return threads
    },
    memory() {
      const text = readFileSync(`/proc/${pid}/status`, 'utf8')
      const mib = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)![1]) / 1024
      return { now: mib('VmRSS'), peak: mib('VmHWM'), anonymous: mib('RssAnon'), shared: mib('RssShmem') }
    },
    stop(signal = 'SIGTERM') {
      process.kill(pid, signal)
      return ended
    },
  }
}

/** The address it listens on, once it says that it is ready. */
async function untilReady(child: ChildProcess, log: readonly string[]): Promise<string> {
  let ended = false
  child.once('exit', () => {
    ended = true
  })
  for (;;) {
    const ready = log.find(line => line.includes('Server is ready to receive web requests.'))
    if (ready !== undefined) return /address=(\S+)/.exec(ready)![1]!.replaceAll('"', '')
    if (ended) throw new Error(`the server ended before it was ready:\n${log.join('\n')}`)
    await sleep(5)
  }
}

function cpuOf(file: string): number {
  const fields = readFileSync(file, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}
