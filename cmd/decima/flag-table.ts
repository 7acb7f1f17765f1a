/**
 * Every flag of `decima serve`, once: the parser, `--help`, `/flags` and `docs/flags.md` are made from this table.
 * A flag's key here is its name in `ServeFlags`; names on the command line have hyphens only, aliases are what people type
 * out of Prometheus or Parca habit.
 */
import { formatDuration, formatSize, parseDuration, parseSize } from '../../pkg/config/units.ts'
import { parseListenAddress } from './address.ts'

export interface FlagKind<V> {
  /** Stands for the value in help texts; empty for a switch. */
  readonly placeholder: string
  /** What a right value is, for error messages. */
  readonly expected: string
  /** undefined when `text` is no such value. */
  parse(text: string): V | undefined
  format(value: V): string
  /** A switch needs no value: `--flag`, `--no-flag`, `--flag=false`. */
  readonly isSwitch: boolean
  /** Given again, the values add up; else the last one counts. */
  readonly isList: boolean
}

export interface Flag<V> {
  readonly name: string
  readonly kind: FlagKind<V>
  readonly fallback: V
  readonly group: FlagGroup
  readonly help: string
  readonly aliases: readonly string[]
  /** Values that are understood but not served yet: given, they are refused, so that nobody relies on them. */
  readonly notYet: 'always' | 'no effect' | readonly string[]
}

export type FlagGroup = 'Server' | 'Storage' | 'Limits' | 'Scraping' | 'Queries' | 'Logs'

const plain = { isSwitch: false, isList: false }

export const text: FlagKind<string> = {
  ...plain,
  placeholder: 'TEXT',
  expected: 'text',
  parse: t => t,
  format: v => v,
}
export const address: FlagKind<string> = {
  ...text,
  placeholder: 'HOST:PORT',
  expected: 'an address like :7070 or 127.0.0.1:7070',
  parse: t => (parseListenAddress(t) === null ? undefined : t),
}
export const toggle: FlagKind<boolean> = {
  placeholder: '',
  expected: 'true or false',
  parse: t => (t === 'true' ? true : t === 'false' ? false : undefined),
  format: String,
  isSwitch: true,
  isList: false,
}
export const count: FlagKind<number> = {
  ...plain,
  placeholder: 'N',
  expected: 'a whole number, 0 or above',
  parse: t => (/^\d{1,15}$/.test(t) ? Number(t) : undefined),
  format: String,
}
export const duration: FlagKind<number> = {
  ...plain,
  placeholder: 'TIME',
  expected: 'a duration like 30s, 1h30m or 30d',
  parse: t => parseDuration(t) ?? undefined,
  format: formatDuration,
}
export const size: FlagKind<number> = {
  ...plain,
  placeholder: 'SIZE',
  expected: 'a size like 256MiB, or bytes',
  parse: t => parseSize(t) ?? undefined,
  format: formatSize,
}
export const sizeOrAuto: FlagKind<number | null> = {
  ...size,
  parse: t => (t === 'auto' ? null : size.parse(t)),
  format: v => (v === null ? 'auto' : formatSize(v)),
}
export const list: FlagKind<readonly string[]> = {
  ...plain,
  placeholder: 'A,B',
  expected: 'a list with commas',
  parse: t =>
    t
      .split(',')
      .map(item => item.trim())
      .filter(item => item !== ''),
  format: v => v.join(','),
  isList: true,
}
export function choice<const C extends string>(...choices: readonly C[]): FlagKind<C> {
  return {
    ...plain,
    placeholder: choices.join('|'),
    expected: `one of ${choices.join(', ')}`,
    parse: t => choices.find(c => c === t),
    format: v => v,
  }
}

function flag<V>(
  group: FlagGroup,
  name: string,
  kind: FlagKind<V>,
  fallback: NoInfer<V>,
  help: string,
  more: { readonly aliases?: readonly string[]; readonly notYet?: 'always' | 'no effect' | readonly string[] } = {},
): Flag<V> {
  return { group, name, kind, fallback, help, aliases: more.aliases ?? [], notYet: more.notYet ?? [] }
}

const MIB = 1024 * 1024
const GIB = 1024 * MIB
const HOUR = 3_600_000
const DAY = 24 * HOUR

const SAMPLE_LABELS = [
  ...['trace_id', 'span_id', 'profile_id', 'thread_id', 'thread.id', 'tid', 'pid', 'process_pid', 'process.pid'],
  ...['process.parent_pid', 'process.creation.time'],
]
const SERVICE_LABELS = ['service_name', 'service', 'app_kubernetes_io_name', 'app', 'container', 'job']

