import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPageCache, type DecodedPage } from './page-cache.ts'

const page = (rows: number): DecodedPage => ({
  stack: new Int32Array(rows),
  values: { kind: 'doubles', doubles: new Float64Array(rows) },
})

test('the least recently used pages go when the budget is spent', () => {
  const cache = createPageCache(3 * 12 * 10)
  for (const key of ['a', 'b', 'c']) cache.put(key, page(10))
  assert.ok(cache.get('a'))
  cache.put('d', page(10))
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map(key => cache.get(key) !== undefined),
    [true, false, true, true],
  )
  cache.put('e', page(20))
  assert.deepEqual(
    ['a', 'c', 'd', 'e'].map(key => cache.get(key) !== undefined),
    [false, false, true, true],
  )
})

test('a page that is larger than the budget is not kept, and costs no other its place', () => {
  const cache = createPageCache(200)
  cache.put('a', page(10))
  cache.put('huge', page(100))
  assert.ok(cache.get('a'))
  assert.equal(cache.get('huge'), undefined)
})
