/** What every bucket must do when requests fail, as one suite over all that can be made to fail. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BucketOptions, RequestSeen } from '../../pkg/objstore/bucket.ts'
import type { Bucket } from '../../pkg/objstore/contract.ts'
import type { Operation } from '../../pkg/objstore/errors.ts'
import { type Fault, type FaultPlan, seededFaults } from '../../pkg/objstore/faults.ts'
import { mapParallel } from '../../pkg/objstore/semaphore.ts'
import { upload } from '../../pkg/objstore/upload.ts'
import { bytesOf, keysOf, md5, NO_READS, rejectsAs, text, textOf } from './bucket-suite.ts'
import { randomFrom } from './random.ts'

export interface FaultySubject {
  /** A fresh, empty bucket on a store without faults so far. */
  open(options: BucketOptions): Promise<Bucket>
  setFaults(plan: FaultPlan): void
  /** As in `SuiteSubject`. */
  readonly large: { readonly size: number; readonly puts: number }
}

/** Small delays: what is tested is what is tried again, not how long it waits. */
const QUICK = { firstDelayMs: 1, longestDelayMs: 4, timeoutMs: 5_000 }

/** The faults for the next requests of `operation`, one each, then none. */
function next(operation: Operation, ...faults: (Fault['kind'] | null)[]): FaultPlan {
  const left = faults.map(kind => (kind === null ? null : kind === 'delay' ? { kind, ms: 60_000 } : { kind }))
  return request => (request.operation === operation && left.length > 0 ? left.shift()! : null)
}

