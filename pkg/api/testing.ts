/** Fakes of what the API stands on, and a server over them on a free loopback port. For tests. */
import type { Log } from '../base/ports.ts'
import type { IngestOptions, IngestProfile } from '../ingest/contract.ts'
import type { QueryEngine } from '../query/engine.ts'
import type { QueryStats } from '../query/result.ts'
import { type ApiOptions, DEFAULT_LIMITS } from './contract.ts'
import { createServer, type Server } from './server.ts'

export const STATS: QueryStats = {
  blocks: 2,
  row_groups_read: 3,
  row_groups_skipped: 5,
  bytes_read: 7,
  bytes_skipped: 11,
  requests: 13,
  cache_hits: 17,
  rows: 19,
  ms: 0.5,
  level: 'raw',
}

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** An engine in which every question fails but those given. */
export function fakeEngine(part: Partial<QueryEngine> = {}): QueryEngine {
  const unexpected = (): never => {
    throw new Error('this question was not expected')
  }
  return {
    profileTypes: unexpected,
    labelNames: unexpected,
    labelValues: unexpected,
    range: unexpected,
    report: unexpected,
    explain: unexpected,
    ...part,
  }
}

export interface Pushed {
  readonly profiles: readonly IngestProfile[]
  readonly options: IngestOptions
}

export interface TestServer {
  readonly host: string // host:port
  readonly port: number
  readonly url: string
  readonly pushed: Pushed[]
  readonly close: Server['close']
}

export async function startServer(part: Partial<ApiOptions> = {}): Promise<TestServer> {
  const pushed: Pushed[] = []
  const server = createServer({
    address: '127.0.0.1:0',
    engine: fakeEngine(),
    ingest: {
      async ingest(profiles, options) {
        pushed.push({ profiles, options })
        return { samples: profiles.length, repeated: 0 }
      },
    },
    scrape: { pools: () => [], dropped: () => [] },
    admin: fakeAdmin(),
    clock: { now: () => 1_700_000_000_000, monotonic: () => 0, sleep: async () => {} },
    log: silent,
    limits: DEFAULT_LIMITS,
    pageDir: null,
    pagePaths: [],
    pathPrefix: '',
    corsAllowedOrigins: [],
    enableLifecycle: false,
    enableAdminApi: false,
    ...part,
  })
  const { host, port } = await server.listen()
  return { host: `${host}:${port}`, port, url: `http://${host}:${port}`, pushed, close: server.close }
}

export function fakeAdmin(part: Partial<ApiOptions['admin']> = {}): ApiOptions['admin'] {
  return {
    ready: () => true,
    whenReady: async () => {},
    flush: async () => ({ blocks: ['01J00000000000000000000000'] }),
    reload: async () => {},
    quit() {},
    flags: () => [{ name: 'mode', value: 'all', default: 'all', help: 'what runs in this process' }],
    config: () => 'scrape_configs: []\n',
    version: () => ({ version: '0.1.0', revision: 'abc', branch: 'main', buildDate: '', runtime: 'v26' }),
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'decima_up 1\n' }),
    selfProfile: async kind => new TextEncoder().encode(kind),
    ...part,
  }
}
