import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { didYouMean } from './suggest.ts'
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts'

test('durations', () => {
  for (const [text, ms] of [
    ['0', 0],
    ['0s', 0],
    ['500ms', 500],
    ['10s', 10_000],
    ['1h30m', 5_400_000],
    ['1m0s', 60_000],
    ['1y2w3d4h5m6s7ms', 31_536_000_000 + 1_209_600_000 + 259_200_000 + 14_400_000 + 300_000 + 6007],
    ['30d', 2_592_000_000],
    ['', null],
    ['10', null],
    ['1.5h', null],
    ['-1s', null],
    ['1s1m', null],
    ['1 s', null],
    ['99999999999999y', null],
  ] as const)
    assert.equal(parseDuration(text), ms, text)
})

test('sizes', () => {
  for (const [text, bytes] of [
    ['0', 0],
    ['1024', 1024],
    ['64MB', 67_108_864],
    ['64MiB', 67_108_864],
    ['64 MiB', 67_108_864],
    ['1.5GiB', 1_610_612_736],
    ['1kb', 1024],
    ['2g', 2_147_483_648],
    ['5B', 5],
    ['', null],
    ['MB', null],
    ['-1', null],
    ['1XB', null],
    ['99999EB', null],
  ] as const)
    assert.equal(parseSize(text), bytes, text)
})

test('what is written is read again', () => {
  fc.assert(fc.property(fc.nat({ max: 2 ** 45 }), n => parseDuration(formatDuration(n)) === n))
  fc.assert(fc.property(fc.nat({ max: 2 ** 45 }), n => parseSize(formatSize(n)) === n))
  assert.equal(formatDuration(5_400_000), '1h30m')
  assert.equal(formatDuration(400 * 86_400_000), '400d')
  assert.equal(formatSize(268_435_456), '256MiB')
})

test('did you mean', () => {
  const known = ['scrape_configs', 'object_storage', 'path']
  for (const [word, want] of [
    ['scrape_config', ', did you mean "scrape_configs"?'],
    ['scrpae_configs', ', did you mean "scrape_configs"?'],
    ['Path', ', did you mean "path"?'],
    ['pth', ', did you mean "path"?'],
    ['something', ''],
    ['', ''],
  ] as const)
    assert.equal(didYouMean(word, known), want)
})
