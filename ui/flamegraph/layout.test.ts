import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fakeFlame, flameOf } from '../../test/support/fake-flame.ts'
import { hitBox } from './hit.ts'
import { emptyBoxes, INVISIBLE, layout, NARROW, type Viewport } from './layout.ts'
import { buildModel, type FlameModel, nameOf } from './model.ts'

function boxesOf(model: FlameModel, view: Partial<Viewport>) {
  const boxes = emptyBoxes(1)
  layout(model, { x0: 0, x1: model.end[0]!, width: 40, firstRow: 0, endRow: 99, ...view }, boxes)
  return boxes
}

/** A line a row: `=` frames by the first letter of their name, `#` runs, `.` nothing. */
function picture(model: FlameModel, view: Partial<Viewport>): string[] {
  const boxes = boxesOf(model, view)
  const lines: string[][] = []
  for (let i = 0; i < boxes.length; i++) {
    const line = (lines[boxes.depth[i]!] ??= new Array(view.width ?? 40).fill('.'))
    const mark = boxes.count[i]! > 1 ? '#' : nameOf(model, model.rows[boxes.index[i]!]!)[0]!
    const from = Math.round(boxes.x[i]!)
    line.fill(mark, from, Math.round(boxes.x[i]! + boxes.width[i]!))
  }
  return Array.from(lines, line => line?.join('') ?? '')
}

const model = buildModel(flameOf(['main;serve;read 20', 'main;serve 4', 'main;gc 8', 'idle 8']))

test('the whole graph', () => {
  assert.deepEqual(picture(model, {}), [
    'rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr',
    'mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmiiiiiiii',
    'ssssssssssssssssssssssssgggggggg........',
    'rrrrrrrrrrrrrrrrrrrr....................',
  ])
})

test('a part of it: frames are cut at the edges', () => {
  assert.deepEqual(picture(model, { x0: 16, x1: 36, width: 40 }), [
    'rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr',
    'mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmiiiiiiii',
    'ssssssssssssssssgggggggggggggggg........',
    'rrrrrrrr................................',
  ])
})

test('only the rows asked for', () => {
  const boxes = boxesOf(model, { firstRow: 2, endRow: 3 })
  assert.deepEqual([...boxes.depth.subarray(0, boxes.length)], [2, 2])
})

test('narrow siblings become one box that counts them', () => {
  const many = buildModel(flameOf(['main 90', ...Array.from({ length: 20 }, (_, i) => `f${i} ${i < 19 ? 1 : 2}`)]))
  const boxes = boxesOf(many, { width: 111 })
  assert.deepEqual([...boxes.count.subarray(0, boxes.length)], [1, 1, 1, 19])
  assert.equal(boxes.x[3], 92)
  assert.equal(boxes.width[3], 19)
})

test('what is under half a pixel is left out', () => {
  const speck = buildModel(flameOf(['main 999', 'speck 1']))
  assert.equal(boxesOf(speck, { width: 400 }).length, 2)
  assert.equal(boxesOf(speck, { width: 600 }).length, 3)
})

test('a row agrees with the pixel by pixel model', () => {
  const zoomed = fc.tuple(fc.double({ min: 0, max: 0.9, noNaN: true }), fc.double({ min: 0.001, max: 1, noNaN: true }))
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 600 }),
      fc.integer({ min: 1, max: 99 }),
      zoomed,
      (nodes, seed, [at, size]) => {
        const made = buildModel(fakeFlame(nodes, seed))
        const whole = made.end[0]!
        const x0 = at * whole
        const x1 = Math.min(whole, x0 + size * whole)
        const width = 300
        const scale = width / (x1 - x0)
        const boxes = boxesOf(made, { x0, x1, width })
        const covered = new Map<number, number>() // node → box
        for (let b = 0; b < boxes.length; b++) {
          if (b > 0 && boxes.depth[b] === boxes.depth[b - 1]) {
            assert.ok(boxes.x[b]! >= boxes.x[b - 1]! + boxes.width[b - 1]! - 0.01, 'boxes of a row do not overlap')
          }
          for (let k = 0; k < boxes.count[b]!; k++) covered.set(made.rows[boxes.index[b]! + k]!, b)
        }
        for (let i = 0; i < made.length; i++) {
          const seen = made.start[i]! < x1 && made.end[i]! > x0
          const pixels = (made.end[i]! - made.start[i]!) * scale
          const box = covered.get(i)
          if (seen && pixels >= NARROW + 0.001)
            assert.equal(boxes.count[box!], 1, 'a frame wide enough has a box of its own')
          else if (seen && box === undefined)
            assert.ok(pixels < INVISIBLE + 0.001, 'only what nobody can see is left out')
          if (box !== undefined && seen) {
            const middle = (Math.max(made.start[i]!, x0) + Math.min(made.end[i]!, x1)) / 2
            const found = hitBox(boxes, made.depth[i]!, (middle - x0) * scale)
            assert.ok(found === box || boxes.width[box]! < 1, 'the pointer finds it')
          }
        }
      },
    ),
    { numRuns: 100 },
  )
})
