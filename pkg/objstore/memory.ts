/**
 * A bucket in memory, for tests: the same shell as the real ones, over a map. It counts requests, draws faults, and can
 * behave as the worse stores do: lists that lag behind, conditions that are not looked at.
 */
import type { Clock } from '../base/ports.ts'
import { systemClock } from '../base/system.ts'
import { type BucketOptions, createBucket } from './bucket.ts'
import type { Bucket, ListedObject } from './contract.ts'
import { StoreError } from './errors.ts'
import type { Fault, FaultPlan, FaultRequest } from './faults.ts'
import type { ListPage, Store } from './store.ts'

export interface MemoryObject {
  readonly body: Uint8Array
  readonly etag: string
  readonly md5: string
  readonly token: string
  readonly lastModifiedMs: number
}

export interface MemoryBehaviour {
  /** May be changed while the bucket is in use. */
  faults: FaultPlan
  /** A list shows the bucket as it was this long ago. */
  listLagMs: number
  /** Whether conditions are looked at. */
  conditional: boolean
}

export interface MemoryBucket extends Bucket {
  /** What is stored, behind the counters' back. */
  readonly objects: Map<string, MemoryObject>
  readonly behaviour: MemoryBehaviour
}

const PAGE = 1000

export function createMemoryBucket(options: BucketOptions & Partial<MemoryBehaviour> = {}): MemoryBucket {
  const { faults = () => null, listLagMs = 0, conditional = true, ...shell } = options
  const clock = shell.clock ?? systemClock
  const behaviour: MemoryBehaviour = { faults, listLagMs, conditional }
  const objects = new Map<string, MemoryObject>()
  const bucket = createBucket(memoryStore(objects, behaviour, clock), shell)
  return Object.defineProperties(bucket, {
    objects: { value: objects },
    behaviour: { value: behaviour },
  }) as MemoryBucket
}

/** Several buckets may stand over one map: several processes with one store. */
export function memoryStore(objects: Map<string, MemoryObject>, behaviour: MemoryBehaviour, clock: Clock): Store {
  let version = 0
  /** Every change with its time, oldest first: what a lagging list is made from. */
  const history: { key: string; listed: ListedObject | null; at: number }[] = []

  /** Runs `act` as the store would, with the fault that is due. */
  async function serve<T>(request: FaultRequest, signal: AbortSignal, act: () => T): Promise<T> {
    const fault: Fault | null = behaviour.faults(request)
    await Promise.resolve()
    switch (fault?.kind) {
      case 'refuse':
        throw new StoreError('unavailable', '503 SlowDown')
      case 'reset':
        throw new StoreError('unavailable', 'connection reset')
      case 'delay':
        await clock.sleep(fault.ms, signal)
        if (signal.aborted) throw new StoreError('canceled', 'given up while waiting')
        break
      case 'lose-answer':
        act()
        throw new StoreError('unavailable', 'connection reset')
      case 'cut':
        if (request.operation !== 'put') act()
        throw new StoreError('unavailable', 'the body ended early')
    }
    return act()
  }

  function set(key: string, object: MemoryObject | null): void {
    const listed = object && { key, size: object.body.byteLength, lastModifiedMs: object.lastModifiedMs }
    if (object === null) objects.delete(key)
    else objects.set(key, object)
    history.push({ key, listed, at: clock.now() })
  }

  return {
    name: 'memory:',
    get: (key, range, signal) =>
      serve({ operation: 'get', key }, signal, () => {
        const object = objects.get(key)
        if (object === undefined) throw new StoreError('not_found', 'no such object')
        const { body, etag, md5 } = object
        if (range === null) return { body: body.slice(), etag, md5 }
        if (range.offset >= body.byteLength)
          throw new StoreError('out_of_range', `the object has ${body.byteLength} bytes`)
        return { body: body.slice(range.offset, range.offset + range.length), etag, md5 }
      }),
    put: (key, { content, condition, token }, attempt) =>
      attempt(
        'put',
        async signal => {
          const body = (await content.read(0, content.size)).slice()
          return await serve({ operation: 'put', key }, signal, () => {
            const there = objects.get(key)
            if (behaviour.conditional) {
              if (condition.kind === 'absent' && there !== undefined)
                throw new StoreError('precondition_failed', 'the object is there')
              if (condition.kind === 'version' && there?.etag !== condition.etag)
                throw new StoreError('precondition_failed', `the version there is ${there?.etag ?? 'none'}`)
            }
            const etag = `v${++version}`
            set(key, { body, etag, md5: content.md5.toString('hex'), token, lastModifiedMs: clock.now() })
            return { etag }
          })
        },
        content.size,
      ),
    head: (key, signal) =>
      serve({ operation: 'head', key }, signal, () => {
        const object = objects.get(key)
        return object === undefined ? null : { ...object, size: object.body.byteLength }
      }),
    remove: (key, signal) => serve({ operation: 'remove', key }, signal, () => set(key, null)),
    listPage: (prefix, cursor, signal) =>
      serve({ operation: 'list', key: prefix }, signal, () => {
        const seen = new Map<string, ListedObject>()
        if (behaviour.listLagMs > 0) {
          for (const { key, listed, at } of history) {
            if (at > clock.now() - behaviour.listLagMs) break
            if (listed === null) seen.delete(key)
            else seen.set(key, listed)
          }
        } else {
          for (const [key, object] of objects)
            seen.set(key, { key, size: object.body.byteLength, lastModifiedMs: object.lastModifiedMs })
        }
        return pageOf([...seen.values()], prefix, cursor, PAGE)
      }),
    close: async () => {},
  }
}

/** The next objects of a listing that is at hand as a whole; the cursor is the last key given. */
export function pageOf(all: readonly ListedObject[], prefix: string, cursor: string | null, size: number): ListPage {
  const rest = all
    .filter(({ key }) => key.startsWith(prefix) && (cursor === null || key > cursor))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
  const objects = rest.slice(0, size)
  return { objects, next: rest.length > size ? objects.at(-1)!.key : null }
}
