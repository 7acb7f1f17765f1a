import { after, before } from 'node:test'
import { type Azurite, startAzurite } from '../../test/support/azurite.ts'
import { bucketSuite } from '../../test/support/bucket-suite.ts'
import { azureStore } from './azure.ts'
import { createBucket } from './bucket.ts'
import type { AzureBucket } from './settings.ts'

const BLOCK = 64 * 1024
let azurite: Azurite
before(async () => {
  azurite = await startAzurite()
})
after(() => azurite.close())

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

bucketSuite('azure', {
  open: async () => {
    container++
    return createBucket(azureStore(settings(), { blockSize: BLOCK }))
  },
  large: { size: 5 * BLOCK + 17, puts: 7 },
})
