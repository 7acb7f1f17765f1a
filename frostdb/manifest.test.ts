/** The manifest: what is said in it is there when it is opened again; what is torn was never said; damage opens nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CorruptionError } from '../pkg/base/errors.ts'
import { randomFrom } from '../test/support/random.ts'
import { createSimDisk } from '../test/support/sim-disk.ts'
import { type BlockEntry, type ManifestEdit, openManifest } from './manifest.ts'

const PATH = '/t/MANIFEST'
const block = (n: number): BlockEntry => ({
  ulid: `B${n}`,
  minTime: n,
  maxTime: n + 1,
  level: 0,
  rows: 1,
  profiles: 1,
  bytes: 1,
})
const adds = (n: number, walFrom = n): ManifestEdit => ({ add: [block(n)], remove: [], walFrom })

async function disk() {
  const sim = createSimDisk(randomFrom(1))
  await sim.disk.makeDir('/t')
  return sim
}

test('edits are there when it is opened again, as one line', async () => {
  const sim = await disk()
  const first = await openManifest(sim.disk, '/t')
  await Promise.all([
    first.edit(adds(1)),
    first.edit(adds(2)),
    first.edit({ add: [block(3)], remove: ['B1'], walFrom: 7 }),
  ])
  await first.close()
  assert.equal(sim.files.get(PATH)!.toString().trimEnd().split('\n').length, 4)
  const again = await openManifest(sim.disk, '/t')
  assert.deepEqual([again.blocks.map(b => b.ulid), again.walFrom], [['B2', 'B3'], 7])
  assert.equal(sim.files.get(PATH)!.toString().trimEnd().split('\n').length, 1)
  assert.deepEqual(again.blocks[0], block(2))
})

test('what is called when an edit is in force sees the new blocks, and only then they are seen', async () => {
  const sim = await disk()
  const manifest = await openManifest(sim.disk, '/t')
  let seen: readonly BlockEntry[] = []
  const edit = manifest.edit(adds(1), () => {
    seen = manifest.blocks
  })
  assert.deepEqual(manifest.blocks, [])
  await edit
  assert.deepEqual(seen, [block(1)])
})

async function threeLines() {
  const sim = await disk()
  const manifest = await openManifest(sim.disk, '/t')
  await manifest.edit(adds(1))
  await manifest.edit(adds(2))
  await manifest.close()
  return { sim, bytes: sim.files.get(PATH)! }
}

test('cut anywhere, it opens with the edits that are whole, or not at all', async () => {
  const { sim, bytes } = await threeLines()
  const ends = [...bytes.entries()].filter(([, byte]) => byte === 10).map(([at]) => at + 1)
  for (let length = 0; length < bytes.length; length++) {
    sim.write(PATH, bytes.subarray(0, length))
    const whole = ends.filter(end => end <= length).length
    if (whole === 0) {
      await assert.rejects(openManifest(sim.disk, '/t'), CorruptionError, `${length} bytes`)
      continue
    }
    const manifest = await openManifest(sim.disk, '/t')
    assert.deepEqual(manifest.blocks, [block(1), block(2)].slice(0, whole - 1), `${length} bytes`)
    await manifest.close()
  }
})

test('a byte flipped anywhere but in the last line end opens nothing, and says where', async () => {
  const { sim, bytes } = await threeLines()
  for (let at = 0; at < bytes.length - 1; at++) {
    const bad = Uint8Array.from(bytes)
    bad[at]! ^= 1 << (at % 7)
    sim.write(PATH, bad)
    await assert.rejects(
      openManifest(sim.disk, '/t'),
      (e: unknown) => e instanceof CorruptionError && e.path === PATH && e.message.startsWith(PATH),
      `byte ${at}`,
    )
    assert.deepEqual(sim.files.get(PATH), Buffer.from(bad), 'and leaves it for who mends it')
  }
})

test('a last line with a hole of zeros is torn', async () => {
  const { sim, bytes } = await threeLines()
  const last = bytes.lastIndexOf(10, bytes.length - 2) + 1
  const holed = Uint8Array.from(bytes)
  holed.fill(0, last + 20, last + 40)
  sim.write(PATH, holed)
  assert.deepEqual((await openManifest(sim.disk, '/t')).blocks, [block(1)])
  const middle = Uint8Array.from(bytes)
  middle.fill(0, last - 20, last - 10)
  sim.write(PATH, middle)
  await assert.rejects(openManifest(sim.disk, '/t'), CorruptionError)
})

for (const call of ['append', 'datasync', 'rename', 'open', 'syncDir'] as const) {
  test(`an edit whose ${call} fails is not in force; the next one is`, async () => {
    const sim = await disk()
    const manifest = await openManifest(sim.disk, '/t')
    await manifest.edit(adds(1))
    if (call !== 'append' && call !== 'datasync') {
      sim.faults.push({ call: 'append', after: 0, code: 'ENOSPC' }) // so that the file is written anew
      await assert.rejects(manifest.edit(adds(8)), { code: 'ENOSPC' })
    }
    sim.faults.push({ call, after: 0, code: 'EIO' })
    await assert.rejects(manifest.edit(adds(9)), { code: 'EIO' })
    assert.deepEqual(manifest.blocks, [block(1)])
    await manifest.edit(adds(2))
    assert.deepEqual(manifest.blocks, [block(1), block(2)])
    await manifest.close()
    sim.crash()
    assert.deepEqual((await openManifest(sim.disk, '/t')).blocks, [block(1), block(2)])
  })
}
