/** What every bucket must do, as one suite. Each test has a bucket of its own with nothing in it and all counters at 0. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Bucket, BucketReads } from '../../pkg/objstore/contract.ts'
import { type BucketErrorKind, isBucketError } from '../../pkg/objstore/errors.ts'
import { withPrefix } from '../../pkg/objstore/prefix.ts'
import { probeConditions } from '../../pkg/objstore/probe.ts'
import { getRanges } from '../../pkg/objstore/ranges.ts'
import { upload } from '../../pkg/objstore/upload.ts'
import { randomFrom } from './random.ts'

export interface SuiteSubject {
  /** A fresh, empty bucket. */
  open(): Promise<Bucket>
  /** A size that the store takes in parts (or the largest worth trying), and the requests that takes. */
  readonly large: { readonly size: number; readonly puts: number }
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
export const NO_READS: BucketReads = { gets: 0, bytes: 0, puts: 0, heads: 0, lists: 0, removes: 0 }
export const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex')

export function bytesOf(size: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4))
  const random = randomFrom(seed)
  for (let i = 0; i < words.length; i++) words[i] = random.next() * 2 ** 32
  return new Uint8Array(words.buffer, 0, size)
}

export function rejectsAs(promise: Promise<unknown>, kind: BucketErrorKind): Promise<void> {
  return assert.rejects(promise, (error: unknown) => {
    if (!isBucketError(error)) throw error
    assert.equal(error.kind, kind, error.message)
    return true
  })
}

export async function keysOf(bucket: Bucket, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of bucket.list(prefix)) keys.push(key)
  return keys
}

/** 1 of the writers wins, the others are told so. */
async function winners(puts: readonly Promise<unknown>[]): Promise<number[]> {
  const outcomes = await Promise.allSettled(puts)
  return outcomes.flatMap((outcome, i) => {
    if (outcome.status === 'fulfilled') return [i]
    assert.ok(isBucketError(outcome.reason, 'precondition_failed'), String(outcome.reason))
    return []
  })
}

