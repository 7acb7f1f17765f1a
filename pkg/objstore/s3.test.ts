import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'
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
import { type S3Double, startS3Double } from '../../test/support/s3-double.ts'
import { type BucketOptions, createBucket } from './bucket.ts'
import type { Bucket } from './contract.ts'
import { probeConditions } from './probe.ts'
import { s3Store } from './s3.ts'
import { regionOf, usesPath } from './s3-client.ts'
import type { S3Bucket } from './settings.ts'

const PART = 64 * 1024
let double: S3Double
const start = (pageSize = 1000) =>
  startS3Double({ bucket: 'fleet', accessKey: 'AKDECIMA', secretKey: 'secret/+key', smallestPart: PART, pageSize })

before(async () => {
  double = await start()
})
after(() => double.close())

const settings = (change: Partial<S3Bucket> = {}): S3Bucket => ({
  kind: 's3',
  prefix: '',
  bucket: 'fleet',
  endpoint: double.endpoint,
  region: 'eu-test-1',
  insecure: true,
  credentials: { accessKey: 'AKDECIMA', secretKey: 'secret/+key', sessionToken: null },
  lookup: 'auto',
  listVersion: 2,
  contentMd5: true,
  partSize: PART,
  encryption: null,
  metadata: {},
  tls: null,
  maxConnections: null,
  maxAttempts: null,
  ...change,
})

async function open(change: Partial<S3Bucket> = {}, options: BucketOptions = {}): Promise<Bucket> {
  return createBucket(s3Store(settings(change)), options)
}

async function openFresh(options: BucketOptions = {}): Promise<Bucket> {
  await double.close()
  double = await start()
  return await open({}, options)
}
const large = { size: 5 * PART + 17, puts: 8 }

bucketSuite('s3', { open: openFresh, large })
faultSuite('s3', {
  open: openFresh,
  setFaults: plan => {
    double.faults = plan
  },
  large,
})

test('wrong credentials are said without the secret', async () => {
  const bucket = await open({ credentials: { accessKey: 'AKDECIMA', secretKey: 'not-it', sessionToken: null } })
  await assert.rejects(bucket.put('k', text('x')), (error: Error) => {
    assert.match(error.message, /^s3:\/\/fleet: put k: 403 SignatureDoesNotMatch: .* \(denied\)$/)
    assert.ok(!inspect(error, { depth: 1 }).includes('not-it'))
    return true
  })
  assert.deepEqual(bucket.reads, { ...NO_READS, puts: 1 })
})

test('a bucket that is not there is no empty bucket', async () => {
  const bucket = await open({ bucket: 'other' })
  await rejectsAs(bucket.get('k'), 'misconfigured')
  await rejectsAs(keysOf(bucket), 'misconfigured')
})

test('nobody at the address', async () => {
  const bucket = await open({ endpoint: '127.0.0.1:1' }, { retry: { attempts: 2, firstDelayMs: 1 } })
  await assert.rejects(bucket.get('k'), { message: 's3://fleet: get k: ECONNREFUSED (unavailable, 2 attempts)' })
})

test('a store that overwrites all the same is found out, with the evidence', async () => {
  const bucket = await openFresh()
  double.conditional = false
  const { verdict, create, replace, evidence } = await probeConditions(bucket)
  assert.deepEqual([verdict, create, replace], ['ignored', 'ignored', 'ignored'])
  assert.deepEqual(
    evidence.map(line => line.replace(/, etag .*/, '')),
    [
      'create what is not there: written',
      'create what is there: written',
      'write without a condition: written',
      'replace the version that is there: written',
      'replace a version that is gone: written',
    ],
  )
  assert.equal(double.objects.size, 0)
})

for (const listVersion of [1, 2] as const)
  test(`lists in pages, version ${listVersion}`, async () => {
    await double.close()
    double = await start(3)
    const bucket = await open({ listVersion })
    const keys = Array.from({ length: 7 }, (_, i) => `a/${i}`)
    for (const key of keys) await bucket.put(key, text(key))
    assert.deepEqual(await keysOf(bucket, 'a/'), keys)
    assert.deepEqual(bucket.reads, { ...NO_READS, puts: 7, lists: 3 })
  })

test('a list may lag, a read does not', async () => {
  const bucket = await openFresh()
  double.listLagMs = 60_000
  await bucket.put('k', text('x'))
  assert.deepEqual(await keysOf(bucket), [])
  assert.equal(textOf(await bucket.get('k')), 'x')
})

