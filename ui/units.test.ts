import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatExact, formatPercent, formatRate, formatValue } from './units.ts'

for (const [value, unit, want] of [
  [0, 'nanoseconds', '0 s'],
  [12, 'nanoseconds', '12.0 ns'],
  [1500, 'nanoseconds', '1.50 µs'],
  [2_340_000, 'nanoseconds', '2.34 ms'],
  [1_234_567_890, 'nanoseconds', '1.23 s'],
  [-1_234_567_890, 'nanoseconds', '−1.23 s'],
  [121.8e9, 'nanoseconds', '2.03 min'],
  [3e13, 'nanoseconds', '8.33 h'],
  [90, 'microseconds', '90.0 µs'],
  [1, 'seconds', '1.00 s'],
  [512, 'bytes', '512 B'],
  [1_536, 'bytes', '1.50 KiB'],
  [123_456_789, 'bytes', '118 MiB'],
  [1_234_567, 'count', '1,234,567'],
  [12, 'objects', '12 objects'],
  [0.5, 'count', '0.500'],
] as const) {
  test(`${value} ${unit}`, () => assert.equal(formatValue(value, unit), want))
}

test('CPU time per second is cores, other time a ratio, the rest per second', () => {
  assert.equal(formatRate(1.5e9, 'nanoseconds', true), '1.50 cores')
  assert.equal(formatRate(1.5e9, 'nanoseconds', false), '1.50 s/s')
  assert.equal(formatRate(1_048_576, 'bytes', false), '1.00 MiB/s')
  assert.equal(formatRate(100, 'count', true), '100/s')
})

test('a share says when it is too small to print', () => {
  assert.equal(formatPercent(1, 3), '33.3 %')
  assert.equal(formatPercent(1, 300), '0.33 %')
  assert.equal(formatPercent(1, 1e9), '< 0.01 %')
  assert.equal(formatPercent(-1, 1e9), '> −0.01 %')
  assert.equal(formatPercent(0, 5), '0 %')
  assert.equal(formatPercent(0, 0), '—')
  assert.equal(formatPercent(-1, 4), '−25.0 %')
})

test('exact digits are kept past 2^53', () => {
  assert.equal(formatExact(9_007_199_254_740_993n, 'nanoseconds'), '9,007,199,254,740,993 nanoseconds')
})
