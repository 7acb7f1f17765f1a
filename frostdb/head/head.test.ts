/** The head: what of a write becomes rows, what names a stack, and what is seen when. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestError } from '../../pkg/base/errors.ts'
import { type LineModel, stackOf, type WriteModel, writeOf } from '../../test/support/profile-write.ts'
import { randomFrom } from '../../test/support/random.ts'
import { stackText } from '../../test/support/source-text.ts'
import { emptyHead, headTexts, textsOf } from '../../test/support/store-model.ts'
import { headSource } from '../scan/head-source.ts'
import { appendWrites, createHead, type Head, headBytes, headCounts, viewHead } from './head.ts'

const CPU = 'cpu:samples:count:cpu:nanoseconds:delta'
const NANOS = 'cpu:cpu:nanoseconds:cpu:nanoseconds:delta'
const MAX = 2n ** 63n - 1n
const MIN = -(2n ** 63n)

const write = (lines: readonly string[], more: Partial<WriteModel> = {}): WriteModel => ({
  types: [CPU],
  series: [{ labels: { job: 'api' } }],
  samples: lines.map(line => {
    const at = line.lastIndexOf(' = ')
    return {
      stack: stackOf(line.slice(0, at)),
      values: line
        .slice(at + 3)
        .split(',')
        .map(BigInt),
    }
  }),
  timeNanos: 1_700_000_000_123_456_789n,
  ...more,
})

function append(head: Head, ...models: WriteModel[]) {
  return appendWrites(head, models.map(writeOf))
}

/** Rows as `stack = value` in the order they lie in. */
function rowsOf(head: Head): string[] {
  const source = headSource(viewHead(head, headCounts(head)), new Map())
  const { samples } = viewHead(head, headCounts(head))
  return Array.from(samples.stack, (stack, i) => `${stackText(source, stack)} = ${samples.value[i]}`).map(text =>
    text.replaceAll('@:0 ', '').replaceAll('()', ''),
  )
}

const totalOf = (head: Head, i: number): bigint =>
  (BigInt(head.rows.totalHigh.array[i]!) << 32n) + BigInt(head.rows.totalLow.array[i]!)

const tables: [string, string[], string[], bigint][] = [
  ['equal stacks are one row', ['a < b = 1', 'c = 2', 'a < b = 3'], ['a < b = 4', 'c = 2'], 6n],
  ['zero is no row', ['a = 0', 'b = 1'], ['b = 1'], 1n],
  ['what comes to zero is no row', ['a = 5', 'a = -5', 'b = 1'], ['b = 1'], 1n],
  ['a sample without a stack counts', ['- = 2', '- = 3'], [' = 5'], 5n],
  ['leaf and caller are not the same', ['a < b = 1', 'b < a = 2'], ['a < b = 1', 'b < a = 2'], 3n],
  ['a stack may be the start of another', ['b = 1', 'a < b = 2'], ['b = 1', 'a < b = 2'], 3n],
  ['recursion', ['a < a < a = 1', 'a < a = 1'], ['a < a < a = 1', 'a < a = 1'], 2n],
  ['extremes', [`a = ${MAX}`, `b = ${MIN}`], [`a = ${MAX}`, `b = ${MIN}`], -1n],
  ['a sum that leaves int64 and comes back', [`a = ${MAX}`, 'a = 7', 'a = -8'], [`a = ${MAX - 1n}`], MAX - 1n],
  ['the same downwards', [`a = ${MIN}`, `a = ${MIN}`, `a = ${MAX}`, 'a = 9'], [`a = ${MIN + 8n}`], MIN + 8n],
  ['a total past int64', [`a = ${MAX}`, `b = ${MAX}`], [`a = ${MAX}`, `b = ${MAX}`], 2n * MAX],
  ['carries between the words', ['a = 4294967295', 'a = 1', 'b = -1'], ['a = 4294967296', 'b = -1'], 4294967295n],
]

