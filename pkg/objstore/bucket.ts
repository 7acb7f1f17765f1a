/**
 * The shell around a store that makes it a `Bucket`: checks keys, counts requests, tries again, keeps each attempt to its
 * time, verifies what came, and settles conditional puts whose answer was lost.
 *
 * A put that failed on the way and is refused on the next try may have been refused because of itself. Each put carries a
 * token that the store keeps with the object: if the object there has ours, the write was ours and went well.
 */
import { randomBytes } from 'node:crypto'
import type { Clock, Random } from '../base/ports.ts'
import { systemClock, systemRandom } from '../base/system.ts'
import { contentOf, md5Of } from './content.ts'
import type { Body, Bucket, BucketReads, ByteRange, CallOptions, ListedObject, PutOptions } from './contract.ts'
import { BucketError, type BucketErrorKind, type Operation, StoreError } from './errors.ts'
import { checkKey, checkListPrefix } from './key.ts'
import { createRetryBudget, RETRY_DEFAULTS, type RetryPolicy, retrying } from './retry.ts'
import type { Attempt, Condition, FetchedObject, ListPage, Store } from './store.ts'

export interface BucketOptions {
  readonly clock?: Clock
  readonly random?: Random
  readonly retry?: Partial<RetryPolicy>
  /** Hears of every request sent: for metrics and logs. Must not throw. */
  readonly observe?: (request: RequestSeen) => void
}

export interface RequestSeen {
  readonly operation: Operation
  readonly key: string
  readonly attempt: number
  readonly ms: number
  /** Of the body sent or received. */
  readonly bytes: number
  readonly outcome: 'ok' | BucketErrorKind
}

const COUNTER = { get: 'gets', put: 'puts', head: 'heads', list: 'lists', remove: 'removes' } as const

export function createBucket(store: Store, options: BucketOptions = {}): Bucket {
  const clock = options.clock ?? systemClock
  const random = options.random ?? systemRandom
  const policy: RetryPolicy = { ...RETRY_DEFAULTS, ...options.retry }
  const budget = createRetryBudget(policy.tokens)
  const reads = { gets: 0, bytes: 0, puts: 0, heads: 0, lists: 0, removes: 0 }
  const closed = new AbortController()

  /** Runs one call; every request it sends goes through `attempt`. */
  async function call<T>(
    operation: Operation,
    key: string,
    signal: AbortSignal | undefined,
    run: (attempt: Attempt, failures: () => number) => Promise<T>,
  ): Promise<T> {
    let failures = 0
    let attempts = 0
    const until = signal === undefined ? closed.signal : AbortSignal.any([signal, closed.signal])
    const attempt: Attempt = (sent, send, bytes = 0) =>
      retrying(
        {
          policy,
          budget,
          clock,
          random,
          signal: until,
          bytes,
          onAttempt({ attempt, ms, error }) {
            attempts = attempt
            if (error !== null) failures++
            const outcome = error === null ? 'ok' : error.kind
            options.observe?.({ operation: sent, key, attempt, ms, bytes, outcome })
          },
        },
        requestSignal => {
          reads[COUNTER[sent]]++
          return send(requestSignal)
        },
      )
    try {
      if (closed.signal.aborted) throw new StoreError('canceled', 'the bucket is closed')
      return await run(attempt, () => failures)
    } catch (thrown) {
      if (!(thrown instanceof StoreError)) throw thrown
      throw new BucketError(thrown, { bucket: store.name, operation, key, attempts })
    }
  }

  async function fetchWhole(key: string, signal: AbortSignal | undefined): Promise<FetchedObject> {
    return await call('get', key, signal, async attempt => {
      checkKey(key)
      return await attempt('get', async requestSignal => {
        const object = await store.get(key, null, requestSignal)
        reads.bytes += object.body.byteLength
        if (object.md5 !== null && object.md5 !== md5Of(object.body).toString('hex'))
          throw new StoreError(
            'corrupt',
            `the ${object.body.byteLength} bytes received do not have the MD5 ${object.md5}`,
          )
        return object
      })
    })
  }

  async function fetchRange(key: string, range: ByteRange, signal: AbortSignal | undefined): Promise<Uint8Array> {
    return await call('get', key, signal, async attempt => {
      checkKey(key)
      checkRange(range)
      const { offset, length } = range
      const send = async (requestSignal: AbortSignal) => {
        const { body } = await store.get(key, range, requestSignal)
        reads.bytes += body.byteLength
        if (body.byteLength < length)
          throw new StoreError('out_of_range', `[${offset}, ${offset + length}) ends at ${offset + body.byteLength}`)
        return body
      }
      return await attempt('get', send, length)
    })
  }

  return {
    name: store.name,
    get reads(): BucketReads {
      return { ...reads }
    },
    async get(key, range, { signal }: CallOptions = {}) {
      return range === undefined ? (await fetchWhole(key, signal)).body : await fetchRange(key, range, signal)
    },
    async getTagged(key, { signal }: CallOptions = {}) {
      const { body, etag } = await fetchWhole(key, signal)
      return { body, etag }
    },
    async put(key: string, body: Body, putOptions: PutOptions = {}) {
      return await call('put', key, putOptions.signal, async (attempt, failures) => {
        checkKey(key)
        const condition = conditionOf(putOptions)
        const token = randomBytes(12).toString('hex')
        const content = await contentOf(body)
        try {
          const { etag } = await store.put(key, { content, condition, token }, attempt)
          return { etag }
        } catch (thrown) {
          if (!(thrown instanceof StoreError) || thrown.kind !== 'precondition_failed' || failures() < 2) throw thrown
          const there = await attempt('head', signal => store.head(key, signal))
          if (there?.token !== token) throw thrown
          return { etag: there.etag }
        }
      })
    },
    async head(key, { signal }: CallOptions = {}) {
      return await call('head', key, signal, async attempt => {
        checkKey(key)
        const there = await attempt('head', requestSignal => store.head(key, requestSignal))
        return there && { size: there.size, etag: there.etag, md5: there.md5 }
      })
    },
    async remove(key, { signal }: CallOptions = {}) {
      await call('remove', key, signal, async attempt => {
        checkKey(key)
        await attempt('remove', requestSignal => store.remove(key, requestSignal))
      })
    },
    async *list(prefix, { signal }: CallOptions = {}): AsyncGenerator<ListedObject> {
      let cursor: string | null = null
      do {
        const from: string | null = cursor
        const page: ListPage = await call('list', prefix, signal, async attempt => {
          checkListPrefix(prefix)
          return await attempt('list', requestSignal => store.listPage(prefix, from, requestSignal))
        })
        yield* page.objects
        cursor = page.next
      } while (cursor !== null)
    },
    async close() {
      if (closed.signal.aborted) return
      closed.abort()
      await store.close()
    },
  }
}

function conditionOf({ ifNoneMatch, ifMatch }: PutOptions): Condition {
  if (ifNoneMatch && ifMatch !== undefined)
    throw new StoreError('invalid', 'ifNoneMatch and ifMatch exclude each other')
  if (ifMatch !== undefined) return { kind: 'version', etag: ifMatch }
  return ifNoneMatch ? { kind: 'absent' } : { kind: 'none' }
}

function checkRange({ offset, length }: ByteRange): void {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 1)
    throw new StoreError('invalid', `no range: offset ${offset}, length ${length}`)
}
