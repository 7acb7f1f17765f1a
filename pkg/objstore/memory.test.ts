import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { faultSuite } from '../../test/support/bucket-faults.ts'
import { bucketSuite, keysOf, rejectsAs, text, textOf } from '../../test/support/bucket-suite.ts'
import { createSimClock } from '../../test/support/clock.ts'
import { randomFrom } from '../../test/support/random.ts'
import { systemClock } from '../base/system.ts'
import { createBucket } from './bucket.ts'
import { StoreError } from './errors.ts'
import { seededFaults } from './faults.ts'
import { normalizePrefix } from './key.ts'
import { createMemoryBucket, memoryStore } from './memory.ts'
import { probeConditions } from './probe.ts'
import { upload } from './upload.ts'

let bucket = createMemoryBucket()
faultSuite('memory', {
  open: async options => (bucket = createMemoryBucket(options)),
  setFaults: plan => {
    bucket.behaviour.faults = plan
  },
  large: { size: 1_000_000, puts: 1 },
})

bucketSuite('memory', { open: async () => createMemoryBucket(), large: { size: 1_000_000, puts: 1 } })

test('a store that does not look at conditions is found out', async () => {
  const bucket = createMemoryBucket({ conditional: false })
  const { verdict, create, replace } = await probeConditions(bucket)
  assert.deepEqual([verdict, create, replace, bucket.objects.size], ['ignored', 'ignored', 'ignored', 0])
})

test('lists lag as long as they are told to', async () => {
  const clock = createSimClock()
  const bucket = createMemoryBucket({ clock, listLagMs: 10_000 })
  await bucket.put('a', text('x'))
  await clock.advance(6_000)
  await bucket.put('b', text('x'))
  await bucket.remove('a')
  const seen = async () => [await keysOf(bucket), (await bucket.head('a')) !== null]
  assert.deepEqual(await seen(), [[], false])
  await clock.advance(5_000)
  assert.deepEqual(await seen(), [['a'], false])
  await clock.advance(6_000)
  assert.deepEqual(await seen(), [['b'], false])
})

test('two processes with one store: the second that replaces a version is refused', async () => {
  const objects = new Map()
  const behaviour = { faults: () => null, listLagMs: 0, conditional: true }
  const open = () => createBucket(memoryStore(objects, behaviour, systemClock))
  const [first, second] = [open(), open()]
  await first.put('manifest', text('0'))
  const [seenByFirst, seenBySecond] = [await first.getTagged('manifest'), await second.getTagged('manifest')]
  await first.put('manifest', text('1'), { ifMatch: seenByFirst.etag })
  await rejectsAs(second.put('manifest', text('2'), { ifMatch: seenBySecond.etag }), 'precondition_failed')
  assert.equal(textOf(await second.get('manifest')), '1')
})

test('the same seed makes the same faults', () => {
  const run = (seed: number) => {
    const plan = seededFaults(randomFrom(seed), { refuse: 0.2, reset: 0.2, loseAnswer: 0.1, cut: 0.1, delay: 0.1 })
    return Array.from({ length: 200 }, () => plan({ operation: 'get', key: 'k' })?.kind ?? '-').join(' ')
  }
  assert.equal(run(1), run(1))
  assert.notEqual(run(1), run(2))
  for (const kind of ['refuse', 'reset', 'lose-answer', 'cut', 'delay', '-']) assert.ok(run(1).includes(kind), kind)
})

test('an upload that does not come out as it went in is not believed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'decima-memory-bucket-'))
  try {
    const path = join(folder, 'block')
    writeFileSync(path, 'block')
    const bucket = createMemoryBucket()
    const heads = [null, { size: 4, etag: 'v1', md5: null }]
    const broken = { ...bucket, put: bucket.put, head: async () => heads.shift()! }
    await rejectsAs(upload(broken, 'k', { path, size: 5 }), 'corrupt')
    const other = [null, { size: 5, etag: 'v2', md5: '0'.repeat(32) }]
    const changed = { ...bucket, put: bucket.put, head: async () => other.shift()! }
    await rejectsAs(upload(changed, 'k', { path, size: 5 }), 'corrupt')
    const gone = { ...bucket, put: bucket.put, head: async () => null }
    await rejectsAs(upload(gone, 'k', { path, size: 5 }), 'corrupt')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('prefixes lose their slashes, and lead nowhere else', () => {
  const prefixes = ['', '/', 'a', '/a/b/', 'a//b', '..', 'a/../b', '.a', 'a b', 'x'.repeat(256)]
  assert.deepEqual(prefixes.map(normalizePrefix), ['', '', 'a', 'a/b', null, null, null, null, null, null])
})

test('a store that refuses every condition is no better than one that ignores them', async () => {
  const store = memoryStore(new Map(), { faults: () => null, listLagMs: 0, conditional: true }, systemClock)
  const bucket = createBucket({
    ...store,
    async put(key, request, attempt) {
      if (request.condition.kind !== 'none') throw new StoreError('unsupported', '501 NotImplemented')
      return await store.put(key, request, attempt)
    },
  })
  const { verdict, evidence } = await probeConditions(bucket)
  assert.equal(verdict, 'ignored')
  assert.match(evidence[0]!, /^create what is not there: not supported: .*501 NotImplemented \(unsupported\)$/)
  assert.deepEqual(await keysOf(bucket), [])
})

test('a probe of a store that cannot be written to says so', async () => {
  const bucket = createMemoryBucket({ faults: () => ({ kind: 'refuse' }), retry: { attempts: 1 } })
  await rejectsAs(probeConditions(bucket), 'unavailable')
})
