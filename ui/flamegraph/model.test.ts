import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fakeFlame, flameOf } from '../../test/support/fake-flame.ts'
import { buildModel, type FlameModel, meanOf, nameOf, nodeOfToken, nodeToken } from './model.ts'

/** One line a node, indented by depth. */
function picture(model: FlameModel): string[] {
  return Array.from(model.parent, (_, i) => {
    const text = `${'  '.repeat(model.depth[i]!)}${nameOf(model, i)}`
    return `${text.padEnd(12)} [${model.start[i]}, ${model.end[i]})  total ${model.total[i]}  self ${model.self[i]}`
  })
}

test('siblings lie side by side, the heaviest first', () => {
  const model = buildModel(flameOf(['main;gc 2', 'main;serve;read 5', 'main;serve 1', 'idle 1']))
  assert.deepEqual(picture(model), [
    'root         [0, 9)  total 9  self 0',
    '  main       [0, 8)  total 8  self 0',
    '    serve    [0, 6)  total 6  self 1',
    '      read   [0, 5)  total 5  self 5',
    '    gc       [6, 8)  total 2  self 2',
    '  idle       [8, 9)  total 1  self 1',
  ])
  assert.deepEqual([...model.last], [6, 5, 4, 4, 5, 6])
})

test('a parent is as wide as its children where negative values hide their sum', () => {
  const model = buildModel(flameOf(['main;grew 5', 'main;shrank -5']))
  assert.deepEqual(picture(model), [
    'root         [0, 10)  total 0  self 0',
    '  main       [0, 10)  total 0  self 0',
    '    grew     [0, 5)  total 5  self 5',
    '    shrank   [5, 10)  total -5  self -5',
  ])
})

test('a function that calls itself counts once', () => {
  const model = buildModel(flameOf(['walk;walk;walk 3', 'walk;read 1', 'main;walk 2']))
  const of = (name: string) => {
    const f = model.names.indexOf(name)
    return [model.nameTotal[f], model.nameSelf[f], model.nameNodes[f]]
  }
  assert.deepEqual(of('walk'), [6, 5, 4])
  assert.deepEqual(of('read'), [1, 1, 1])
})

test('a token finds the same stack in another answer', () => {
  const before = buildModel(flameOf(['main;serve;read 5', 'main;gc 2']))
  const after = buildModel(flameOf(['main;gc 9', 'boot 30', 'main;serve;read 1']))
  const read = [...before.name].findIndex(f => before.names[f] === 'read')
  const found = nodeOfToken(after, nodeToken(before, read))
  assert.equal(nameOf(after, found), 'read')
  assert.equal(nodeOfToken(buildModel(flameOf(['main;gc 9'])), nodeToken(before, read)), 0)
  for (const broken of ['', '1', '9.zz', 'x.y', '-1.a', '1e3.a']) assert.equal(nodeOfToken(after, broken), 0, broken)
})

test('rows hold every node once, by depth and then by start', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 1000 }), (nodes, seed) => {
      const model = buildModel(fakeFlame(nodes, seed))
      assert.deepEqual(
        [...model.rows].sort((a, b) => a - b),
        [...model.rows.keys()],
      )
      for (let d = 0; d + 1 < model.rowStart.length; d++) {
        for (let r = model.rowStart[d]!; r < model.rowStart[d + 1]!; r++) {
          const node = model.rows[r]!
          assert.equal(model.depth[node], d)
          if (r > model.rowStart[d]!) assert.ok(model.start[node]! >= model.end[model.rows[r - 1]!]!)
          const p = model.parent[node]!
          assert.ok(node === 0 || (p < node && model.start[node]! >= model.start[p]!))
          assert.ok(node === 0 || model.end[node]! <= model.end[p]!)
        }
      }
    }),
    { numRuns: 50 },
  )
})

test('a mean divides what is drawn and keeps the exact sum', () => {
  const mean = meanOf({ ...flameOf(['main;heap 9', 'main 3']), profiles: 3 })
  assert.deepEqual([...mean.total], [4, 4, 3])
  assert.deepEqual([...mean.self], [0, 1, 3])
  assert.equal(mean.exactTotal[0], 12n)
})
