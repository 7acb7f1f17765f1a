import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { dropBytes, systemClock, systemDisk } from './system.ts'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'decima-system-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const bytes = (text: string) => new TextEncoder().encode(text)

test('append adds chunks in order, also to a file that is there', async () => {
  const path = join(folder, 'log')
  const first = await systemDisk.openAppend(path, { exclusive: true })
  await first.append([bytes('ab'), bytes(''), bytes('cd')])
  await first.datasync()
  await first.close()
  const second = await systemDisk.openAppend(path)
  await second.append([bytes('e')])
  await second.append([])
  await second.close()
  assert.deepEqual(new Uint8Array(await systemDisk.read(path)), bytes('abcde'))
  await assert.rejects(systemDisk.openAppend(path, { exclusive: true }), { code: 'EEXIST' })
})

test('append takes more chunks than one system call does', async () => {
  const path = join(folder, 'many')
  const file = await systemDisk.openAppend(path)
  await file.append(Array.from({ length: 5000 }, (_, i) => Uint8Array.of(i & 255)))
  await file.close()
  const read = await systemDisk.read(path)
  assert.equal(read.length, 5000)
  assert.equal(read[4999], 4999 & 255)
})

test('truncate, rename, remove, list, syncDir, freeBytes', async () => {
  const dir = join(folder, 'a', 'b')
  await systemDisk.makeDir(dir)
  const file = await systemDisk.openAppend(join(dir, 'x'))
  await file.append([bytes('0123456789')])
  await file.close()
  await systemDisk.truncate(join(dir, 'x'), 4)
  await systemDisk.rename(join(dir, 'x'), join(dir, 'y'))
  await systemDisk.syncDir(dir)
  assert.deepEqual(await systemDisk.list(dir), ['y'])
  assert.equal((await systemDisk.read(join(dir, 'y'))).length, 4)
  await systemDisk.remove(join(folder, 'a'))
  await systemDisk.remove(join(folder, 'a'))
  await assert.rejects(systemDisk.list(dir), { code: 'ENOENT' })
  assert.ok((await systemDisk.freeBytes(folder)) > 0)
})

test('a full disk rejects with ENOSPC', async t => {
  const full = await systemDisk.openAppend('/dev/full').catch(() => null)
  if (full === null) return t.skip('no /dev/full here')
  await assert.rejects(full.append([bytes('x')]), { code: 'ENOSPC' })
  await full.close()
})

test('dropBytes leaves exactly the bytes after the count', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 5 }), { maxLength: 8 }), fc.nat(), (chunks, n) => {
      const all = Buffer.concat(chunks)
      const count = all.length === 0 ? 0 : n % (all.length + 1)
      assert.deepEqual(Buffer.concat(dropBytes(chunks, count)), all.subarray(count))
    }),
  )
})

test('sleep ends with its signal and does not reject', async () => {
  const stop = new AbortController()
  const slept = systemClock.sleep(2 ** 40, stop.signal)
  stop.abort()
  await slept
  await systemClock.sleep(60_000, stop.signal)
  await systemClock.sleep(1)
})
