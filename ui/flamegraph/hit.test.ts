import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flameOf } from '../../test/support/fake-flame.ts'
import { hitBox, hitOf } from './hit.ts'
import { emptyBoxes, layout } from './layout.ts'
import { buildModel, nameOf } from './model.ts'

const model = buildModel(flameOf(['main;serve 24', 'main 8', 'idle 7', 'thin 1']))
const boxes = emptyBoxes()
layout(model, { x0: 0, x1: 40, width: 40, firstRow: 0, endRow: 9 }, boxes)

for (const [depth, x, want] of [
  [0, 20, 'root'],
  [1, 0, 'main'],
  [1, 31.9, 'main'],
  [1, 32, 'idle'],
  [1, 39.5, 'thin'],
  [2, 10, 'serve'],
  [2, 30, null],
  [3, 10, null],
  [1, 41, null],
  [-1, 10, null],
] as const) {
  test(`row ${depth}, pixel ${x}: ${want}`, () => {
    const hit = hitOf(boxes, model.rows, hitBox(boxes, depth, x))
    assert.equal(hit && nameOf(model, hit.node), want)
  })
}
