import { after, before } from 'node:test'
import { faultSuite } from '../../test/support/bucket-faults.ts'
import { bucketSuite } from '../../test/support/bucket-suite.ts'
import { type S3Double, startS3Double } from '../../test/support/s3-double.ts'
import type { BucketOptions } from './bucket.ts'
import { createBucket } from './bucket.ts'
import type { Bucket } from './contract.ts'
import { s3Store } from './s3.ts'
import type { S3Bucket } from './settings.ts'

const PART = 64 * 1024
let double: S3Double
const start = () =>
  startS3Double({ bucket: 'fleet', accessKey: 'AKDECIMA', secretKey: 'secret/+key', smallestPart: PART })

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