export function bucketSuite(name: string, subject: SuiteSubject): void {
  const check = (what: string, run: (bucket: Bucket, folder: string) => Promise<void>) =>
    test(`${name}: ${what}`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'decima-bucket-suite-'))
      const bucket = await subject.open()
      try {
        await run(bucket, folder)
      } finally {
        await bucket.close()
        rmSync(folder, { recursive: true, force: true })
      }
    })

  check('what is put is there until it is removed, and every request is counted', async bucket => {
    const { etag } = await bucket.put('writers/a/meta.json', text('{"a":1}'))
    assert.equal(textOf(await bucket.get('writers/a/meta.json')), '{"a":1}')
    assert.deepEqual(await bucket.head('writers/a/meta.json'), { size: 7, etag, md5: md5(text('{"a":1}')) })
    await bucket.remove('writers/a/meta.json')
    assert.equal(await bucket.head('writers/a/meta.json'), null)
    assert.deepEqual(bucket.reads, { gets: 1, bytes: 7, puts: 1, heads: 2, lists: 0, removes: 1 })
  })

  check('a put replaces the whole object', async bucket => {
    const before = await bucket.put('k', text('a longer body'))
    const after = await bucket.put('k', text('short'))
    assert.notEqual(after.etag, before.etag)
    const { body, etag } = await bucket.getTagged('k')
    assert.deepEqual([textOf(body), etag], ['short', after.etag])
  })

  check('ranges', async bucket => {
    const body = bytesOf(10_000)
    await bucket.put('k', body)
    for (const [offset, length] of [
      [0, 1],
      [0, 10_000],
      [9_999, 1],
      [4_096, 4_096],
    ] as const)
      assert.deepEqual(
        Buffer.from(await bucket.get('k', { offset, length })),
        Buffer.from(body.subarray(offset, offset + length)),
        `${offset}+${length}`,
      )
    assert.deepEqual(bucket.reads, { ...NO_READS, puts: 1, gets: 4, bytes: 14_098 })
    await rejectsAs(bucket.get('k', { offset: 10_000, length: 1 }), 'out_of_range')
    await rejectsAs(bucket.get('k', { offset: 9_999, length: 2 }), 'out_of_range')
    await rejectsAs(bucket.get('k', { offset: 0, length: 0 }), 'invalid')
    await rejectsAs(bucket.get('k', { offset: -1, length: 1 }), 'invalid')
    await rejectsAs(bucket.get('k', { offset: 0.5, length: 1 }), 'invalid')
  })

  check('near ranges are read as one', async bucket => {
    const body = bytesOf(60_000)
    await bucket.put('k', body)
    const wanted = [
      { offset: 50_000, length: 10_000 },
      { offset: 0, length: 100 },
      { offset: 150, length: 50 },
      { offset: 500, length: 0 },
    ]
    const parts = await getRanges(bucket, 'k', wanted, { gap: 1_000 })
    wanted.forEach(({ offset, length }, i) => {
      assert.deepEqual(Buffer.from(parts[i]!), Buffer.from(body.subarray(offset, offset + length)))
    })
    assert.deepEqual(bucket.reads, { ...NO_READS, puts: 1, gets: 2, bytes: 10_200 })
  })

  check('what is not there', async bucket => {
    await rejectsAs(bucket.get('no/such'), 'not_found')
    await rejectsAs(bucket.get('no/such', { offset: 0, length: 1 }), 'not_found')
    assert.equal(await bucket.head('no/such'), null)
    await bucket.remove('no/such')
    assert.deepEqual(await keysOf(bucket), [])
    assert.deepEqual(bucket.reads, { gets: 2, bytes: 0, puts: 0, heads: 1, lists: 1, removes: 1 })
  })

  check('an error says where, what and why', async bucket => {
    await assert.rejects(bucket.get('no/such'), (error: Error) => {
      assert.ok(error.message.startsWith(`${bucket.name}: get no/such: `), error.message)
      assert.ok(error.message.endsWith(' (not_found)'), error.message)
      return true
    })
  })

  check('creates only what is not there', async bucket => {
    await bucket.put('k', text('first'), { ifNoneMatch: true })
    await rejectsAs(bucket.put('k', text('second'), { ifNoneMatch: true }), 'precondition_failed')
    assert.equal(textOf(await bucket.get('k')), 'first')
    await bucket.remove('k')
    await bucket.put('k', text('third'), { ifNoneMatch: true })
    assert.equal(textOf(await bucket.get('k')), 'third')
  })

  check('replaces only the version that was seen', async bucket => {
    const first = await bucket.put('k', text('first'))
    const second = await bucket.put('k', text('second'), { ifMatch: first.etag })
    await rejectsAs(bucket.put('k', text('third'), { ifMatch: first.etag }), 'precondition_failed')
    assert.deepEqual(await bucket.getTagged('k').then(({ etag }) => etag), second.etag)
    await bucket.remove('k')
    await rejectsAs(bucket.put('k', text('fourth'), { ifMatch: second.etag }), 'precondition_failed')
    assert.equal(await bucket.head('k'), null)
    await rejectsAs(bucket.put('k', text('x'), { ifMatch: first.etag, ifNoneMatch: true }), 'invalid')
  })

  check('of many who create or replace at once, one does', async bucket => {
    const writers = Array.from({ length: 8 }, (_, i) => i)
    const created = await winners(writers.map(i => bucket.put('k', text(`create ${i}`), { ifNoneMatch: true })))
    assert.equal(created.length, 1)
    const { body, etag } = await bucket.getTagged('k')
    assert.equal(textOf(body), `create ${created[0]}`)
    const replaced = await winners(writers.map(i => bucket.put('k', text(`replace ${i}`), { ifMatch: etag })))
    assert.equal(replaced.length, 1)
    assert.equal(textOf(await bucket.get('k')), `replace ${replaced[0]}`)
  })

  check('a number that many add to at once loses nothing', async bucket => {
    await bucket.put('sum', text('0'))
    const add = async (amount: number): Promise<void> => {
      for (;;) {
        const { body, etag } = await bucket.getTagged('sum')
        // The amount and the writer make every version another one.
        const sum = Number(textOf(body).split(' ')[0]) + amount
        try {
          await bucket.put('sum', text(`${sum} of ${amount}`), { ifMatch: etag })
          return
        } catch (error) {
          if (!isBucketError(error, 'precondition_failed')) throw error
        }
      }
    }
    const writer = async (amount: number): Promise<void> => {
      for (let i = 0; i < 5; i++) await add(amount)
    }
    await Promise.all([1, 10, 100, 1_000].map(writer))
    assert.match(textOf(await bucket.get('sum')), /^5555 of /)
  })

  check('conditions are honoured, says the probe, and leaves nothing', async bucket => {
    const { verdict, create, replace, evidence } = await probeConditions(bucket)
    assert.deepEqual([verdict, create, replace], ['honoured', 'honoured', 'honoured'], evidence.join('\n'))
    assert.deepEqual(
      evidence.map(line => line.replace(/, etag .*/, '')),
      [
        'create what is not there: written',
        'create what is there: refused',
        'replace the version that is there: written',
        'replace a version that is gone: refused',
      ],
    )
    assert.deepEqual(bucket.reads, { ...NO_READS, puts: 4, removes: 1 })
    assert.deepEqual(await keysOf(bucket), [])
  })

  check('an empty object, and every byte', async bucket => {
    await bucket.put('empty', new Uint8Array(0))
    assert.equal((await bucket.get('empty')).byteLength, 0)
    assert.equal((await bucket.head('empty'))?.size, 0)
    const every = Uint8Array.from({ length: 512 }, (_, i) => i)
    await bucket.put('every', every)
    assert.deepEqual(Buffer.from(await bucket.get('every')), Buffer.from(every))
  })

  check('a file, and files that are not as said', async (bucket, folder) => {
    const path = join(folder, 'file')
    const body = bytesOf(70_000)
    writeFileSync(path, body)
    await bucket.put('blocks/1/file', { path, size: 70_000 }, { ifNoneMatch: true })
    assert.deepEqual(Buffer.from(await bucket.get('blocks/1/file')), Buffer.from(body))
    await rejectsAs(bucket.put('blocks/1/other', { path, size: 70_001 }), 'invalid')
    await rejectsAs(bucket.put('blocks/1/other', { path: join(folder, 'none'), size: 1 }), 'invalid')
    assert.deepEqual(await keysOf(bucket), ['blocks/1/file'])
  })

  check('a large file, whole and under its condition', async (bucket, folder) => {
    const { size, puts } = subject.large
    const path = join(folder, 'large')
    const body = bytesOf(size)
    writeFileSync(path, body)
    const { etag } = await bucket.put('large', { path, size }, { ifNoneMatch: true })
    assert.deepEqual(bucket.reads, { ...NO_READS, puts })
    assert.deepEqual(await bucket.head('large'), { size, etag, md5: md5(body) })
    assert.deepEqual(md5(await bucket.get('large')), md5(body))
    assert.deepEqual(
      Buffer.from(await bucket.get('large', { offset: size - 5, length: 5 })),
      Buffer.from(body.subarray(-5)),
    )
    await rejectsAs(bucket.put('large', { path, size }, { ifNoneMatch: true }), 'precondition_failed')
    writeFileSync(join(folder, 'other'), bytesOf(size, 2))
    await bucket.put('large', { path: join(folder, 'other'), size }, { ifMatch: etag })
    assert.deepEqual(md5(await bucket.get('large')), md5(bytesOf(size, 2)))
    await rejectsAs(bucket.put('large', { path, size }, { ifMatch: etag }), 'precondition_failed')
  })

  check('an upload is verified, and made once', async (bucket, folder) => {
    const path = join(folder, 'block')
    const body = bytesOf(5_000)
    writeFileSync(path, body)
    const sent = await upload(bucket, 'block', { path, size: 5_000 })
    assert.deepEqual(bucket.reads, { ...NO_READS, puts: 1, heads: 2 })
    assert.deepEqual([sent.sent, sent.size, sent.md5], [true, 5_000, md5(body)])
    assert.deepEqual(await upload(bucket, 'block', { path, size: 5_000 }), { ...sent, sent: false })
    assert.deepEqual(bucket.reads, { ...NO_READS, puts: 1, heads: 3 })
    await bucket.put('block', bytesOf(5_000, 2))
    assert.equal((await upload(bucket, 'block', { path, size: 5_000 })).sent, true)
    await rejectsAs(upload(bucket, 'block', { path, size: 4_999 }), 'invalid')
  })

  check('lists by the beginning of the key, in order', async bucket => {
    const keys = ['a/b', 'a/b.c', 'a/b/c', 'a/b0', 'a', 'b/1', 'b/10', 'b/2']
    const started = Date.now()
    for (const key of keys) await bucket.put(key === 'a' ? 'a0' : key.replace('a/b/c', 'a/d/c'), text(key))
    assert.deepEqual(await keysOf(bucket), ['a/b', 'a/b.c', 'a/b0', 'a/d/c', 'a0', 'b/1', 'b/10', 'b/2'])
    assert.deepEqual(await keysOf(bucket, 'a/'), ['a/b', 'a/b.c', 'a/b0', 'a/d/c'])
    assert.deepEqual(await keysOf(bucket, 'b/1'), ['b/1', 'b/10'])
    assert.deepEqual(await keysOf(bucket, 'c'), [])
    assert.equal(bucket.reads.lists, 4)
    for await (const { size, lastModifiedMs } of bucket.list('a/d')) {
      assert.equal(size, 5)
      assert.ok(Math.abs(lastModifiedMs - started) < 3_600_000, String(lastModifiedMs))
    }
    const longest = 'k'.repeat(255)
    await bucket.put(longest, text('x'))
    assert.deepEqual(await keysOf(bucket, 'k'), [longest])
  })

  check('keys that are none are refused before anything is sent', async bucket => {
    for (const key of [
      ...['', '/', '/a', 'a/', 'a//b', '.', '..', '../a', 'a/../b', 'a/./b', '.hidden', 'a/.put-1', 'a\\b', 'a\0b'],
      ...['ä', 'a b', 'a?b', 'a#b', 'a%2e%2e', `${'a'.repeat(256)}`, Array(10).fill('a'.repeat(100)).join('/')],
    ]) {
      await rejectsAs(bucket.put(key, text('x')), 'invalid')
      await rejectsAs(bucket.get(key), 'invalid')
      await rejectsAs(bucket.head(key), 'invalid')
      await rejectsAs(bucket.remove(key), 'invalid')
    }
    for (const prefix of ['/', '..', '../', 'a//', 'a/.'])
      await rejectsAs(bucket.list(prefix)[Symbol.asyncIterator]().next(), 'invalid')
    assert.deepEqual(bucket.reads, NO_READS)
    await bucket.put("safe!_.*'()=@:+,~-", text('x'))
    assert.deepEqual(await keysOf(bucket), ["safe!_.*'()=@:+,~-"])
    assert.equal(textOf(await bucket.get("safe!_.*'()=@:+,~-")), 'x')
  })

  check('two prefixes do not see each other', async bucket => {
    const [a, b] = [withPrefix(bucket, '/fleet/a/'), withPrefix(bucket, 'fleet/b')]
    await a.put('k', text('a'), { ifNoneMatch: true })
    await b.put('k', text('b'), { ifNoneMatch: true })
    assert.deepEqual([textOf(await a.get('k')), textOf(await b.get('k'))], ['a', 'b'])
    await withPrefix(bucket, 'fleet/a2').put('k', text('a2'))
    assert.deepEqual(await keysOf(a), ['k'])
    assert.deepEqual(await keysOf(a, 'l'), [])
    assert.deepEqual(await keysOf(bucket, 'fleet'), ['fleet/a/k', 'fleet/a2/k', 'fleet/b/k'])
    assert.deepEqual(a.reads, bucket.reads)
    await b.remove('k')
    assert.deepEqual(await keysOf(bucket, 'fleet'), ['fleet/a/k', 'fleet/a2/k'])
  })

  check('a call ends with its signal, and all with the bucket', async bucket => {
    await bucket.put('k', text('x'))
    const aborted = AbortSignal.abort()
    await rejectsAs(bucket.get('k', undefined, { signal: aborted }), 'canceled')
    await rejectsAs(bucket.put('k', text('y'), { signal: aborted }), 'canceled')
    assert.deepEqual(bucket.reads, { ...NO_READS, puts: 1 })
    await bucket.close()
    await bucket.close()
    await rejectsAs(bucket.get('k'), 'canceled')
  })

  check('any commands leave it as they leave a map', async bucket => {
    const keys = fc.constantFrom('a', 'b/c', 'b/d')
    const command = fc.oneof(
      fc.record({ do: fc.constant('put' as const), key: keys, body: fc.uint8Array({ maxLength: 40 }) }),
      fc.record({ do: fc.constant('create' as const), key: keys, body: fc.uint8Array({ maxLength: 40 }) }),
      fc.record({ do: fc.constant('replace' as const), key: keys, body: fc.uint8Array({ maxLength: 40 }) }),
      fc.record({ do: fc.constant('remove' as const), key: keys }),
    )
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 12 }), async commands => {
        const place = withPrefix(bucket, `run-${run++}`)
        const model = new Map<string, Uint8Array>()
        for (const step of commands) {
          if (step.do === 'remove') {
            await place.remove(step.key)
            model.delete(step.key)
          } else if (step.do === 'create' && model.has(step.key)) {
            await rejectsAs(place.put(step.key, step.body, { ifNoneMatch: true }), 'precondition_failed')
          } else if (step.do === 'replace' && model.has(step.key)) {
            const { etag } = (await place.head(step.key))!
            await place.put(step.key, step.body, { ifMatch: etag })
            model.set(step.key, step.body)
          } else if (step.do !== 'replace') {
            await place.put(step.key, step.body, step.do === 'create' ? { ifNoneMatch: true } : {})
            model.set(step.key, step.body)
          }
        }
        assert.deepEqual(await keysOf(place), [...model.keys()].sort())
        for (const [key, body] of model) assert.deepEqual(Buffer.from(await place.get(key)), Buffer.from(body))
      }),
      { numRuns: 15, seed: 7 },
    )
  })
}