export function faultSuite(name: string, subject: FaultySubject): void {
  const check = (what: string, run: (bucket: Bucket, seen: RequestSeen[]) => Promise<void>, retry = {}) =>
    test(`${name}, failing: ${what}`, async () => {
      const seen: RequestSeen[] = []
      const bucket = await subject.open({ retry: { ...QUICK, ...retry }, observe: request => seen.push(request) })
      try {
        await run(bucket, seen)
      } finally {
        subject.setFaults(() => null)
        await bucket.close()
      }
    })

  for (const fault of ['refuse', 'reset', 'cut'] as const)
    check(`a read meets "${fault}" twice`, async (bucket, seen) => {
      const body = bytesOf(20_000)
      await bucket.put('k', body)
      subject.setFaults(next('get', fault, fault))
      assert.deepEqual(Buffer.from(await bucket.get('k')), Buffer.from(body))
      subject.setFaults(next('get', fault))
      assert.deepEqual(
        Buffer.from(await bucket.get('k', { offset: 100, length: 9_000 })),
        Buffer.from(body.subarray(100, 9_100)),
      )
      assert.deepEqual(bucket.reads, { ...NO_READS, puts: 1, gets: 5, bytes: 29_000 })
      assert.deepEqual(
        seen.map(({ operation, attempt, outcome }) => `${operation} ${attempt} ${outcome}`),
        [...['put 1 ok', 'get 1 unavailable', 'get 2 unavailable', 'get 3 ok'], ...['get 1 unavailable', 'get 2 ok']],
      )
    })

  for (const [operation, counter, run] of [
    ['put', 'puts', (bucket: Bucket) => bucket.put('k', text('x'))],
    ['head', 'heads', (bucket: Bucket) => bucket.head('k')],
    ['list', 'lists', (bucket: Bucket) => keysOf(bucket)],
    ['remove', 'removes', (bucket: Bucket) => bucket.remove('k')],
  ] as const)
    check(`a ${operation} is tried again`, async bucket => {
      subject.setFaults(next(operation, 'refuse', 'reset'))
      await run(bucket)
      assert.deepEqual(bucket.reads, { ...NO_READS, [counter]: 3 })
    })

  check('a create whose answer was lost is known for our own', async bucket => {
    subject.setFaults(next('put', 'lose-answer'))
    const { etag } = await bucket.put('k', text('ours'), { ifNoneMatch: true })
    assert.deepEqual(bucket.reads, { ...NO_READS, puts: 2, heads: 1 })
    assert.deepEqual(await bucket.head('k'), { size: 4, etag, md5: md5(text('ours')) })
  })

  check('a replace whose answer was lost is known for our own', async bucket => {
    const first = await bucket.put('k', text('first'))
    subject.setFaults(next('put', 'lose-answer', 'reset'))
    const second = await bucket.put('k', text('second'), { ifMatch: first.etag })
    assert.deepEqual(bucket.reads, { ...NO_READS, puts: 4, heads: 1 })
    await bucket.put('k', text('third'), { ifMatch: second.etag })
    assert.equal(textOf(await bucket.get('k')), 'third')
  })

  check('a create that another won meanwhile is refused, though the bytes are the same', async bucket => {
    let other: Promise<unknown> | null = null
    const once = next('put', 'reset')
    subject.setFaults(request => {
      const fault = once(request)
      if (fault !== null) other = bucket.put('k', text('same'), { ifNoneMatch: true })
      return fault
    })
    // The first try breaks before anything is stored, and the other writer comes in between.
    const ours = bucket.put('k', text('same'), { ifNoneMatch: true })
    await rejectsAs(
      ours.then(async () => {
        throw await (other as unknown as Promise<unknown>).then(
          () => new Error('both were told they had created it'),
          error => error,
        )
      }),
      'precondition_failed',
    )
  })

  check(
    'a large object whose parts and end are lost',
    async bucket => {
      const { size, puts } = subject.large
      const folder = mkdtempSync(join(tmpdir(), 'decima-bucket-faults-'))
      try {
        const path = join(folder, 'large')
        writeFileSync(path, bytesOf(size))
        // Two parts are on their way at once, and most of the faults may fall on one of them.
        const faults = Array.from({ length: puts - 1 }, () => ['reset', null] as const).flat()
        subject.setFaults(next('put', ...faults, 'lose-answer'))
        await bucket.put('large', { path, size }, { ifNoneMatch: true })
        subject.setFaults(() => null)
        assert.equal(md5(await bucket.get('large')), md5(bytesOf(size)))
        assert.equal(bucket.reads.puts, 2 * puts)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
    { attempts: 20 },
  )

  check(
    'an outage is reported after the attempts it may take',
    async bucket => {
      subject.setFaults(() => ({ kind: 'refuse' }))
      await assert.rejects(bucket.get('k'), { name: 'BucketError', kind: 'unavailable', attempts: 4 })
      assert.equal(bucket.reads.gets, 4)
    },
    { attempts: 4 },
  )

  check(
    'in an outage the budget runs out, and a success fills it again',
    async bucket => {
      subject.setFaults(() => ({ kind: 'reset' }))
      for (const want of [6, 11, 12, 13]) {
        await rejectsAs(bucket.head('k'), 'unavailable')
        assert.equal(bucket.reads.heads, want)
      }
      subject.setFaults(() => null)
      for (let i = 0; i < 4; i++) await bucket.head('k')
      subject.setFaults(next('head', 'refuse', 'refuse'))
      assert.equal(await bucket.head('k'), null)
    },
    { tokens: 9 },
  )

  check(
    'an answer that does not come is given up',
    async bucket => {
      await bucket.put('k', text('x'))
      subject.setFaults(next('get', 'delay'))
      assert.equal(textOf(await bucket.get('k')), 'x')
      assert.equal(bucket.reads.gets, 2)
    },
    { timeoutMs: 150 },
  )

  check('a call that waits for its answer ends with its signal', async bucket => {
    await bucket.put('k', text('x'))
    const stop = new AbortController()
    subject.setFaults(() => {
      setImmediate(() => stop.abort())
      return { kind: 'delay', ms: 60_000 }
    })
    await rejectsAs(bucket.get('k', undefined, { signal: stop.signal }), 'canceled')
    assert.equal(bucket.reads.gets, 1)
  })

  check(
    'no uploads are lost or doubled while a third of the requests fail',
    async bucket => {
      const folder = mkdtempSync(join(tmpdir(), 'decima-bucket-faults-'))
      const random = randomFrom(11)
      const rates = { refuse: 0.1, reset: 0.1, loseAnswer: 0.05, cut: 0.05 }
      subject.setFaults(seededFaults(random, rates))
      const names = Array.from({ length: 30 }, (_, i) => `block-${i}`)
      const created: string[] = []
      try {
        await mapParallel(names, 4, async (name, i) => {
          const path = join(folder, name)
          const size = 1 + (i % 3) * 700
          writeFileSync(path, bytesOf(size, i))
          for (let settled = false; !settled; ) {
            try {
              await upload(bucket, name, { path, size })
              await bucket.put(`${name}.manifest`, text(name), { ifNoneMatch: true })
              created.push(name)
              settled = true
            } catch (error) {
              assert.equal((error as { kind?: string }).kind, 'unavailable', String(error))
            }
          }
        })
        subject.setFaults(() => null)
        assert.deepEqual(created.toSorted(), names.toSorted())
        assert.deepEqual(await keysOf(bucket), names.flatMap(n => [n, `${n}.manifest`]).toSorted())
        for (const [i, name] of names.entries())
          assert.equal(md5(await bucket.get(name)), md5(bytesOf(1 + (i % 3) * 700, i)))
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
    { timeoutMs: 1_000 },
  )
}
