import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appendWrites, createHead, headCounts, viewHead } from '../../frostdb/head/head.ts'
import { headSource } from '../../frostdb/scan/head-source.ts'
import { ask, CPU, everywhere, HEAP, profileOf, SECOND, T0, writeOf } from '../../test/support/memory-store.ts'
import type { ProfileType } from '../profile/type.ts'
import { formatProfileType } from '../profile/type.ts'
import type { LabelRequest, NanoRange } from './engine.ts'

type Sources = Parameters<typeof ask>[0]

const types = (sources: Sources, range: NanoRange | null): string[] =>
  ask<ProfileType[]>(sources, { kind: 'types', range }).value.map(formatProfileType)
const request = (options: Partial<LabelRequest>): LabelRequest => ({
  range: null,
  profileType: null,
  matchers: [],
  ...options,
})
const names = (sources: Sources, options: Partial<LabelRequest> = {}): string[] =>
  ask<string[]>(sources, { kind: 'labels', request: request(options) }).value
const values = (sources: Sources, name: string, options: Partial<LabelRequest> = {}): string[] =>
  ask<string[]>(sources, { kind: 'values', name, request: request(options) }).value

const profiles = [
  profileOf(['a 1'], { labels: { job: 'api', pod: '2' } }),
  profileOf(['a 1'], { labels: { job: 'api', pod: '1', zone: 'x' }, timeNanos: T0 + 5n }),
  profileOf(['a 1'], { labels: { job: 'web' }, timeNanos: T0 + SECOND }),
  profileOf(['a 1'], { labels: { job: 'db', disk: 'sda' }, timeNanos: T0 + 3n * SECOND, type: HEAP }),
  profileOf(['a 1'], { labels: { job: 'api', pod: '2' }, timeNanos: T0 + 9n * SECOND }),
]

test('types, names and values of all that is stored, each once and sorted', () => {
  everywhere(profiles, sources => {
    assert.deepEqual(types(sources, null), [CPU, HEAP])
    assert.deepEqual(names(sources), ['disk', 'job', 'pod', 'zone'])
    assert.deepEqual(values(sources, 'job'), ['api', 'db', 'web'])
    assert.deepEqual(values(sources, 'pod'), ['1', '2'])
    assert.deepEqual(values(sources, 'none'), [])
  })
  assert.deepEqual(types([], null), [])
  assert.deepEqual(names([]), [])
})

for (const [start, end, wantTypes, wantNames, wantJobs] of [
  [T0, T0, [CPU], ['job', 'pod'], ['api']],
  [T0 + 1n, T0 + 4n, [], [], []],
  [T0 + 1n, T0 + 5n, [CPU], ['job', 'pod', 'zone'], ['api']],
  [T0 + 5n, T0 + SECOND, [CPU], ['job', 'pod', 'zone'], ['api', 'web']],
  [T0 + 6n, T0 + SECOND - 1n, [], [], []],
  [T0 + 3n * SECOND, T0 + 3n * SECOND, [HEAP], ['disk', 'job'], ['db']],
  [T0 + 2n * SECOND, T0 + 99n * SECOND, [CPU, HEAP], ['disk', 'job', 'pod'], ['api', 'db']],
  [0n, T0 - 1n, [], [], []],
] as const) {
  test(`within [T0 + ${start - T0}, T0 + ${end - T0}]`, () => {
    everywhere(profiles, sources => {
      const range = { start, end }
      assert.deepEqual(types(sources, range), wantTypes)
      assert.deepEqual(names(sources, { range }), wantNames)
      assert.deepEqual(values(sources, 'job', { range }), wantJobs)
    })
  })
}

for (const [profileType, matchers, wantNames, wantPods] of [
  [CPU, [], ['job', 'pod', 'zone'], ['1', '2']],
  [HEAP, [], ['disk', 'job'], []],
  ['memory:inuse_space:bytes:space:bytes:delta', [], [], []],
  [null, ['job="web"'], ['job'], []],
  [CPU, ['zone="x"'], ['job', 'pod', 'zone'], ['1']],
  [CPU, ['zone=""'], ['job', 'pod'], ['2']],
  [CPU, ['zone!=""', 'pod="2"'], [], []],
  [null, ['zone!="x"'], ['disk', 'job', 'pod'], ['2']],
  [null, ['zone=~".*"'], ['disk', 'job', 'pod', 'zone'], ['1', '2']],
  [null, ['zone=~".+"'], ['job', 'pod', 'zone'], ['1']],
  [null, ['zone!~".+"'], ['disk', 'job', 'pod'], ['2']],
  [null, ['job=~"ap"'], [], []],
  [null, ['job=~"a.i|w[a-f]b"'], ['job', 'pod', 'zone'], ['1', '2']],
  [null, ['pod!~"[^1]"', 'job="api"'], ['job', 'pod', 'zone'], ['1']],
  [`${CPU}{pod="2"}`, ['job="api"'], ['job', 'pod'], ['2']],
] as const) {
  test(`of ${profileType} with ${matchers.join(' and ')}`, () => {
    everywhere(profiles, sources => {
      assert.deepEqual(names(sources, { profileType, matchers }), wantNames)
      assert.deepEqual(values(sources, 'pod', { profileType, matchers }), wantPods)
    })
  })
}

test('a series that never got a profile is not told of', () => {
  const head = createHead(1_000_000, { keepAddresses: false })
  appendWrites(head, [writeOf(profileOf(['a 1']))])
  const half = [
    writeOf(profileOf(['a 1'], { type: HEAP, labels: { half: 'yes' } })),
    writeOf(profileOf([`a ${2n ** 62n}`, `a ${2n ** 62n}`], { labels: { half: 'too' } })),
  ]
  assert.throws(() => appendWrites(head, half), { code: 'invalid_argument' })
  const sources = [headSource(viewHead(head, headCounts(head)), new Map())]
  assert.deepEqual(types(sources, null), [CPU])
  assert.deepEqual(names(sources), ['job'])
  assert.deepEqual(values(sources, 'half'), [])
})

test('a pattern that is not one is refused', () => {
  assert.throws(() => names([], { matchers: ['job=~"("'] }), { code: 'invalid_argument' })
  assert.throws(() => names([], { matchers: ['job'] }), { code: 'invalid_argument' })
})
