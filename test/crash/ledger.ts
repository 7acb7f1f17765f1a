/**
 * Clients that keep a ledger. Each pushes requests of one to three profiles, every profile different, and writes down what
 * was acknowledged. What was not, because the server died, is sent again with the same bytes, or given up for good.
 *
 *   acknowledged          must be there once, with the exact sums
 *   pending, given up     may be there, once, and then the whole request
 */

import { foldedProfile, foldedSums } from '../support/folded.ts'
import { type ParcaClient, type Push, type Range, refusal } from '../support/parca-client.ts'

export const TYPES = ['ledger:entries:count:space:bytes:delta', 'ledger:work:bytes:space:bytes:delta'] as const
const NANOS_PER_MS = 1_000_000n

interface Entry {
  readonly id: string
  /** Of the profile's own stack, one per type. */
  readonly values: readonly [bigint, bigint]
  /** Of the stack that all profiles share. */
  readonly shared: readonly [bigint, bigint]
}
interface Request {
  readonly entries: readonly Entry[]
  readonly series: readonly Push[]
}

export interface Ledger {
  readonly acknowledged: Map<string, Entry>
  /** Requests whose fate no client knows, and that no client sends again. */
  readonly givenUp: (readonly Entry[])[]
  /** By client: the request that is on its way, or was when the server died. */
  readonly pending: Map<string, readonly Entry[]>
  requests: number
  sentAgain: number
  /** First profile to last. */
  start: bigint
  end: bigint
}

export const createLedger = (): Ledger => ({
  acknowledged: new Map(),
  givenUp: [],
  pending: new Map(),
  requests: 0,
  sentAgain: 0,
  start: BigInt(Date.now()) * NANOS_PER_MS,
  end: 0n,
})

export interface LedgerClient {
  /** Pushes until the signal, or until the server is gone. */
  push(client: ParcaClient, signal: AbortSignal): Promise<void>
  /** Sends what is not acknowledged; throws when it is refused. */
  settle(client: ParcaClient): Promise<void>
}

export function createLedgerClient(ledger: Ledger, name: string, random: () => number): LedgerClient {
  let next = 0
  let pending: Request | null = null

  const newRequest = (): Request => {
    const entries = Array.from({ length: 1 + Math.floor(random() * 3) }, () => newEntry(`${name}-${next++}`, random))
    return {
      entries,
      series: entries.map(entry => ({ labels: labelsOf(entry, name), bodies: [bodyOf(entry, ledger)] })),
    }
  }
  const send = async (client: ParcaClient, request: Request): Promise<void> => {
    ledger.requests++
    await client.push(...request.series)
    for (const entry of request.entries) ledger.acknowledged.set(entry.id, entry)
    drop()
  }
  const hold = (request: Request): Request => {
    pending = request
    ledger.pending.set(name, request.entries)
    return request
  }
  const drop = (): void => {
    pending = null
    ledger.pending.delete(name)
  }
  const settle = async (client: ParcaClient): Promise<void> => {
    if (pending === null) return
    ledger.sentAgain++
    await send(client, pending)
  }
  return {
    settle,
    async push(client, signal) {
      try {
        if (pending !== null && random() < 0.2) {
          ledger.givenUp.push(pending.entries)
          drop()
        }
        await settle(client)
        while (!signal.aborted) await send(client, hold(newRequest()))
      } catch (error) {
        const { code, details } = await refusal(Promise.reject(error))
        if (!['UNAVAILABLE', 'CANCELLED', 'INTERNAL', 'UNKNOWN'].includes(code)) throw new Error(`${code}: ${details}`)
      }
    },
  }
}

/** Big enough that a sum of some thousand needs more than a double, and stays within int64. */
const newEntry = (id: string, random: () => number): Entry => {
  const value = (): bigint => 1n + BigInt(Math.floor(random() * 2 ** 49))
  return { id, values: [value(), value()], shared: [value(), 1n] }
}

const labelsOf = ({ id }: Entry, client: string) => ({ __name__: 'ledger', job: 'ledger', client, id })

function bodyOf({ id, values, shared }: Entry, ledger: Ledger): Uint8Array {
  const timeNanos = BigInt(Date.now()) * NANOS_PER_MS + BigInt(ledger.requests % 1_000_000)
  if (timeNanos > ledger.end) ledger.end = timeNanos
  return foldedProfile([`main;book;${id} ${values.join(' ')}`, `main;shared ${shared.join(' ')}`], {
    types: ['entries/count', 'work/bytes'],
    period: 'space/bytes',
    timeNanos,
  })
}

export interface Audit {
  readonly acknowledged: number
  readonly lost: string[]
  readonly doubled: string[]
  /** There with other sums, or never pushed at all. */
  readonly wrong: string[]
  /** Requests of which some profiles are there and some are not. */
  readonly halved: string[]
  /** Of those whose fate is not known: how many made it. */
  readonly survivors: number
}

/** Holds what the server answers against the ledger: totals of each profile by its label, and stacks of the whole merge. */
export async function audit(client: ParcaClient, ledger: Ledger): Promise<Audit> {
  const range: Range = { start: ledger.start - 1_000_000_000n, end: ledger.end + 1_000_000_000n }
  const found = new Map<string, [bigint, bigint]>()
  const stacks = new Map<string, bigint>()
  for (const [t, type] of TYPES.entries()) {
    if (!(await client.types()).includes(type)) continue
    for (const { labels, points } of await client.range(`${type}{job="ledger"}`, range, { sumBy: ['id'] })) {
      const id = labels['id']!
      const sums = found.get(id) ?? [0n, 0n]
      for (const point of points) sums[t]! += point.value
      found.set(id, sums)
    }
    for (const [stack, [value]] of foldedSums(await client.pprof(`${type}{job="ledger"}`, range)))
      stacks.set(`${t} ${stack}`, value!)
  }

  const lost: string[] = []
  const doubled: string[] = []
  const wrong: string[] = []
  const halved: string[] = []
  const shared: [bigint, bigint] = [0n, 0n]
  const known = new Set<string>()
  const check = (entry: Entry): boolean => {
    const sums = found.get(entry.id)
    if (sums === undefined) return false
    known.add(entry.id)
    const times = [1n, 2n, 3n].find(n => [0, 1].every(t => sums[t] === n * (entry.values[t]! + entry.shared[t]!)))
    if (times === undefined) wrong.push(entry.id)
    else if (times > 1n) doubled.push(entry.id)
    for (const t of [0, 1] as const) {
      shared[t] += entry.shared[t]
      if (stacks.get(`${t} main;book;${entry.id}`) !== entry.values[t]) wrong.push(`${entry.id} in the merge`)
    }
    return true
  }
  for (const entry of ledger.acknowledged.values()) if (!check(entry)) lost.push(entry.id)
  let survivors = 0
  for (const request of [...ledger.givenUp, ...ledger.pending.values()]) {
    const there = request.filter(check).length
    if (there !== 0 && there !== request.length) halved.push(request.map(e => e.id).join())
    survivors += there
  }
  for (const t of [0, 1] as const) {
    const sum = stacks.get(`${t} main;shared`) ?? 0n
    if (sum !== shared[t]) wrong.push(`shared stack of ${TYPES[t]}: ${sum}, not ${shared[t]}`)
  }
  for (const id of found.keys()) if (!known.has(id)) wrong.push(`${id} was never pushed`)
  return { acknowledged: ledger.acknowledged.size, lost, doubled, wrong, halved, survivors }
}
