import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flameOf } from '../../test/support/fake-flame.ts'
import { buildModel } from './model.ts'
import { findMatches } from './search.ts'

const model = buildModel(flameOf(['json.Marshal;json.encode;memmove 6', 'main;json.encode 3', 'main;gc 1']))

test('a match inside a match counts once', () => {
  const found = findMatches(model, { text: 'JSON' })!
  assert.equal(found.total, 9)
  assert.equal(found.functions, 2)
  assert.equal(found.nodes.length, 3)
})

test('an exact name', () => {
  const found = findMatches(model, { name: 'json.encode' })!
  assert.equal(found.total, 9)
  assert.equal(found.nodes.length, 2)
  assert.equal(findMatches(model, { name: 'json' })!.nodes.length, 0)
})

test('how many matches a run of rows holds', () => {
  const found = findMatches(model, { text: 'gc' })!
  const row = model.rowStart[2]!
  const inRow = model.rowStart[3]! - row
  assert.equal(inRow, 3)
  assert.equal(found.before[row + inRow]! - found.before[row]!, 1)
})

test('pattern characters are plain text, blanks are nothing', () => {
  assert.equal(findMatches(model, { text: 'json.*' })!.nodes.length, 0)
  assert.equal(findMatches(model, { text: '  ' }), null)
  assert.equal(findMatches(model, { text: 'root' })!.nodes.length, 0)
})
