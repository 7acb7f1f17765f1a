/** Parca's services over gRPC by @grpc/grpc-js, which shares no code with the server. */
import { join } from 'node:path'
import { credentials, type Client as GrpcClient, loadPackageDefinition, Metadata } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

const PROTO = join(import.meta.dirname, '../../proto')
const definition = loadSync(['parca/profilestore/v1alpha1/profilestore.proto', 'parca/query/v1alpha1/query.proto'], {
  includeDirs: [PROTO],
  longs: String,
  enums: String,
  defaults: true,
})

type Service = new (address: string, security: unknown, options: object) => GrpcClient
const packages = loadPackageDefinition(definition) as unknown as {
  parca: { profilestore: { v1alpha1: Record<string, Service> }; query: { v1alpha1: Record<string, Service> } }
}

export interface Stats {
  readonly blocks: number
  readonly rows: number
  readonly ms: number
  readonly bytes_read: number
  readonly row_groups_read: number
  readonly row_groups_skipped: number
}

export interface CallResult<T> {
  readonly value: T
  /** `decima-query-stats`, where the answer carries them. */
  readonly stats: Stats | null
}

export interface Connection {
  writeRaw(series: readonly RawSeries[]): Promise<void>
  /** A method of QueryService by its name in the proto. */
  // biome-ignore lint/suspicious/noExplicitAny: the messages are those of the proto, made at run time
  query(method: string, request: object): Promise<CallResult<any>>
  close(): void
}

export interface RawSeries {
  readonly labels: { readonly labels: readonly { readonly name: string; readonly value: string }[] }
  readonly samples: readonly { readonly rawProfile: Buffer }[]
}

/** A connection of its own: not one that others to this address share. */
export function connect(address: string): Connection {
  const options = {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': 256 << 20,
    'grpc.max_send_message_length': 64 << 20,
  }
  const open = (service: Service): GrpcClient => new service(address, credentials.createInsecure(), options)
  const store = open(packages.parca.profilestore.v1alpha1['ProfileStoreService']!)
  const queries = open(packages.parca.query.v1alpha1['QueryService']!)
  return {
    writeRaw: async series => {
      await call(store, 'WriteRaw', { series })
    },
    query: (method, request) => call(queries, method, request),
    close() {
      store.close()
      queries.close()
    },
  }
}

function call<T>(client: GrpcClient, method: string, request: object): Promise<CallResult<T>> {
  return new Promise((resolve, reject) => {
    let value: T
    const methods = client as unknown as Record<
      string,
      (
        request: object,
        metadata: Metadata,
        done: (error: Error | null, answer: T) => void,
      ) => { on(event: 'status', listener: (status: { metadata: Metadata }) => void): void }
    >
    const pending = methods[method]!(request, new Metadata(), (error, answer) => {
      if (error !== null) reject(error)
      else value = answer
    })
    // Comes last, also after an error.
    pending.on('status', ({ metadata }) => {
      const text = metadata.get('decima-query-stats')[0]
      resolve({ value, stats: text === undefined ? null : (JSON.parse(String(text)) as Stats) })
    })
  })
}

/** A time as the messages have it. */
export const timestamp = (ms: number): { seconds: string; nanos: number } => ({
  seconds: String(Math.floor(ms / 1000)),
  nanos: Math.round((ms % 1000) * 1e6),
})
