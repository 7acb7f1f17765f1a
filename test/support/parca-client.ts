/** Parca's services asked by `@grpc/grpc-js`, a client that shares no code with the server. int64 comes as bigint. */
import { join } from 'node:path'
import * as grpc from '@grpc/grpc-js'
import * as loader from '@grpc/proto-loader'

const definitions = loader.loadSync(
  [
    'parca/query/v1alpha1/query.proto',
    'parca/profilestore/v1alpha1/profilestore.proto',
    'parca/scrape/v1alpha1/scrape.proto',
    'grpc/health/v1/health.proto',
  ],
  {
    includeDirs: [join(import.meta.dirname, '../../proto')],
    longs: String,
    enums: String,
    oneofs: true,
    keepCase: true,
    defaults: true,
  },
)

// biome-ignore lint/suspicious/noExplicitAny: what a dynamic client answers has no type
type Any = any

export type LabelMap = Readonly<Record<string, string>>
export interface Push {
  readonly labels: LabelMap
  readonly bodies: readonly Uint8Array[]
}
export interface Range {
  /** Unix nanoseconds, both inclusive. */
  readonly start: bigint
  readonly end: bigint
}
export interface Point {
  readonly timeNanos: bigint
  readonly value: bigint
  readonly count: number
}
export interface Series {
  readonly labels: LabelMap
  readonly points: readonly Point[]
}
/** A status other than OK. */
export interface Refusal {
  readonly code: string
  readonly details: string
}

export interface ParcaClient {
  push(...series: readonly Push[]): Promise<void>
  types(range?: Range): Promise<string[]>
  labels(range: Range, match?: string): Promise<string[]>
  values(name: string, range: Range, match?: string): Promise<string[]>
  range(query: string, range: Range, options?: { sumBy?: readonly string[]; stepNanos?: bigint }): Promise<Series[]>
  /** The merge of a selection, as the oneof of QueryResponse. */
  merge(query: string, range: Range, report: string): Promise<Any>
  diff(query: string, a: Range, b: Range, report: string): Promise<Any>
  /** gzip pprof of the merge. */
  pprof(query: string, range: Range): Promise<Uint8Array>
  health(): Promise<string>
  targets(): Promise<Any>
  close(): void
}

export function connectParca(host: string): ParcaClient {
  const client = (service: string): Any => {
    const Client = grpc.makeGenericClientConstructor(definitions[service] as grpc.ServiceDefinition, service)
    return new Client(host, grpc.credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.enable_retries': 0,
      // Each client has its own connection: a killed server must not leave one in a pool.
      'grpc.use_local_subchannel_pool': 1,
    })
  }
  const query = client('parca.query.v1alpha1.QueryService')
  const store = client('parca.profilestore.v1alpha1.ProfileStoreService')
  const scrape = client('parca.scrape.v1alpha1.ScrapeService')
  const healthy = client('grpc.health.v1.Health')
  const merge = async (text: string, range: Range, report: string) =>
    ask(query, 'Query', {
      mode: 'MODE_MERGE',
      merge: { query: text, ...span(range) },
      report_type: `REPORT_TYPE_${report}`,
      node_trim_threshold: 0,
    })
  return {
    async push(...series) {
      await ask(store, 'WriteRaw', {
        series: series.map(({ labels, bodies }) => ({
          labels: { labels: Object.entries(labels).map(([name, value]) => ({ name, value })) },
          samples: bodies.map(body => ({ raw_profile: body })),
        })),
      })
    },
    async types(range) {
      const { types } = await ask(query, 'ProfileTypes', range === undefined ? {} : span(range))
      return types.map((t: Any) =>
        [t.name, t.sample_type, t.sample_unit, t.period_type, t.period_unit, ...(t.delta ? ['delta'] : [])].join(':'),
      )
    },
    labels: async (range, match) =>
      (await ask(query, 'Labels', { ...span(range), match: match === undefined ? [] : [match] })).label_names,
    values: async (name, range, match) =>
      (await ask(query, 'Values', { label_name: name, ...span(range), match: match === undefined ? [] : [match] }))
        .label_values,
    async range(text, range, { sumBy = [], stepNanos = 0n } = {}) {
      const { series } = await ask(query, 'QueryRange', {
        query: text,
        ...span(range),
        sum_by: sumBy,
        ...(stepNanos === 0n ? {} : { step: parts(stepNanos) }),
      })
      return series.map((one: Any) => ({
        labels: Object.fromEntries((one.labelset?.labels ?? []).map((l: Any) => [l.name, l.value])),
        points: one.samples.map((s: Any) => ({
          timeNanos: BigInt(s.timestamp.seconds) * 1_000_000_000n + BigInt(s.timestamp.nanos),
          value: BigInt(s.value),
          count: s.count,
        })),
      }))
    },
    merge,
    diff: (text, a, b, report) =>
      ask(query, 'Query', {
        mode: 'MODE_DIFF',
        diff: {
          a: { mode: 'MODE_MERGE', merge: { query: text, ...span(a) } },
          b: { mode: 'MODE_MERGE', merge: { query: text, ...span(b) } },
        },
        report_type: `REPORT_TYPE_${report}`,
        node_trim_threshold: 0,
      }),
    pprof: async (text, range) => (await merge(text, range, 'PPROF')).pprof,
    health: async () => (await ask(healthy, 'Check', {})).status,
    targets: () => ask(scrape, 'Targets', {}),
    close() {
      for (const one of [query, store, scrape, healthy]) one.close()
    },
  }
}

/** The refusal of a call; an answer is an error. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call
  } catch (error) {
    const { code, details } = error as grpc.ServiceError
    if (code === undefined) throw error
    return { code: grpc.status[code]!, details }
  }
  throw new Error('it was answered')
}

function ask(client: Any, method: string, request: object): Promise<Any> {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + 60_000
    client[method](request, { deadline }, (error: Error | null, answer: Any) =>
      error === null ? resolve(answer) : reject(error),
    )
  })
}

const parts = (nanos: bigint) => ({ seconds: String(nanos / 1_000_000_000n), nanos: Number(nanos % 1_000_000_000n) })
const span = ({ start, end }: Range) => ({ start: parts(start), end: parts(end) })
