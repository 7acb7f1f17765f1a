/**
 * What `parca.yaml` says, after defaults: the contract between the file and those who act on it. Durations are whole
 * milliseconds, sizes are bytes, and what the file may leave out is already filled in, so a reader never asks "and if it
 * is not there?". Plain data: two configurations can be compared by their JSON.
 */
import type { Label } from '../labels/labels.ts'
import type { RelabelRule } from '../labels/rule.ts'

export interface Config {
  /** The bucket blocks are shipped to, or null. */
  readonly objectStorage: ObjectStorage | null
  /** In the order of the file; job names are distinct. */
  readonly scrapeConfigs: readonly ScrapeConfig[]
}

/** Whatever the kind: `prefix` is put before every key, without slashes around it; empty = none. */
export type ObjectStorage = FilesystemStorage | S3Storage | GcsStorage | AzureStorage

export interface FilesystemStorage {
  readonly kind: 'filesystem'
  /** As written; a relative one starts at the folder of the process, as Parca has it. */
  readonly directory: string
  readonly prefix: string
}

export interface S3Storage {
  readonly kind: 's3'
  readonly prefix: string
  readonly bucket: string
  /** `host[:port]`; empty = Amazon's of the region. One of the two is there. */
  readonly endpoint: string
  readonly region: string
  /** Plain HTTP. */
  readonly insecure: boolean
  /** null = looked for where the platform keeps them. */
  readonly credentials: {
    readonly accessKey: string
    readonly secretKey: string
    readonly sessionToken: string | null
  } | null
  readonly lookup: 'auto' | 'path' | 'virtual-hosted'
  readonly listVersion: 1 | 2
  readonly contentMd5: boolean
  /** Bytes; null = never in parts. */
  readonly partSize: number | null
  readonly encryption:
    | { readonly kind: 'SSE-S3' }
    | { readonly kind: 'SSE-KMS'; readonly keyId: string; readonly context: Readonly<Record<string, string>> }
    | { readonly kind: 'SSE-C'; readonly keyFile: string }
    | null
  readonly metadata: Readonly<Record<string, string>>
  readonly tls: StoreTls | null
  /** null = the default. */
  readonly maxConnections: number | null
  readonly maxAttempts: number | null
}

/** Paths, absolute or from the folder of the configuration file. */
export interface StoreTls {
  readonly caFile: string | null
  readonly certFile: string | null
  readonly keyFile: string | null
  readonly serverName: string | null
  readonly insecureSkipVerify: boolean
}

export interface GcsStorage {
  readonly kind: 'gcs'
  readonly prefix: string
  readonly bucket: string
  /** JSON; null = the platform's. */
  readonly serviceAccount: string | null
  /** A multiple of 256 KiB; null = the default. */
  readonly chunkSize: number | null
  readonly maxAttempts: number | null
}

export interface AzureStorage {
  readonly kind: 'azure'
  readonly prefix: string
  /** Empty only with a connection string, which names it. */
  readonly account: string
  readonly container: string
  readonly endpoint: string
  readonly credentials:
    | { readonly kind: 'key'; readonly key: string }
    | { readonly kind: 'connection-string'; readonly text: string }
    | {
        readonly kind: 'client-secret'
        readonly tenantId: string
        readonly clientId: string
        readonly clientSecret: string
      }
    | { readonly kind: 'managed'; readonly clientId: string | null }
  readonly createContainer: boolean
  readonly maxAttempts: number | null
}

/** One job: whom to ask, how often, for which profiles. */
export interface ScrapeConfig {
  readonly jobName: string
  /** At least 1,000. */
  readonly intervalMs: number
  /** The deadline of one request. Always set; a delta scrape needs its seconds and some slack, whatever this says. */
  readonly timeoutMs: number
  readonly scheme: 'http' | 'https'
  /** Query parameters sent with every request; each has at least one value. */
  readonly params: readonly QueryParam[]
  /** Built-in and own profile types, built-ins first. Those not enabled are kept so that they can be shown. */
  readonly profiles: readonly ProfilingTarget[]
  readonly relabelRules: readonly RelabelRule[]
  readonly staticGroups: readonly TargetGroup[]
  readonly limits: ScrapeLimits
  readonly http: HttpClientConfig
}

export interface QueryParam {
  readonly name: string
  readonly values: readonly string[]
}

/** One entry of `pprof_config`: a profile that every target of the job is asked for. */
export interface ProfilingTarget {
  /** The label `__name__`: `process_cpu`, `memory`, … */
  readonly name: string
  readonly enabled: boolean
  /** The label `__profile_path__`; `path_prefix` is already in it. Begins with `/`; empty only where not enabled. */
  readonly path: string
  /** Asks for a span of time: the request carries `seconds`. */
  readonly delta: boolean
  /** What the file says for `seconds`; null = derived from the interval. */
  readonly seconds: number | null
  /** Sample types kept; null keeps all. */
  readonly keepSampleTypes: readonly { readonly type: string; readonly unit: string }[] | null
}

/** Targets that share labels; what every kind of discovery emits. */
export interface TargetGroup {
  /** Where it comes from, unique within the job: `static/0`. */
  readonly source: string
  /**
   * `host:port`, `host`, or with `relabel_configs` any text that they turn into one. The literal `self` stands for the address
   * this server listens on; who starts the scraping puts it in.
   */
  readonly targets: readonly string[]
  /** Sorted by name. */
  readonly labels: readonly Label[]
}

/** The reserved target of a static group: this server itself. */
export const SELF_TARGET = 'self'

/** Limits of one scrape. null = what the flag of the same name says; 0 = none. */
export interface ScrapeLimits {
  readonly bodySize: number | null // bytes after decompression
  readonly samples: number | null // pprof samples
  readonly stackDepth: number | null
  readonly labels: number | null // without __name__
  readonly labelNameLength: number | null // bytes
  readonly labelValueLength: number | null // bytes
  readonly strings: number | null
  readonly stringLength: number | null // bytes
  /** Of the job, not of one scrape; has no flag: null = none. Above it no target of the job is scraped. */
  readonly targets: number | null
  /** How many dropped targets are remembered for showing; has no flag: null = all. */
  readonly keepDroppedTargets: number | null
}

/** How requests are made. Files are read when used, so that rotated secrets count. Relative paths start at the file's folder. */
export interface HttpClientConfig {
  /** At most one of `basicAuth` and `authorization` is there. */
  readonly basicAuth: BasicAuth | null
  /** `Authorization: <type> <credentials>`; `bearer_token` and `bearer_token_file` come as this too. */
  readonly authorization: Authorization | null
  readonly tls: TlsConfig | null
  readonly followRedirects: boolean
  readonly enableHttp2: boolean
  readonly headers: readonly HttpHeader[]
}

/** Text, or the file that holds it (trimmed when read). */
export type Secret = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'file'; readonly path: string }

export interface BasicAuth {
  readonly username: Secret
  readonly password: Secret
}

export interface Authorization {
  readonly type: string
  readonly credentials: Secret
}

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3' // as node:tls writes them

export interface TlsConfig {
  /** PEM. null = the system's authorities. */
  readonly ca: Secret | null
  /** Client certificate and key, PEM: both or neither. */
  readonly cert: Secret | null
  readonly key: Secret | null
  /** Name the certificate must carry; null = the target's host. */
  readonly serverName: string | null
  readonly insecureSkipVerify: boolean
  readonly minVersion: TlsVersion | null
  readonly maxVersion: TlsVersion | null
}

export interface HttpHeader {
  readonly name: string
  /** In the order they are sent: values, then secrets, then files. */
  readonly values: readonly (Secret & { readonly secret: boolean })[]
}
