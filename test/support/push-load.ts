/** Pushes a load as the benchmarks define it, and checks what is there against it. */
import { type Connection, connect, timestamp } from './grpc-client.ts'
import { cpuNanos, type Load } from './standard-load.ts'

const CONNECTIONS = 4
const PER_REQUEST = 10

/** Pushes the profiles [from, to) and resolves once every one is acknowledged: rejects if one is not. */
export async function pushLoad(address: string, load: Load, from = 0, to = load.profiles.length): Promise<void> {
  let next = from
  const connections = Array.from({ length: CONNECTIONS }, () => connect(address))
  const run = async (connection: Connection): Promise<void> => {
    while (next < to) {
      const start = next
      next = Math.min(to, start + PER_REQUEST)
      await connection.writeRaw(
        Array.from({ length: next - start }, (_, i) => ({
          labels: { labels: load.labels(start + i) },
          samples: [{ rawProfile: load.body(start + i) }],
        })),
      )
    }
  }
  try {
    await Promise.all(connections.map(run))
  } finally {
    for (const connection of connections) connection.close()
  }
}

export interface Ledger {
  /** Profiles of the load that the server does not show, or not with their value. */
  readonly missing: number
  /** Points that are no profile's. */
  readonly surplus: number
}

/**
 * Every profile of the load against the series that the server shows, one by one: steps of a second hold one profile of
 * a pod each, whose total must be the profile's own.
 */
export async function checkLedger(address: string, load: Load): Promise<Ledger> {
  const connection = connect(address)
  const { value } = await connection.query('QueryRange', {
    query: 'process_cpu:cpu:nanoseconds:cpu:nanoseconds:delta{}',
    start: timestamp(load.startMs),
    end: timestamp(load.endMs),
    step: { seconds: '1', nanos: 0 },
    sumBy: ['pod'],
  })
  connection.close()
  const found = new Map<string, bigint>()
  for (const { labelset, samples } of value.series) {
    for (const sample of samples) {
      found.set(`${labelset.labels[0].value} ${sample.timestamp.seconds}`, BigInt(sample.value))
    }
  }
  let missing = 0
  for (const [i, profile] of load.profiles.entries()) {
    const pod = load.labels(i).find(l => l.name === 'pod')!.value
    const key = `${pod} ${Math.floor(profile.timeMs / 1000)}`
    if (found.get(key) !== cpuNanos(profile)) missing++
    found.delete(key)
  }
  return { missing, surplus: found.size }
}
