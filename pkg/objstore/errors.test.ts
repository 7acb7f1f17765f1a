import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BucketError, describe, isBucketError, kindOfStatus, StoreError } from './errors.ts'

test('an error reads as place, fact and kind', () => {
  const store = new StoreError('unavailable', '503 SlowDown: reduce your rate')
  const place = { bucket: 's3://fleet', operation: 'put', key: 'a/b', attempts: 6 } as const
  const error = new BucketError(store, place)
  assert.equal(error.message, 's3://fleet: put a/b: 503 SlowDown: reduce your rate (unavailable, 6 attempts)')
  assert.deepEqual([isBucketError(error), isBucketError(error, 'denied'), isBucketError(store)], [true, false, false])
})

for (const [status, kind] of [
  [301, 'misconfigured'],
  [400, 'invalid'],
  [401, 'denied'],
  [403, 'denied'],
  [404, 'not_found'],
  [408, 'unavailable'],
  [412, 'precondition_failed'],
  [416, 'out_of_range'],
  [429, 'unavailable'],
  [500, 'unavailable'],
  [501, 'unsupported'],
  [503, 'unavailable'],
] as const)
  test(`status ${status} is ${kind}`, () => assert.equal(kindOfStatus(status), kind))

for (const [parts, want] of [
  [[503, 'SlowDown', 'slow'], '503 SlowDown: slow'],
  [[undefined, undefined, undefined], 'no answer'],
  [[403, '', 'first\nsecond'], '403: first'],
  [[403, 'X', 'GET http://x.example/c?sv=1&sig=abc%2B1&se=2'], '403 X: GET http://x.example/c?sv=1&sig=…&se=2'],
  [[undefined, undefined, 'x'.repeat(1_000)], 'x'.repeat(300)],
] as const)
  test(`describes ${JSON.stringify(parts).slice(0, 60)}`, () =>
    assert.equal(describe(parts[0], parts[1], parts[2]), want))
