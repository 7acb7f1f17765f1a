import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { faultSuite } from '../../test/support/bucket-faults.ts'
import {
  bucketSuite,
  bytesOf,
  keysOf,
  md5,
  NO_READS,
  rejectsAs,
  text,
  textOf,
} from '../../test/support/bucket-suite.ts'
import { type GcsDouble, startGcsDouble } from '../../test/support/gcs-double.ts'
import { type BucketOptions, createBucket } from './bucket.ts'
import { gcsStore } from './gcs.ts'
import type { GcsBucket } from './settings.ts'

const CHUNK = 256 * 1024
let double: GcsDouble
before(async () => {
  double = await startGcsDouble({ bucket: 'fleet' })
})
after(() => double.close())

const settings = (change: Partial<GcsBucket> = {}): GcsBucket => ({
  kind: 'gcs',
  prefix: '',
  bucket: 'fleet',
  serviceAccount: null,
  chunkSize: CHUNK,
  maxAttempts: null,
  ...change,
})

const open = async (options: BucketOptions = {}) => {
  double.objects.clear()
  return createBucket(gcsStore(settings(), { endpoint: double.endpoint }), options)
}
const large = { size: 3 * CHUNK + 17, puts: 5 }

bucketSuite('gcs', { open, large })
faultSuite('gcs', {
  open,
  setFaults: plan => {
    double.faults = plan
  },
  large,
})

test('chunks of which the store keeps a part only', async () => {
  const bucket = await open()
  double.log.length = 0
  double.keptOfChunk = CHUNK / 2
  await bucket.put('k', bytesOf(CHUNK + 100), { ifNoneMatch: true })
  double.keptOfChunk = Number.POSITIVE_INFINITY
  assert.deepEqual(double.log, [
    'POST k resumable',
    'PUT k bytes 0-262143/262244',
    'PUT k bytes 131072-262243/262244',
    'PUT k bytes 262144-262243/262244',
  ])
  assert.equal(md5(await bucket.get('k')), md5(bytesOf(CHUNK + 100)))
})

test('a bucket that is not there is no empty bucket', async () => {
  const bucket = createBucket(gcsStore(settings({ bucket: 'other' }), { endpoint: double.endpoint }))
  await rejectsAs(bucket.get('k'), 'misconfigured')
  await rejectsAs(bucket.head('k'), 'misconfigured')
  await rejectsAs(bucket.put('k', text('x')), 'misconfigured')
})

test('lists in pages', async () => {
  await double.close()
  double = await startGcsDouble({ bucket: 'fleet', pageSize: 3 })
  const bucket = await open()
  const keys = Array.from({ length: 7 }, (_, i) => `a/${i}`)
  for (const key of keys) await bucket.put(key, text(key))
  assert.deepEqual(await keysOf(bucket, 'a/'), keys)
  assert.deepEqual(bucket.reads, { ...NO_READS, puts: 7, lists: 3 })
})

test('a workload identity is exchanged for a token, which every request carries', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'decima-gcs-'))
  const tokens = createServer((_, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({ access_token: 'granted', token_type: 'Bearer', expires_in: 3600, issued_token_type: 'x' }),
    )
  })
  await new Promise<void>(resolve => tokens.listen(0, '127.0.0.1', resolve))
  try {
    const file = join(folder, 'token')
    writeFileSync(file, 'subject')
    const serviceAccount = JSON.stringify({
      type: 'external_account',
      audience: '//iam.example/providers/p',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/token`,
      credential_source: { file },
    })
    double.authorization = 'Bearer granted'
    const bucket = createBucket(gcsStore(settings({ serviceAccount }), { endpoint: double.endpoint }))
    await bucket.put('k', text('x'), { ifNoneMatch: true })
    await bucket.put('large', bytesOf(CHUNK + 1))
    assert.equal(textOf(await bucket.get('k')), 'x')
    assert.equal((await bucket.head('k'))?.size, 1)
    assert.deepEqual(bucket.reads, { gets: 1, bytes: 1, puts: 4, heads: 1, lists: 0, removes: 0 })
    double.authorization = 'Bearer another'
    await rejectsAs(bucket.get('k'), 'denied')
  } finally {
    double.authorization = null
    tokens.closeAllConnections()
    tokens.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
