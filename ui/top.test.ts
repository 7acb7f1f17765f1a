import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flameOf } from '../test/support/fake-flame.ts'
import { buildModel } from './flamegraph/model.ts'
import { orderFunctions } from './top.ts'

const model = buildModel(flameOf(['main;serve;read 3', 'main;serve 4', 'main;gc 4', 'gc 1']))
const listed = (...args: [Parameters<typeof orderFunctions>[1], boolean, string?]): string[] => {
  const only = args[2] === undefined ? null : Uint8Array.from(model.names, name => (name.includes(args[2]!) ? 1 : 0))
  return Array.from(orderFunctions(model, args[0], args[1], only), f => model.names[f]!)
}

test('by self, ties by total', () => assert.deepEqual(listed('self', false), ['gc', 'serve', 'read', 'main']))
test('by total', () => assert.deepEqual(listed('total', false), ['main', 'serve', 'gc', 'read']))
test('by name, both ways', () => {
  assert.deepEqual(listed('name', true), ['gc', 'main', 'read', 'serve'])
  assert.deepEqual(listed('name', false), ['serve', 'read', 'main', 'gc'])
})
test('only what matches', () => assert.deepEqual(listed('self', false, 'r'), ['serve', 'read']))
