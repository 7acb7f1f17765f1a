import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { bucketSuite, bytesOf, keysOf, md5, rejectsAs, text, textOf } from '../../test/support/bucket-suite.ts'
import { createBucket } from './bucket.ts'
import { filesystemStore } from './filesystem.ts'

const root = mkdtempSync(join(tmpdir(), 'decima-filesystem-bucket-'))
after(() => rmSync(root, { recursive: true, force: true }))
const folder = (): string => mkdtempSync(join(root, 'bucket-'))
const open = (directory: string) => createBucket(filesystemStore({ directory }))

bucketSuite('filesystem', { open: async () => open(folder()), large: { size: 3_000_000, puts: 1 } })

test('a file on the same file system is linked, and outlives its source', async () => {
  const directory = folder()
  const bucket = open(directory)
  const path = join(root, 'block.parquet')
  writeFileSync(path, bytesOf(100_000))
  await bucket.put('blocks/1/profiles.parquet', { path, size: 100_000 })
  assert.equal(statSync(join(directory, 'blocks/1/profiles.parquet')).ino, statSync(path).ino)
  rmSync(path)
  assert.equal(md5(await bucket.get('blocks/1/profiles.parquet')), md5(bytesOf(100_000)))
})

test('the same file may be put again', async () => {
  const bucket = open(folder())
  const path = join(root, 'again')
  writeFileSync(path, 'same')
  const first = await bucket.put('k', { path, size: 4 })
  const second = await bucket.put('k', { path, size: 4 })
  const third = await bucket.put('k', { path, size: 4 }, { ifMatch: second.etag })
  assert.deepEqual([first.etag, third.etag], [second.etag, second.etag])
  assert.equal(textOf(await bucket.get('k')), 'same')
})

test('nothing is left beside the objects, and no folder without one', async () => {
  const directory = folder()
  const bucket = open(directory)
  const { etag } = await bucket.put('a/b/c', text('1'))
  await bucket.put('a/b/c', text('2'), { ifMatch: etag })
  await rejectsAs(bucket.put('a/b/c', text('3'), { ifMatch: etag }), 'precondition_failed')
  await rejectsAs(bucket.put('a/b/c', text('3'), { ifNoneMatch: true }), 'precondition_failed')
  assert.deepEqual(readdirSync(directory, { recursive: true }).sort(), ['a', 'a/b', 'a/b/c'])
  await bucket.remove('a/b/c')
  assert.deepEqual(readdirSync(directory, { recursive: true }), [])
})

test('what a crash leaves behind is no object', async () => {
  const directory = folder()
  mkdirSync(join(directory, 'a'))
  writeFileSync(join(directory, 'a/.put-0123'), 'half')
  writeFileSync(join(directory, 'a/whole'), 'whole')
  assert.deepEqual(await keysOf(open(directory)), ['a/whole'])
})

test('a writer that died while replacing a version holds it for a minute, not for ever', async () => {
  const directory = folder()
  const bucket = open(directory)
  const { etag } = await bucket.put('manifest', text('1'))
  const hold = `.next-${etag}-${md5(text('manifest'))}`
  writeFileSync(join(directory, hold), 'of the dead')
  await rejectsAs(bucket.put('manifest', text('2'), { ifMatch: etag }), 'precondition_failed')
  assert.equal(textOf(await bucket.get('manifest')), '1')

  const later = { now: () => Date.now() + 61_000, monotonic: () => performance.now(), sleep: async () => {} }
  const heir = createBucket(filesystemStore({ directory }, later))
  await heir.put('manifest', text('2'), { ifMatch: etag })
  assert.equal(textOf(await bucket.get('manifest')), '2')
  assert.deepEqual(readdirSync(directory), ['manifest'])
})

test('a file changed from outside has another etag', async () => {
  const directory = folder()
  const bucket = open(directory)
  const { etag } = await bucket.put('k', text('one'))
  writeFileSync(join(directory, 'k'), 'two')
  utimesSync(join(directory, 'k'), 1, 1)
  assert.notEqual((await bucket.head('k'))!.etag, etag)
  await rejectsAs(bucket.put('k', text('three'), { ifMatch: etag }), 'precondition_failed')
})

test('a folder is no object, and what stands in the way is said', async () => {
  const bucket = open(folder())
  await bucket.put('a/b', text('x'))
  assert.equal(await bucket.head('a'), null)
  await rejectsAs(bucket.get('a'), 'not_found')
  assert.equal(await bucket.head('a/b/c'), null)
  await bucket.remove('a')
  assert.equal(textOf(await bucket.get('a/b')), 'x')
})

test('more objects than a page', async () => {
  const directory = folder()
  for (let i = 0; i < 1001; i++) writeFileSync(join(directory, `k${String(i).padStart(4, '0')}`), '')
  mkdirSync(join(directory, 'k0500.d'))
  writeFileSync(join(directory, 'k0500.d/x'), '')
  const keys = await keysOf(open(directory), 'k')
  assert.equal(keys.length, 1002)
  assert.deepEqual(keys, keys.toSorted())
})
