import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shorten } from './draw.ts'

for (const [text, fits, want] of [
  ['net/http.(*conn).serve', 30, 'net/http.(*conn).serve'],
  ['net/http.(*conn).serve', 18, 'http.(*conn).serve'],
  ['net/http.(*conn).serve', 10, 'http.(*co…'],
  ['sort.Slice[go.shape/int]', 12, 'sort.Slice[…'],
  ['memmove', 3, 'me…'],
  ['memmove', 1, ''],
] as const) {
  test(`${text} in ${fits} characters`, () => assert.equal(shorten(text, fits), want))
}
