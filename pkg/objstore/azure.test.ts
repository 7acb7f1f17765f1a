import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  AccountSASPermissions,
  generateAccountSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { type Azurite, startAzurite } from '../../test/support/azurite.ts'
import { faultSuite } from '../../test/support/bucket-faults.ts'
import { bucketSuite, bytesOf, md5, rejectsAs, text, textOf } from '../../test/support/bucket-suite.ts'
import { type FaultProxy, startFaultProxy } from '../../test/support/fault-proxy.ts'
import { azureStore } from './azure.ts'
import { type BucketOptions, createBucket } from './bucket.ts'
import { isBucketError } from './errors.ts'
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

test('a container that is not there is no empty one', async () => {
  const bucket = createBucket(azureStore(settings({ container: 'missing', createContainer: false })))
  await rejectsAs(bucket.get('k'), 'misconfigured')
  await rejectsAs(bucket.head('k'), 'misconfigured')
  await rejectsAs(bucket.put('k', text('x')), 'misconfigured')
})

test('a wrong key is said without it', async () => {
  const key = btoa('not the key')
  const bucket = createBucket(azureStore(settings({ credentials: { kind: 'key', key }, createContainer: false })))
  await assert.rejects(bucket.get('k'), (error: Error) => {
    assert.match(error.message, / get k: 403 AuthorizationFailure: .*\(denied\)$/)
    assert.ok(!error.message.includes(key))
    return true
  })
})

test('connection strings, with a key and with a shared access signature', async () => {
  container++
  const credentials = { kind: 'connection-string', text: azurite.connectionString } as const
  const withKey = createBucket(azureStore(settings({ account: '', credentials })))
  assert.equal(withKey.name, `azure://${azurite.account}/fleet-${container}`)
  await withKey.put('k', text('x'))

  const signed = generateAccountSASQueryParameters(
    {
      expiresOn: new Date(Date.now() + 600_000),
      permissions: AccountSASPermissions.parse('rwdlac'),
      services: 'b',
      resourceTypes: 'sco',
    },
    new StorageSharedKeyCredential(azurite.account, azurite.key),
  )
  const sas = `BlobEndpoint=${azurite.endpoint};SharedAccessSignature=${signed}`
  const withSas = createBucket(azureStore(settings({ credentials: { kind: 'connection-string', text: sas } })))
  assert.equal(textOf(await withSas.get('k')), 'x')
  await assert.rejects(withSas.get('none'), (error: Error) => !error.message.includes('sig='))
})

test('two writers of one large object do not mix their blocks', async () => {
  container++
  const open = () => createBucket(azureStore(settings(), { blockSize: BLOCK }))
  const [first, second] = [open(), open()]
  const bodies = [bytesOf(3 * BLOCK, 1), bytesOf(3 * BLOCK, 2)]
  const outcomes = await Promise.allSettled([
    first.put('k', bodies[0]!, { ifNoneMatch: true }),
    second.put('k', bodies[1]!, { ifNoneMatch: true }),
  ])
  const won = outcomes.findIndex(({ status }) => status === 'fulfilled')
  const lost = outcomes[1 - won]!
  assert.ok(lost.status === 'rejected' && isBucketError(lost.reason, 'precondition_failed'))
  assert.equal(md5(await first.get('k')), md5(bodies[won]!))
})
