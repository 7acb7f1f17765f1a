import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUlid, ulid } from './ulid.ts'

const always = (value: number) => ({ next: () => value })

test('time first, then randomness', () => {
  assert.equal(ulid(0, always(0)), '00000000000000000000000000')
  assert.equal(ulid(1, always(0.999)), '0000000001ZZZZZZZZZZZZZZZZ')
  assert.equal(ulid(1_469_918_176_385, always(0)), '01ARYZ6S410000000000000000')
  assert.equal(ulid(2 ** 48 - 1, always(0)), '7ZZZZZZZZZ0000000000000000')
  assert.equal(ulid(1.9, always(0)), ulid(1, always(0)))
})

test('names sort by time', () => {
  const times = [0, 1, 31, 32, 1023, 1024, 1_700_000_000_000, 1_700_000_000_001, 2 ** 47]
  const names = times.map((time, i) => ulid(time, always(i % 2)))
  assert.deepEqual(names.toSorted(), names)
  assert.ok(names.slice(0, 1).every(isUlid))
})

test('what is one', () => {
  const good = '01ARYZ6S41TSV4RRFFQ69G5FAV'
  assert.equal(isUlid(good), true)
  for (const bad of [
    '',
    good.slice(1),
    `${good}0`,
    good.toLowerCase(),
    `8${good.slice(1)}`,
    good.replace('T', 'U'),
    `${good}\n`,
    '../../etc/passwd',
  ]) {
    assert.equal(isUlid(bad), false, bad)
  }
})
