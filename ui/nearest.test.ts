import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from './nearest.ts'

test('a common beginning counts most, then the length', () => {
  assert.deepEqual(nearest(['cart', 'checkout', 'check', 'api'], 'chekout'), ['checkout', 'check', 'cart', 'api'])
})