export const FLAGS = {
  configPath: flag('Server', 'config-path', text, 'parca.yaml', 'The configuration file.', {
    aliases: ['config.file'],
  }),
  httpAddress: flag(
    'Server',
    'http-address',
    address,
    ':7070',
    'Where everything is served: HTTP, gRPC and the page. An empty host means all of them.',
    { aliases: ['web.listen-address', 'port'] },
  ),
  httpReadTimeout: flag(
    'Server',
    'http-read-timeout',
    duration,
    5000,
    'The headers of a request must have arrived within this time.',
  ),
  httpWriteTimeout: flag(
    'Server',
    'http-write-timeout',
    duration,
    60_000,
    'An answer must be ready within this time.',
    { notYet: 'no effect' },
  ),
  pathPrefix: flag('Server', 'path-prefix', text, '', 'Put before every path of the page and the APIs.'),
  corsAllowedOrigins: flag(
    'Server',
    'cors-allowed-origins',
    list,
    [],
    'Origins whose pages may use the APIs. `*` allows every origin, as the only entry.',
  ),
  mode: flag(
    'Server',
    'mode',
    choice('all', 'scraper-only', 'query'),
    'all',
    'What this process does: everything, only scraping, or only answering queries from the bucket.',
    { notYet: ['scraper-only', 'query'] },
  ),
  memoryLimit: flag(
    'Server',
    'memory-limit',
    sizeOrAuto,
    null,
    'The memory meant for the whole server; in this version it is only checked at the start. `auto` is 75 % of the cgroup limit, else 60 % of RAM. Below 256MiB it refuses to start.',
  ),
  webConfigFile: flag('Server', 'web-config-file', text, '', 'TLS and users (web.yml).', {
    aliases: ['web.config.file'],
    notYet: 'always',
  }),
  webEnableLifecycle: flag('Server', 'web-enable-lifecycle', toggle, false, 'Serve POST /-/reload and POST /-/quit.', {
    aliases: ['web.enable-lifecycle'],
  }),
  webEnableAdminApi: flag('Server', 'web-enable-admin-api', toggle, false, 'Serve POST /api/v1/admin/flush.', {
    aliases: ['web.enable-admin-api'],
  }),

  storagePath: flag('Storage', 'storage-path', text, 'data', 'The folder of the WAL and the blocks.', {
    aliases: ['storage.tsdb.path'],
  }),
  storageWalSync: flag(
    'Storage',
    'storage-wal-sync',
    choice('always', 'interval', 'off'),
    'always',
    'When the WAL is synced to disk. `always` is before a profile is acknowledged; the others can lose the last ones in a crash.',
  ),
  storageActiveMemory: flag(
    'Storage',
    'storage-active-memory',
    size,
    256 * MIB,
    'The head is sealed into a block when it takes this much memory.',
  ),
  storageBlockDuration: flag(
    'Storage',
    'storage-block-duration',
    duration,
    30 * 60_000,
    'The head is sealed into a block when it is this old.',
  ),
  storageRetentionTime: flag(
    'Storage',
    'storage-retention-time',
    duration,
    30 * DAY,
    'Profiles older than this are not taken. Blocks are not deleted by age in this version.',
    {
      aliases: ['storage.tsdb.retention.time'],
    },
  ),
  storageRollupRetentionTime: flag(
    'Storage',
    'storage-rollup-retention-time',
    duration,
    400 * DAY,
    'How long roll-ups are kept.',
    { notYet: 'no effect' },
  ),
  storageRetentionSize: flag(
    'Storage',
    'storage-retention-size',
    size,
    0,
    'Oldest blocks go when local blocks take more than this. 0 is no limit.',
    { aliases: ['storage.tsdb.retention.size'], notYet: 'no effect' },
  ),
  storageLocalRetention: flag(
    'Storage',
    'storage-local-retention',
    duration,
    DAY,
    'How long blocks that are in the bucket stay on the local disk.',
    { notYet: 'no effect' },
  ),
  storageMinFreeBytes: flag(
    'Storage',
    'storage-min-free-bytes',
    size,
    GIB,
    'With less free disk than this the server only reads.',
  ),
  storageUploadLevel: flag(
    'Storage',
    'storage-upload-level',
    count,
    1,
    'The lowest compaction level that is shipped to the bucket. 0 suits disks that do not last.',
    { notYet: 'no effect' },
  ),
  storageDeleteDelay: flag(
    'Storage',
    'storage-delete-delay',
    duration,
    HOUR,
    'How long replaced blocks stay in the bucket.',
    { notYet: 'no effect' },
  ),
  storageKeepAddresses: flag(
    'Storage',
    'storage-keep-addresses',
    toggle,
    false,
    'Addresses of frames that have a function name tell stacks apart too.',
  ),
  storageSampleLabels: flag(
    'Storage',
    'storage-sample-labels',
    list,
    SAMPLE_LABELS,
    'Labels of a sample that are kept with the sample, not as labels of the series.',
  ),
  storageEventsRetentionTime: flag(
    'Storage',
    'storage-events-retention-time',
    duration,
    2 * DAY,
    'How long samples with times or labels of their own are kept.',
    { notYet: 'no effect' },
  ),

  bodySizeLimit: flag('Limits', 'body-size-limit', size, 64 * MIB, 'Bytes of one profile after decompression.'),
  sampleLimit: flag('Limits', 'sample-limit', count, 200_000, 'Samples in one profile.'),
  stackDepthLimit: flag(
    'Limits',
    'stack-depth-limit',
    count,
    1024,
    'Frames of one stack. The innermost are kept, under one root frame `[truncated]`.',
  ),
  labelLimit: flag('Limits', 'label-limit', count, 64, 'Labels of one series, its name not counted.'),
  labelNameLengthLimit: flag('Limits', 'label-name-length-limit', size, 1024, 'Bytes of a label name.'),
  labelValueLengthLimit: flag('Limits', 'label-value-length-limit', size, 4096, 'Bytes of a label value.'),
  stringLimit: flag('Limits', 'string-limit', count, 1_000_000, 'Strings in one profile.'),
  stringLengthLimit: flag(
    'Limits',
    'string-length-limit',
    size,
    64 * 1024,
    'Bytes of a string in a profile. Longer ones are cut.',
  ),
  messageSizeLimit: flag('Limits', 'message-size-limit', size, 64 * MIB, 'Bytes of one message, pushed or answered.'),

  serviceLabels: flag(
    'Scraping',
    'service-labels',
    list,
    SERVICE_LABELS,
    'The first of these labels that a series has names its service.',
  ),
  scrapeAllowLinkLocal: flag(
    'Scraping',
    'scrape-allow-link-local',
    toggle,
    false,
    'Scrape link-local addresses too, where clouds serve their secrets.',
  ),

  queryLookbackDelta: flag(
    'Queries',
    'query-lookback-delta',
    duration,
    300_000,
    'How far back a point in time looks for the last profile of a gauge.',
    { aliases: ['query.lookback-delta'], notYet: 'no effect' },
  ),

  logLevel: flag(
    'Logs',
    'log-level',
    choice('error', 'warn', 'info', 'debug'),
    'info',
    'Lines below this are dropped.',
    {
      aliases: ['log.level'],
    },
  ),
  logFormat: flag('Logs', 'log-format', choice('logfmt', 'json'), 'logfmt', 'How a log line is written.', {
    aliases: ['log.format'],
  }),
} satisfies Record<string, Flag<unknown>>

