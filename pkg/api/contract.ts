/** What the API needs of the rest of the server, and what the program that starts it decides. Tests wire fakes of these. */
import type { Clock, Log } from '../base/ports.ts'
import type { Ingest, IngestLimits } from '../ingest/contract.ts'
import type { Labels } from '../labels/labels.ts'
import type { QueryEngine } from '../query/engine.ts'

/** One endpoint of one profile type, as the scrape manager sees it now. */
export interface ScrapeTarget {
  readonly job: string
  readonly discoveredLabels: Labels
  /** After relabelling, with `__name__` = the profile's name. */
  readonly labels: Labels
  readonly scrapeUrl: string
  readonly health: 'up' | 'down' | 'unknown'
  /** Empty when the last scrape was good. */
  readonly lastError: string
  readonly lastScrapeMs: number | null // unix ms
  readonly lastScrapeDurationSeconds: number
  readonly scrapeInterval: string // as in the configuration: `10s`
  readonly scrapeTimeout: string
}
/** A target that relabelling dropped. */
export interface DroppedTarget {
  readonly job: string
  readonly discoveredLabels: Labels
}

/** Read-only: what is being scraped. */
export interface ScrapeView {
  /** In the order of the configuration; a pool without targets is there, empty. */
  pools(): readonly { readonly name: string; readonly targets: readonly ScrapeTarget[] }[]
  dropped(): readonly DroppedTarget[]
}

export interface FlagRow {
  readonly name: string
  readonly value: string
  readonly default: string
  readonly help: string
}

export interface VersionInfo {
  readonly version: string
  readonly revision: string
  readonly branch: string
  readonly buildDate: string
  readonly runtime: string
}

export type SelfProfileKind = 'profile' | 'heap' | 'allocs'

export interface Admin {
  ready(): boolean
  /** Resolves when `ready()` first holds. */
  whenReady(): Promise<void>
  /** Seals the head into blocks; resolves after the manifest names them. A second call waits for the first. */
  flush(): Promise<{ readonly blocks: readonly string[] }>
  /** Rejects when the new configuration is wrong; the old one stays in force. */
  reload(): Promise<void>
  /** Begins a clean stop. */
  quit(): void
  flags(): readonly FlagRow[]
  /** YAML in force, secrets masked. */
  config(): string
  version(): VersionInfo
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
  /** gzip pprof of this process. Stops early when `signal` aborts. */
  selfProfile(kind: SelfProfileKind, seconds: number, signal: AbortSignal): Promise<Uint8Array>
}

/** One answered request, for metrics and the request log. */
export interface Served {
  readonly protocol: 'grpc' | 'grpc-web' | 'connect' | 'http'
  /** An RPC's `service/method`, or a route's `METHOD /path/{pattern}`. */
  readonly route: string
  /** A gRPC status name for RPCs (`OK`, `NotFound` …), an HTTP status otherwise. */
  readonly code: string
  readonly seconds: number
}

export interface ApiLimits {
  /** One message, either way; also a REST body. Bytes. */
  readonly messageSize: number
  readonly ingest: IngestLimits
  /** A connection that has not sent its request's headers by then is closed. */
  readonly headersTimeoutMs: number
  /** A request whose body has not arrived by then is closed. */
  readonly requestTimeoutMs: number
  /** On close, what runs may go on for so long. */
  readonly closeGraceMs: number
}

export interface ApiOptions {
  /** `host:port`, `[v6]:port` or `:port` (every interface). Port 0 takes a free one. */
  readonly address: string
  readonly engine: QueryEngine
  readonly ingest: Ingest
  readonly scrape: ScrapeView
  readonly admin: Admin
  readonly clock: Clock
  readonly log: Log
  readonly limits: ApiLimits
  /** Folder of the built page, or null: there is none. */
  readonly pageDir: string | null
  /** Paths that the page draws itself, besides `/`. */
  readonly pagePaths: readonly string[]
  /** Empty or `/prefix` without a slash at its end. RPCs are served with and without it. */
  readonly pathPrefix: string
  /** Origins, each whole; `*` counts only when it stands alone. */
  readonly corsAllowedOrigins: readonly string[]
  readonly enableLifecycle: boolean
  readonly enableAdminApi: boolean
  /** Told of each answer; must not throw. */
  readonly observe?: (served: Served) => void
}

export const DEFAULT_LIMITS: ApiLimits = {
  messageSize: 64 << 20,
  ingest: {
    bodySize: 64 << 20,
    samples: 200_000,
    stackDepth: 1_024,
    labels: 64,
    labelNameLength: 1_024,
    labelValueLength: 4_096,
    strings: 1_000_000,
    stringLength: 64 << 10,
  },
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 300_000,
  closeGraceMs: 3_000,
}
