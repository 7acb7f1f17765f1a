import { after, before } from 'node:test'
import { type Azurite, startAzurite } from '../../test/support/azurite.ts'
import { faultSuite } from '../../test/support/bucket-faults.ts'
import { bucketSuite } from '../../test/support/bucket-suite.ts'
import { type FaultProxy, startFaultProxy } from '../../test/support/fault-proxy.ts'
import { azureStore } from './azure.ts'
import { type BucketOptions, createBucket } from './bucket.ts'
import type { FaultRequest } from './faults.ts'
import type { AzureBucket } from './settings.ts'

const BLOCK = 64 * 1024
let azurite: Azurite
let proxy: FaultProxy
before(async () => {
  azurite = await startAzurite()
  proxy = await startFaultProxy({
    targetPort: Number(new URL(azurite.endpoint).port),
    requestOf,
    refusal: { status: 503, headers: { 'x-ms-error-code': 'ServerBusy' }, body: '' },
  })
})
after(async () => {
  await proxy.close()
  await azurite.close()
})

let container = 0
const settings = (change: Partial<AzureBucket> = {}): AzureBucket => ({
  kind: 'azure',
  prefix: '',
  account: azurite.account,
  container: `fleet-${container}`,
  endpoint: azurite.endpoint,
  credentials: { kind: 'key', key: azurite.key },
  createContainer: true,
  maxAttempts: null,
  ...change,
})

const large = { size: 5 * BLOCK + 17, puts: 7 }

bucketSuite('azure', {
  open: async () => {
    container++
    return createBucket(azureStore(settings(), { blockSize: BLOCK }))
  },
  large,
})
faultSuite('azure', {
  open: async (options: BucketOptions) => {
    container++
    const endpoint = `http://127.0.0.1:${proxy.port}/${azurite.account}`
    return createBucket(azureStore(settings({ endpoint }), { blockSize: BLOCK }), options)
  },
  setFaults: plan => {
    proxy.faults = plan
  },
  large,
})

function requestOf(method: string, url: URL): FaultRequest {
  const key = url.pathname.split('/').slice(3).join('/')
  // Making the container is no request of the bucket's.
  if (key === '') return { operation: url.searchParams.get('comp') === 'list' ? 'list' : 'head', key: 'container' }
  const operation = method === 'PUT' ? 'put' : method === 'HEAD' ? 'head' : method === 'DELETE' ? 'remove' : 'get'
  return { operation, key }
}
