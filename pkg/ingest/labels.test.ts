import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pprofOf } from '../../test/support/pprof-picture.ts'
import type { Label } from '../labels/labels.ts'
import { decodePprof } from '../pprof/decode.ts'
import type { IngestLimits } from './contract.ts'
import { seriesLabels, splitByLabels } from './labels.ts'

const none: IngestLimits = {
  bodySize: 0,
  samples: 0,
  stackDepth: 0,
  labels: 0,
  labelNameLength: 0,
  labelValueLength: 0,
  strings: 0,
  stringLength: 0,
}

const labelsOf = (text: string): Label[] =>
  text
    .split(' ')
    .filter(l => l !== '')
    .map(l => ({ name: l.slice(0, l.indexOf('=')), value: l.slice(l.indexOf('=') + 1) }))
const text = (labels: readonly Label[]): string => labels.map(l => `${l.name}=${l.value}`).join(' ')

for (const [given, name, want, dropped] of [
  ['__name__=cpu b=2 a=1', 'cpu', 'a=1 b=2', 0],
  ['__name__=cpu a=1 a=2 __name__=mem', 'cpu', 'a=1', 0],
  ['a= __name__=cpu', 'cpu', '', 0],
  ['__name__=cpu __address__=x __stack__=y __leaf_file__=z __stackful=1 a=1', 'cpu', 'a=1', 4],
  ['__name__=cpu http.route=/x größe=1 _a=2', 'cpu', '_a=2 größe=1 http.route=/x', 0],
] as [string, string, string, number][]) {
  test(`labels of a series: ${given}`, () => {
    const series = seriesLabels(labelsOf(given), none)
    assert.equal(series.name, name)
    assert.equal(text(series.labels), want)
    assert.equal(series.dropped, dropped)
  })
}

for (const [given, limits, message] of [
  ['a=1', {}, 'the labels have no __name__, the name of the profile'],
  ['__name__= a=1', {}, 'the labels have no __name__, the name of the profile'],
  ['__name__=n =1', {}, 'a label without a name has the value "1"'],
  ['__name__=n a=\ud800', {}, 'label "a" is not UTF-8'],
  ['__name__=n a=1 b=2 c=3', { labels: 2 }, '3 labels, more than --label-limit (2)'],
  ['__name__=n äää=1', { labelNameLength: 5 }, '6 bytes in label name "äää", more than --label-name-length-limit (5)'],
  [
    '__name__=n a=äää',
    { labelValueLength: 5 },
    '6 bytes in the value of label "a", more than --label-value-length-limit (5)',
  ],
  [
    '__name__=profile',
    { labelValueLength: 5 },
    '7 bytes in the value of label "__name__", more than --label-value-length-limit (5)',
  ],
] as const) {
  test(`refused: ${message}`, () => {
    assert.throws(() => seriesLabels(labelsOf(given), { ...none, ...limits }), { code: 'invalid_argument', message })
  })
}

test('limits that are just met are kept to', () => {
  const limits = { ...none, labels: 2, labelNameLength: 8, labelValueLength: 6 }
  assert.equal(text(seriesLabels(labelsOf('__name__=n abcdefgh=äää b=2'), limits).labels), 'abcdefgh=äää b=2')
})

/** The series of samples with the given labels, and how many labels were dropped. */
function split(target: string, samples: readonly string[], limits: Partial<IngestLimits> = {}): string[] {
  const body = pprofOf({ samples: samples.map((labels, i) => `f${i} 1 1 {${labels}}`) })
  const profile = decodePprof(body, none)
  const { series, dropped } = splitByLabels(profile, labelsOf(target), new Set(['trace_id', 'pid']), {
    ...none,
    ...limits,
  })
  return [
    ...series.map(s => `${text(s.labels)} ← ${s.samples === null ? 'all' : [...s.samples]}`),
    ...(dropped > 0 ? [`dropped ${dropped}`] : []),
  ]
}

for (const [name, target, samples, want] of [
  ['no labels', 'job=a', ['', ''], ['job=a ← all']],
  ['no samples', 'job=a', [], ['job=a ← all']],
  ['all alike', 'job=a', ['x=1', 'x=1'], ['job=a x=1 ← all']],
  ['parted by value', 'job=a', ['x=1', 'x=2', 'x=1', ''], ['job=a x=1 ← 0,2', 'job=a x=2 ← 1', 'job=a ← 3']],
  ['in another order', 'job=a', ['x=1 y=2', 'y=2 x=1', 'x=1'], ['job=a x=1 y=2 ← 0,1', 'job=a x=1 ← 2']],
  ['only in another order', '', ['x=1 y=2', 'y=2 x=1'], ['x=1 y=2 ← all']],
  ['a key twice: the first string', '', ['x=1 x=2', 'x:5 x=1'], ['x=1 ← all', 'dropped 1']],
  ['numeric', 'job=a', ['bytes:512', 'bytes:64 x=1'], ['job=a ← 0', 'job=a x=1 ← 1', 'dropped 2']],
  ['kept per sample', '', ['trace_id=abc pid=1', 'trace_id=def'], [' ← all', 'dropped 3']],
  ['reserved', 'job=a', ['__name__=x __stack__=y', '__leaf__=z'], ['job=a ← all', 'dropped 3']],
  ['a clash', 'job=a', ['job=b', ''], ['exported_job=b job=a ← 0', 'job=a ← 1']],
  [
    'a clash of a clash',
    'job=a',
    ['job=b exported_job=c', 'exported_job=c job=b'],
    ['exported_exported_job=b exported_job=c job=a ← all'],
  ],
  ['names as written', '', ['http.route=/x'], ['http.route=/x ← all']],
] as const) {
  test(`labels of samples: ${name}`, () => assert.deepEqual(split(target, samples), want))
}

for (const [samples, limits, message] of [
  [['x=1 y=2'], { labels: 2 }, '3 labels, more than --label-limit (2)'],
  [['xyz=1'], { labelNameLength: 2 }, /^3 bytes in label name "(xyz|job)", more than --label-name-length-limit \(2\)$/],
  [['x=1234'], { labelValueLength: 3 }, '4 bytes in the value of label "x", more than --label-value-length-limit (3)'],
] as const) {
  test(`labels of samples keep to the limits: ${message}`, () => {
    assert.throws(() => split('job=a', samples, limits), { code: 'invalid_argument', message })
  })
}

test('a series says what its labels are without those of its samples', () => {
  const body = pprofOf({ samples: ['a 1 1', 'b 1 1 {x=1 job=2}'] })
  const { series } = splitByLabels(decodePprof(body, none), labelsOf('job=a'), new Set(), none)
  assert.deepEqual(
    series.map(s => s.targetLabels && text(s.targetLabels)),
    [null, 'job=a'],
  )
})

test('thousands of label sets, each with its samples', () => {
  const samples = Array.from({ length: 4000 }, (_, i) => `x=${i % 1000} y=${i % 7}`)
  const series = split('job=a', samples)
  const want = Map.groupBy(samples.keys(), i => `job=a ${samples[i]!}`)
  assert.deepEqual(
    series,
    [...want].map(([labels, rows]) => `${labels} ← ${rows}`),
  )
})
