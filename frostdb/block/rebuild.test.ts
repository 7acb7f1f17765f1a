/** An index made again from the Parquet files gives the same answers; damaged files give none. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { CorruptionError } from '../../pkg/base/errors.ts'
import { randomFrom } from '../../test/support/random.ts'
import { randomWrites, T0_MS } from '../../test/support/random-writes.ts'
import { contentText, sumsOf } from '../../test/support/source-text.ts'
import { blockOf, headOf } from '../../test/support/temp-block.ts'
import { noReads, type Source } from '../scan/source.ts'
import { mendIndexes } from './mend.ts'
import { openBlock } from './open.ts'
import { indexFault, rebuildIndex } from './rebuild.ts'

const HOUR = 3_600_000

function contentAt(directory: string): { text: string[]; sums: Map<string, bigint>; functions: string[] } {
  const { source, close } = openBlock(directory, 'x', noReads())
  const withRows = (s: Source): number[] => {
    const rows = Array.from({ length: s.profiles.length }, (_, i) => i)
    return rows.filter(i => s.profiles.rowCount[i]! > 0)
  }
  const rows = withRows(source)
  const profiles = { ...source.profiles, length: rows.length }
  for (const [name, column] of Object.entries(source.profiles)) {
    if (typeof column !== 'number') Object.assign(profiles, { [name]: rows.map(i => column[i]) })
  }
  const only = { ...source, profiles } as Source
  const out = {
    text: contentText([only]),
    sums: new Map([...sumsOf(only, [...rows.keys()])].sort()),
    functions: [String(source.functionNodes.length), String(source.nodes.length), String(source.rowGroups.length)],
  }
  close()
  return out
}

for (let seed = 0; seed < 8; seed++) {
  test(`random blocks ${seed}`, async () => {
    const random = randomFrom(seed + 100)
    const writes = randomWrites(random, {
      profiles: 1 + random.below(60),
      samples: 30,
      spanMs: 2.5 * HOUR,
      wide: seed % 2 === 0,
    })
    const { directory, entry } = blockOf(headOf(writes), { rowGroupRows: 300 })
    const before = contentAt(directory)
    assert.equal(indexFault(directory), null)
    rmSync(`${directory}/index`)
    assert.match(indexFault(directory)!, /missing/)
    const { profiles, lost } = await rebuildIndex(directory)
    assert.equal(profiles + lost, entry.profiles)
    assert.equal(indexFault(directory), null)
    assert.deepEqual(contentAt(directory), before)
    const meta = JSON.parse(readFileSync(`${directory}/meta.json`, 'utf8'))
    for (const [name, { bytes, crc32: want }] of Object.entries<{ bytes: number; crc32: string }>(meta.files)) {
      const file = readFileSync(`${directory}/${name}`)
      assert.deepEqual([file.length, crc32(file).toString(16).padStart(8, '0')], [bytes, want], name)
    }
    assert.deepEqual(readdirSync(directory).sort(), [
      'frames.parquet',
      'index',
      'meta.json',
      'profiles.parquet',
      'stacks.parquet',
    ])
  })
}

const plain = () => randomWrites(randomFrom(1), { profiles: 10, samples: 10, spanMs: HOUR })

test('a block of profiles without a sample', async () => {
  const type = 'block:contentions:count:contentions:count:delta'
  const empty = { types: [type], series: [{ labels: {} }], samples: [], timeNanos: BigInt(T0_MS) * 1_000_000n }
  const { directory } = blockOf(headOf([empty]))
  assert.deepEqual(await rebuildIndex(directory), { profiles: 0, lost: 1 })
  assert.deepEqual(contentAt(directory).text, [])
})

test('an index with a flipped byte anywhere is at fault, and never read', () => {
  const { directory } = blockOf(headOf(plain()))
  const path = `${directory}/index`
  const good = readFileSync(path)
  const random = randomFrom(3)
  const offsets = new Set([0, 4, 8, good.length - 1, good.length - 5, good.length - 9, good.length - 13])
  while (offsets.size < 300) offsets.add(random.below(good.length))
  for (const offset of offsets) {
    const bad = Uint8Array.from(good)
    bad[offset]! ^= 1 << random.below(8)
    writeFileSync(path, bad)
    assert.ok(indexFault(directory)?.startsWith(path), `byte ${offset}`)
    assert.throws(
      () => openBlock(directory, 'x', noReads()),
      (e: unknown) => e instanceof CorruptionError && e.path === path,
      `byte ${offset}`,
    )
  }
  for (let length = 0; length < good.length; length += 1 + random.below(200)) {
    writeFileSync(path, good.subarray(0, length))
    assert.ok(indexFault(directory)?.startsWith(path), `${length} bytes`)
    assert.throws(() => openBlock(directory, 'x', noReads()), CorruptionError, `${length} bytes`)
  }
})

test('of a damaged Parquet file no index is made', async () => {
  const { directory } = blockOf(headOf(plain()))
  const index = readFileSync(`${directory}/index`)
  for (const name of ['profiles.parquet', 'stacks.parquet', 'frames.parquet']) {
    const path = `${directory}/${name}`
    const good = readFileSync(path)
    const bad = Uint8Array.from(good)
    bad[good.length >> 1]! ^= 1
    writeFileSync(path, bad)
    await assert.rejects(rebuildIndex(directory), (e: unknown) => e instanceof CorruptionError && e.path === path)
    writeFileSync(path, good)
  }
  rmSync(`${directory}/meta.json`)
  await assert.rejects(rebuildIndex(directory), /meta\.json.*cannot be read/)
  assert.deepEqual(readFileSync(`${directory}/index`), index)
})

test('of many blocks those are mended that need it; what cannot be mended is told', async () => {
  const [good, missing, broken] = [blockOf(headOf(plain())), blockOf(headOf(plain())), blockOf(headOf(plain()))]
  rmSync(`${missing.directory}/index`)
  writeFileSync(`${broken.directory}/index`, 'no index')
  writeFileSync(`${broken.directory}/frames.parquet`, 'no Parquet')
  const found = await mendIndexes([good, broken, missing])
  assert.deepEqual(
    found.map(m => [m.block, m.error === null]),
    [
      [broken.ulid, false],
      [missing.ulid, true],
    ],
  )
  assert.match(found[0]!.error!, /frames\.parquet/)
  assert.deepEqual(contentAt(missing.directory), contentAt(good.directory))
  assert.deepEqual(await mendIndexes([good, missing]), [])
})
