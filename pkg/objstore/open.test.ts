import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { keysOf, text, textOf } from '../../test/support/bucket-suite.ts'
import { startS3Double } from '../../test/support/s3-double.ts'
import { loadConfig } from '../config/load.ts'
import { openBucket } from './open.ts'

const root = mkdtempSync(join(tmpdir(), 'decima-open-bucket-'))
after(() => rmSync(root, { recursive: true, force: true }))

/** What the configuration says is what a bucket is opened with: the compiler checks that the two shapes agree. */
function openFrom(bucket: unknown) {
  const { objectStorage } = loadConfig(JSON.stringify({ object_storage: { bucket } }), { file: 'parca.yaml' }).config
  return openBucket(objectStorage!)
}

test('no SDK is loaded before it is needed', () => {
  const loads = readdirSync(import.meta.dirname)
    .filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .flatMap(file => {
      const source = readFileSync(join(import.meta.dirname, file), 'utf8')
      const eager = /^import (?!type )[^']*? from '@(aws-sdk|azure|google-cloud)\//m.test(source)
      const lazy = [...source.matchAll(/(?:await |\[)import\('([^']+)'\)/g)]
      return [...(eager ? [`${file} loads at once`] : []), ...lazy.map(found => `${file}: ${found[1]}`)]
    })
  assert.deepEqual(loads, [
    'azure-client.ts: @azure/storage-blob',
    'gcs.ts: @google-cloud/storage',
    's3-client.ts: @aws-sdk/client-s3',
  ])
})

test('a folder, from the configuration', async () => {
  const bucket = openFrom({ type: 'FILESYSTEM', config: { directory: root }, prefix: 'a/b/' })
  assert.equal(bucket.name, `file://${root}/a/b`)
  await bucket.put('k', text('x'))
  const whole = openFrom({ type: 'FILESYSTEM', config: { directory: root } })
  assert.deepEqual(await keysOf(whole), ['a/b/k'])
})

test('S3, from the configuration', async () => {
  const double = await startS3Double({ bucket: 'fleet', accessKey: 'AK', secretKey: 'SK' })
  const config = { bucket: 'fleet', endpoint: double.endpoint, insecure: true, access_key: 'AK', secret_key: 'SK' }
  const bucket = openFrom({ type: 'S3', config, prefix: 'profiles' })
  try {
    assert.equal(bucket.name, 's3://fleet/profiles')
    await bucket.put('k', text('x'))
    assert.equal(textOf(await bucket.get('k')), 'x')
    assert.deepEqual([...double.objects.keys()], ['profiles/k'])
  } finally {
    await bucket.close()
    await double.close()
  }
})

for (const [name, bucket] of [
  ['gs://fleet', { type: 'GCS', config: { bucket: 'fleet' } }],
  ['azure://acme/fleet/p', { type: 'AZURE', prefix: 'p', config: { storage_account: 'acme', container: 'fleet' } }],
  [
    'azure://acme/fleet',
    { type: 'AZURE', config: { storage_connection_string: 'AccountName=acme;AccountKey=a2V5', container: 'fleet' } },
  ],
] as const)
  test(`${name} is opened without a request`, async () => {
    const opened = openFrom(bucket)
    assert.equal(opened.name, name)
    await opened.close()
  })
