import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Dictionary,
  Int32,
  Int64,
  makeVector,
  RecordBatch,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import fc from 'fast-check'
import { encodeFlame, fakeFlame, flameOf } from '../../test/support/fake-flame.ts'
import { readArrowStream } from './arrow.ts'
import { decodeFlame } from './decode.ts'

test('what flechette writes comes back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 50 }), (nodes, seed) => {
      const rows = fakeFlame(nodes, seed)
      const back = decodeFlame(encodeFlame(rows))
      assert.deepEqual(back.parent, rows.parent)
      assert.deepEqual(back.total, rows.total)
      assert.deepEqual(back.exactSelf, rows.exactSelf)
      assert.deepEqual(
        Array.from(back.name, id => back.names[id]),
        Array.from(rows.name, id => rows.names[id]),
      )
      assert.deepEqual(
        Array.from(back.file, id => back.files[id] ?? null),
        Array.from(rows.file, id => rows.files[id] ?? null),
      )
      assert.deepEqual(back.line, rows.line)
      assert.equal(back.unit, rows.unit)
      assert.equal(back.profiles, rows.profiles)
    }),
    { numRuns: 30 },
  )
})

test('what apache-arrow writes is read: several batches, nulls, int64 past 2^53', () => {
  const big = 9_007_199_254_740_993n
  const table = new Table({
    parent: vectorFromArray([-1, 0, 0], new Int32()),
    name: vectorFromArray(['root', 'añb', null], new Dictionary(new Utf8(), new Int32())),
    total: makeVector(BigInt64Array.of(big, -5n, 7n)),
    self: vectorFromArray([0n, -5n, 7n], new Int64()),
    file: vectorFromArray([null, 'x.go', null], new Utf8()),
    line: vectorFromArray([null, 12n, null], new Int64()),
  })
  const back = decodeFlame(tableToIPC(table, 'stream'))
  assert.deepEqual([...back.exactTotal], [big, -5n, 7n])
  assert.deepEqual([...back.total], [Number(big), -5, 7])
  assert.deepEqual(
    Array.from(back.name, id => back.names[id] ?? null),
    ['root', 'añb', null],
  )
  assert.deepEqual(
    Array.from(back.file, id => back.files[id] ?? null),
    [null, 'x.go', null],
  )
  assert.deepEqual([...back.line], [0, 12, 0])
})

test('batches of one stream are joined', () => {
  const part = (parents: number[], names: string[]) =>
    new Table({
      parent: vectorFromArray(parents, new Int32()),
      name: vectorFromArray(names, new Utf8()),
      total: makeVector(BigInt64Array.from(parents, () => 1n)),
      self: makeVector(BigInt64Array.from(parents, () => 1n)),
    })
  const first = part([-1, 0], ['root', 'a'])
  const second = new RecordBatch(first.schema, part([1, 1, 0], ['b', 'a', 'c']).batches[0]!.data)
  const back = decodeFlame(tableToIPC(new Table(first.schema, [...first.batches, second]), 'stream'))
  assert.deepEqual([...back.parent], [-1, 0, 1, 1, 0])
  assert.deepEqual(
    Array.from(back.name, id => back.names[id]),
    ['root', 'a', 'b', 'a', 'c'],
  )
  assert.deepEqual(back.names, ['root', 'a', 'b', 'c'])
})

test('a stream that starts at an odd byte is read as well', () => {
  const bytes = encodeFlame(flameOf(['a;b 3', 'c 4']))
  const shifted = new Uint8Array(bytes.length + 3)
  shifted.set(bytes, 3)
  assert.deepEqual(decodeFlame(shifted.subarray(3)), decodeFlame(bytes))
})

test('bytes cut short or mangled end in an error or an answer, never in a hang', () => {
  const bytes = encodeFlame(flameOf(['a;b 3', 'c 4']))
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length - 1), (at, value, cut) => {
      const mangled = bytes.slice(0, bytes.length - (cut % 3 === 0 ? cut : 0))
      if (at < mangled.length) mangled[at] = value
      try {
        readArrowStream(mangled)
      } catch (thrown) {
        assert.ok(thrown instanceof Error)
      }
    }),
    { numRuns: 2000 },
  )
})

test('a parent that comes after its child is refused', () => {
  const rows = flameOf(['a;b 3'])
  rows.parent[1] = 2
  assert.throws(() => decodeFlame(encodeFlame(rows)), /row 1 has parent 2/)
})