type ValueOf<F> = F extends Flag<infer V> ? V : never

/** Durations in milliseconds, sizes in bytes. */
export type ServeFlags = { readonly [K in keyof typeof FLAGS]: ValueOf<(typeof FLAGS)[K]> }
export type FlagKey = keyof ServeFlags

/** A flag that Parca has and that means nothing here: it is warned of once and ignored. */
export interface IgnoredFlag {
  readonly name: string
  readonly isSwitch: boolean
  readonly reason: string
}

const ignored = (reason: string, switches: readonly string[], others: readonly string[]): IgnoredFlag[] => [
  ...switches.map(name => ({ name, isSwitch: true, reason })),
  ...others.map(name => ({ name, isSwitch: false, reason })),
]

export const IGNORED_FLAGS: readonly IgnoredFlag[] = [
  ...ignored('profiles are always kept on disk', ['enable-persistence', 'storage-enable-wal'], []),
  ...ignored(
    'the layout of the store is chosen by itself',
    ['storage-index-on-disk'],
    ['storage-snapshot-trigger-size', 'storage-row-group-size'],
  ),
  ...ignored('it sets a counter of the Go runtime', [], ['mutex-profile-fraction', 'block-profile-rate']),
  ...ignored('traces of the server itself are not exported', ['otlp-insecure'], ['otlp-address', 'otlp-exporter']),
  ...ignored(
    'profiles must bring their symbols in this version',
    ['debuginfo-uploads-signed-url', 'debug-normalize-addresses'],
    [
      ...['symbolizer-demangle-mode', 'symbolizer-external-addr-2-line-path', 'symbolizer-number-of-tries'],
      ...['debuginfo-cache-dir', 'debuginfo-upload-max-size', 'debuginfo-upload-max-duration'],
      ...['debuginfod-upstream-servers', 'debuginfod-http-request-timeout'],
    ],
  ),
  ...ignored('profiles are not handed to other servers', [], ['profile-share-server']),
  ...ignored(
    'profiles are not forwarded to another store in this version',
    ['insecure', 'insecure-skip-verify'],
    ['store-address', 'bearer-token', 'bearer-token-file', 'external-label', 'grpc-headers'],
  ),
  ...ignored(
    'profiles are stored in blocks of our own in this version',
    ['iceberg-storage', 'clickhouse-enabled', 'clickhouse-secure'],
    [
      ...['clickhouse-address', 'clickhouse-database', 'clickhouse-username', 'clickhouse-password'],
      'clickhouse-table',
    ],
  ),
]