for (const [name, samples, rows, total] of tables) {
  test(name, () => {
    const head = emptyHead()
    append(head, write(samples))
    assert.deepEqual(rowsOf(head), rows)
    assert.equal(totalOf(head, 0), total)
    assert.ok(head.rows.bound.array[0]! >= Math.abs(Number(total)))
  })
}

test('a stack whose sum leaves int64 is refused, and with it all that came in the same call', () => {
  const head = emptyHead()
  append(head, write(['a = 1']))
  const before = { texts: headTexts(head, headCounts(head)), min: head.minMs, max: head.maxMs }
  for (const samples of [
    [`a = ${MAX}`, 'a = 1'],
    [`a = ${MIN}`, 'a = -1'],
  ]) {
    assert.throws(
      () => append(head, write(['b = 1'], { timeNanos: 5n }), write(samples, { series: [{ labels: { job: 'new' } }] })),
      (error: unknown) => error instanceof RequestError && error.code === 'invalid_argument',
    )
    assert.deepEqual(headTexts(head, headCounts(head)), before.texts)
    assert.deepEqual([head.minMs, head.maxMs], [before.min, before.max])
  }
  append(head, write(['b = 2'], { timeNanos: 5n }))
  assert.deepEqual(rowsOf(head), ['a = 1', 'b = 2'])
})

test('every profile type has its own rows, without its own zeros', () => {
  const head = emptyHead()
  append(head, write(['a = 1,0', 'b = 0,20', 'c = 3,30', 'd = 0,0'], { types: [CPU, NANOS] }))
  assert.deepEqual(rowsOf(head), ['a = 1', 'c = 3', 'b = 20', 'c = 30'])
  assert.deepEqual(Array.from(head.rows.rowCount.array.subarray(0, 2)), [2, 2])
})

test('a profile without samples is a profile', () => {
  const head = emptyHead()
  append(head, write([]))
  assert.deepEqual([headCounts(head).profiles, headCounts(head).samples, totalOf(head, 0)], [1, 0, 0n])
})

test('samples go to the label set they belong to', () => {
  const head = emptyHead()
  const series: WriteModel['series'] = [
    { labels: { job: 'api', tenant: 'x' }, samples: [0, 2] },
    { labels: { job: 'api' }, samples: [1] },
  ]
  const model = write(['a = 1', 'a = 2', 'a = 3'], { series })
  append(head, model)
  assert.deepEqual(headTexts(head, headCounts(head)), textsOf(model))
})

test('a deep stack keeps its innermost frames under one root', () => {
  const head = emptyHead()
  const deep = Array.from({ length: 6 }, (_, i) => `f${i}`).join(' < ')
  append(head, write([`${deep} = 1`, 'f0 < f1 < f2 < f3 = 1', 'f0 < f1 < f2 < f3 < g = 1'], { stackDepth: 4 }))
  assert.deepEqual(rowsOf(head), ['f0 < f1 < f2 < f3 < [truncated] = 2', 'f0 < f1 < f2 < f3 = 1'])
})

test('a location of several lines is a frame for each, inlined but the last', () => {
  const head = emptyHead()
  const lines: LineModel[] = [
    { function: 'inner', file: 'i.go', line: 3, startLine: 1 },
    { function: 'outer', file: 'o.go', line: 9 },
  ]
  const location = { lines, address: 0x40n, mapping: 'bin', buildId: 'id' }
  append(head, {
    ...write([]),
    samples: [{ stack: [location, { lines: [{ function: 'main' }] }], values: [1n] }],
  })
  assert.deepEqual(rowsOf(head), ['~inner@i.go:3 id < outer@o.go:9 id < main = 1'])
})

