import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { viewOfColumns } from '../../test/support/profile-view.ts'
import { decodePprof } from './decode.ts'
import { type EncodeInput, encodeProfile, encodeRaw } from './encode.ts'

const limits = { samples: 0, strings: 0, stringLength: 0 }

/** Strings between offsets, as a query's answer has them: row 0 is not empty, one is there twice, one is not used. */
const text = new TextEncoder().encode('mainreadmainunused/bin/app')
const offsets = Int32Array.of(0, 4, 8, 12, 18, 26)

const input: EncodeInput = {
  strings: { bytes: text, start: offsets.subarray(0, 5), end: offsets.subarray(1), length: 5 },
  mappings: {
    length: 1,
    start: BigUint64Array.of(0x40_0000n),
    limit: BigUint64Array.of(2n ** 64n - 1n),
    offset: BigUint64Array.of(0n),
    file: Int32Array.of(4),
    buildId: Int32Array.of(-1),
  },
  functions: {
    length: 2,
    name: Int32Array.of(0, 1),
    systemName: Int32Array.of(2, 1),
    file: Int32Array.of(-1, -1),
    startLine: Float64Array.of(0, 12),
  },
  locations: {
    length: 3,
    mapping: Int32Array.of(0, 0, -1),
    address: BigUint64Array.of(0x40_1000n, 2n ** 63n, 0n),
    lineStart: Int32Array.of(0, 2, 3, 3),
    lineFunction: Int32Array.of(1, 0, 0),
    line: Float64Array.of(3, -1, 0),
  },
  samples: {
    length: 3,
    locationStart: Int32Array.of(0, 2, 3, 3),
    location: Int32Array.of(0, 1, 2),
    value: BigInt64Array.of(-1n, 2n ** 63n - 1n, -(2n ** 63n), 0n, 2n ** 53n + 1n, -(2n ** 53n) - 1n),
    labelStart: Int32Array.of(0, 0, 1, 2),
    labelKey: Int32Array.of(1, 1),
    labelString: Int32Array.of(0, -1),
    labelNumber: BigInt64Array.of(0n, -5n),
    labelUnit: Int32Array.of(-1, 3),
  },
  sampleTypes: [
    { type: 'samples', unit: 'count' },
    { type: '', unit: '' },
  ],
  periodType: { type: 'cpu', unit: 'nanoseconds' },
  period: 10_000_000n,
  timeNanos: 1_700_000_000_123_456_789n,
  durationNanos: -1n,
  defaultSampleType: 'samples',
  dropFrames: 'malloc',
  keepFrames: '',
  comments: ['one', 'two'],
  docUrl: '',
}

test('what was encoded decodes to the input, int64 exact', () => {
  assert.deepEqual(viewOfColumns(decodePprof(gunzipSync(encodeProfile(input)), limits)), {
    sampleTypes: ['samples/count', '/'],
    periodType: 'cpu/nanoseconds',
    period: 10_000_000n,
    timeNanos: 1_700_000_000_123_456_789n,
    durationNanos: -1n,
    defaultSampleType: 'samples',
    dropFrames: 'malloc',
    keepFrames: '',
    comments: ['one', 'two'],
    docUrl: '',
    mappings: [{ start: 0x40_0000n, limit: 2n ** 64n - 1n, offset: 0n, file: '/bin/app', buildId: '' }],
    functions: [
      { name: 'main', systemName: 'main', file: '', startLine: 0 },
      { name: 'read', systemName: 'read', file: '', startLine: 12 },
    ],
    locations: [
      {
        mapping: 0,
        address: 0x40_1000n,
        lines: [
          { function: 1, line: 3 },
          { function: 0, line: -1 },
        ],
      },
      { mapping: 0, address: 2n ** 63n, lines: [{ function: 0, line: 0 }] },
      { mapping: -1, address: 0n, lines: [] },
    ],
    samples: [
      { stack: [0, 1], values: [-1n, 2n ** 63n - 1n], labels: [] },
      { stack: [2], values: [-(2n ** 63n), 0n], labels: [{ key: 'read', string: 'main', number: 0n, unit: '' }] },
      {
        stack: [],
        values: [2n ** 53n + 1n, -(2n ** 53n) - 1n],
        labels: [{ key: 'read', string: null, number: -5n, unit: 'unused' }],
      },
    ],
  })
})

test('equal input makes equal bytes, with no time in the gzip header', () => {
  const body = encodeProfile(input)
  assert.deepEqual(encodeProfile(input), body)
  assert.deepEqual([...body.subarray(0, 8)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0])
})

test('each string is written once, the empty one first', () => {
  const { strings } = decodePprof(encodeRaw(input), limits)
  const all = Array.from({ length: strings.length }, (_, i) =>
    new TextDecoder().decode(strings.bytes.subarray(strings.start[i], strings.end[i])),
  )
  assert.equal(all[0], '')
  assert.equal(new Set(all).size, all.length)
})
