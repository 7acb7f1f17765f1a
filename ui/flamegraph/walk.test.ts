import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flameOf } from '../../test/support/fake-flame.ts'
import { buildModel, nameOf } from './model.ts'
import { type Step, walk } from './walk.ts'

const model = buildModel(flameOf(['main;serve;read 5', 'main;gc 2', 'idle;nap 1']))

for (const [steps, want] of [
  ['child', 'main'],
  ['child child', 'serve'],
  ['child child next', 'gc'],
  ['child child next next', 'nap'],
  ['child child next next next', 'nap'],
  ['child child next previous', 'serve'],
  ['child child child child', 'read'],
  ['child child parent', 'main'],
  ['child child root', 'root'],
  ['parent', 'root'],
  ['next', 'root'],
] as const) {
  test(`${steps} leads to ${want}`, () => {
    const end = steps.split(' ').reduce((node, step) => walk(model, node, step as Step), 0)
    assert.equal(nameOf(model, end), want)
  })
}
