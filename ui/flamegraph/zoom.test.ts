import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flameOf } from '../../test/support/fake-flame.ts'
import { buildModel, nameOf } from './model.ts'
import { parseZoom, zoomMoved, zoomOfNode, zoomOfRun } from './zoom.ts'

const model = buildModel(flameOf(['main;serve 50', 'main;a 10', 'main;b 10', 'main;c 10', 'idle 20']))
const node = (name: string): number => [...model.name].findIndex(f => model.names[f] === name)

test('nothing is the whole graph', () => assert.deepEqual(parseZoom(model, ''), { node: 0, x0: 0, x1: 100 }))

test('a frame', () => {
  assert.deepEqual(parseZoom(model, zoomOfNode(model, node('serve'))), { node: node('serve'), x0: 0, x1: 50 })
})

test('a run of siblings is a part of their parent', () => {
  const zoom = parseZoom(model, zoomOfRun(model, node('a'), 2))
  assert.equal(nameOf(model, zoom.node), 'main')
  assert.deepEqual([zoom.x0, zoom.x1], [50, 70])
})

test('moved by hand, the frame it is of stays', () => {
  const moved = zoomMoved(model, zoomOfNode(model, node('main')), 10, 30)
  assert.deepEqual(parseZoom(model, moved), { node: node('main'), x0: 10, x1: 30 })
  assert.equal(zoomMoved(model, moved, 0, 100), '')
})

for (const broken of ['7.zzz', '~5', '@5-3', '@0-9999999', 'a~b@c', '1.x~99999']) {
  test(`${broken} is the whole graph`, () => assert.deepEqual(parseZoom(model, broken), { node: 0, x0: 0, x1: 100 }))
}