test('an upload in parts that fails leaves no parts behind', async () => {
  const bucket = await openFresh({ retry: { attempts: 2, firstDelayMs: 1 } })
  let puts = 0
  double.faults = ({ operation }) => (operation === 'put' && ++puts > 3 ? { kind: 'refuse' } : null)
  await rejectsAs(bucket.put('k', bytesOf(6 * PART)), 'unavailable')
  assert.deepEqual([double.uploads.size, double.objects.size], [0, 0])
})

test('storage class, metadata and encryption go with the object', async () => {
  await openFresh()
  const metadata = { 'X-Amz-Storage-Class': 'STANDARD_IA', Owner: 'me' }
  const encryption = { kind: 'SSE-KMS', keyId: 'key-1', context: { team: 'perf' } } as const
  const bucket = await open({ metadata, encryption })
  for (const size of [10, 2 * PART]) {
    await bucket.put('k', bytesOf(size))
    const { 'x-amz-meta-decimaput': token, ...headers } = double.objects.get('k')!.headers
    assert.match(token!, /^[0-9a-f]{24}$/)
    assert.deepEqual(Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'content-type')), {
      'x-amz-meta-decimamd5': md5(bytesOf(size)),
      'x-amz-meta-owner': 'me',
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
      'x-amz-server-side-encryption-context': btoa('{"team":"perf"}'),
    })
  }
})

test('a body changed in the store is not taken', async () => {
  const bucket = await openFresh({ retry: { attempts: 2, firstDelayMs: 1 } })
  await bucket.put('k', text('right'))
  double.objects.set('k', { ...double.objects.get('k')!, body: Buffer.from('wrong') })
  await rejectsAs(bucket.get('k'), 'corrupt')
  assert.equal(bucket.reads.gets, 2)
})

test('keys that rotate while blocks are uploaded: none fails', async () => {
  await openFresh()
  let current = { AccessKeyId: 'ROTATED0', SecretAccessKey: 'first', Token: 'token-0' }
  double.keys.clear()
  double.keys.set('ROTATED0', { secretKey: 'first', sessionToken: 'token-0' })
  const asked: string[] = []
  // The containers' metadata service, as ECS and EKS have it.
  const metadata = createServer((request, response) => {
    asked.push(request.url!)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ ...current, Expiration: new Date(Date.now() + 3_600_000).toISOString() }))
  })
  await new Promise<void>(resolve => metadata.listen(0, '127.0.0.1', resolve))
  const environment = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${(metadata.address() as AddressInfo).port}/keys`,
    AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
    AWS_CONFIG_FILE: '/nonexistent',
  }
  Object.assign(process.env, environment)
  try {
    const bucket = await open({ credentials: null }, { retry: { firstDelayMs: 1 } })
    for (let i = 0; i < 30; i++) {
      if (i % 10 === 5) {
        current = { AccessKeyId: `ROTATED${i}`, SecretAccessKey: `secret ${i}`, Token: `token-${i}` }
        double.keys.clear()
        double.keys.set(current.AccessKeyId, { secretKey: current.SecretAccessKey, sessionToken: current.Token })
      }
      await bucket.put(`block-${i}`, text(String(i)), { ifNoneMatch: true })
    }
    assert.equal(double.objects.size, 30)
    assert.deepEqual(bucket.reads, { ...NO_READS, puts: 33 })
    assert.deepEqual(asked, Array(4).fill('/keys'))
    await bucket.close()
  } finally {
    for (const name of Object.keys(environment)) delete process.env[name]
    metadata.closeAllConnections()
    metadata.close()
  }
})

for (const [endpoint, lookup, bucket, byPath] of [
  ['', 'auto', 'fleet', false],
  ['', 'auto', 'fl.eet', true],
  ['s3.eu-west-1.amazonaws.com', 'auto', 'fleet', false],
  ['minio:9000', 'auto', 'fleet', true],
  ['minio:9000', 'virtual-hosted', 'fleet', false],
  ['s3.eu-west-1.amazonaws.com', 'path', 'fleet', true],
] as const)
  test(`${endpoint || 'Amazon'}, ${lookup}, ${bucket}: by ${byPath ? 'path' : 'host'}`, () => {
    assert.equal(usesPath(settings({ endpoint, lookup, bucket })), byPath)
  })

test('endpoints of Amazon say their region', () => {
  const regions = ['s3.eu-west-1.amazonaws.com', 's3.dualstack.us-gov-west-1.amazonaws.com', 's3.amazonaws.com', 'x:1']
  assert.deepEqual(regions.map(regionOf), ['eu-west-1', 'us-gov-west-1', null, null])
})
