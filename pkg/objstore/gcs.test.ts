import { after, before } from 'node:test'
import { faultSuite } from '../../test/support/bucket-faults.ts'
import { bucketSuite } from '../../test/support/bucket-suite.ts'
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