const frame = (line: LineModel, more = {}) => ({ stack: [{ lines: [line], ...more }], values: [1n] })
const bare = (address: bigint, more = {}) => ({ stack: [{ lines: [], address, ...more }], values: [1n] })
const identity: [string, boolean, WriteModel['samples'], number][] = [
  [
    'the address of a function is no part of it',
    false,
    [frame({ function: 'f' }, { address: 1n }), frame({ function: 'f' }, { address: 2n })],
    1,
  ],
  [
    'but is when addresses are kept',
    true,
    [frame({ function: 'f' }, { address: 1n }), frame({ function: 'f' }, { address: 2n })],
    2,
  ],
  ['without a function it is', false, [bare(1n), bare(2n), bare(1n)], 2],
  ['by all its 64 bits', false, [bare(1n), bare(2n ** 32n + 1n), bare(2n ** 63n)], 3],
  ['within its mapping', false, [bare(1n, { mapping: 'a' }), bare(1n, { mapping: 'b' })], 2],
  [
    'the mapping of a function is not',
    false,
    [frame({ function: 'f' }, { mapping: 'a' }), frame({ function: 'f' }, { mapping: 'b' })],
    1,
  ],
  [
    'the build id is',
    false,
    [frame({ function: 'f' }, { buildId: 'a' }), frame({ function: 'f' }, { buildId: 'b' })],
    2,
  ],
  ['the line is', false, [frame({ function: 'f', line: 1 }), frame({ function: 'f', line: 2 })], 2],
  ['the start line is not', false, [frame({ function: 'f', startLine: 1 }), frame({ function: 'f', startLine: 2 })], 1],
  ['the file is', false, [frame({ function: 'f', file: 'a' }), frame({ function: 'f', file: 'b' })], 2],
  ['the system name is', false, [frame({ function: 'f', systemName: '_f' }), frame({ function: 'f' })], 2],
  [
    'a lone system name is no function name',
    false,
    [
      frame({ function: '', systemName: '_f' }, { address: 1n }),
      frame({ function: '', systemName: '_f' }, { address: 2n }),
    ],
    2,
  ],
]
for (const [name, keepAddresses, samples, rows] of identity) {
  test(`identity of a frame: ${name}`, () => {
    const head = createHead(1, { keepAddresses })
    append(head, { ...write([]), samples })
    assert.equal(headCounts(head).samples, rows)
    append(head, { ...write([]), samples })
    assert.equal(headCounts(head).samples, 2 * rows, 'known frames are found again')
  })
}

test('what was published stays as it was while the head grows', () => {
  const random = randomFrom(7)
  const head = emptyHead()
  const taken: { view: ReturnType<typeof viewHead>; texts: string[] }[] = []
  const names = Array.from({ length: 60 }, (_, i) => `f${i}`)
  for (let i = 0; i < 200; i++) {
    const lines = Array.from({ length: 20 }, () => {
      const depth = 1 + random.below(30)
      return `${Array.from({ length: depth }, () => names[random.below(names.length)]).join(' < ')} = ${random.below(5)}`
    })
    append(head, write(lines, { timeNanos: BigInt(i) * 10n ** 9n, series: [{ labels: { pod: `p${i % 17}` } }] }))
    if (i % 40 === 0) taken.push({ view: viewHead(head, headCounts(head)), texts: headTexts(head, headCounts(head)) })
  }
  const cache = new Map()
  for (const { view, texts } of taken) {
    const source = headSource(view, cache)
    assert.equal(source.profiles.length, view.profiles.length)
    const counts = { ...headCounts(head), profiles: view.profiles.length, samples: view.samples.length }
    assert.deepEqual(headTexts(head, counts), texts)
  }
  assert.ok(headBytes(head) > 100_000)
})

test('a view posted to a thread is over the same memory', () => {
  const head = emptyHead()
  append(head, write(['a = 1']))
  const view = structuredClone(viewHead(head, headCounts(head)))
  assert.ok(view.samples.value.buffer instanceof SharedArrayBuffer)
  head.rows.value.array[0] = 5n
  assert.equal(view.samples.value[0], 5n)
})
