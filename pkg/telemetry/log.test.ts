import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSimClock } from '../../test/support/clock.ts'
import { createLog, formatJson, formatLogfmt, type LogOptions } from './log.ts'

function rig(options: Partial<LogOptions> = {}) {
  const lines: string[] = []
  const clock = createSimClock(Date.UTC(2026, 4, 2, 9, 41, 7, 123))
  const log = createLog({ level: 'info', format: 'logfmt', clock, write: line => void lines.push(line), ...options })
  return { lines, clock, log }
}

test('one logfmt line per event, from the level upward', () => {
  const { lines, log } = rig()
  log.debug('not told')
  log.warn('scrape failed', { job: 'api', reason: 'timeout', after_ms: 10000 })
  assert.deepEqual(lines, [
    'ts=2026-05-02T09:41:07.123Z level=warn msg="scrape failed" job=api reason=timeout after_ms=10000\n',
  ])
})

test('JSON has the same fields', () => {
  const { lines, log } = rig({ format: 'json' })
  log.error('disk full', { path: '/data', free: 12n, exact: 9007199254740993n, ok: false, none: null })
  assert.deepEqual(JSON.parse(lines[0]!), {
    ts: '2026-05-02T09:41:07.123Z',
    level: 'error',
    msg: 'disk full',
    path: '/data',
    free: 12,
    exact: '9007199254740993',
    ok: false,
    none: null,
  })
})

for (const [value, want] of [
  ['plain', 'k=plain\n'],
  ['http://127.0.0.1:7070/x?y', 'k=http://127.0.0.1:7070/x?y\n'],
  ['', 'k=""\n'],
  ['a b', 'k="a b"\n'],
  ['a=b', 'k="a=b"\n'],
  ['say "hi"', 'k="say \\"hi\\""\n'],
  ['two\nlines', 'k="two\\nlines"\n'],
  ['\u001b[31mred', 'k="\\u001b[31mred"\n'],
  ['right\u202eleft', 'k="right\\u202eleft"\n'],
  ['straße 名', 'k="straße 名"\n'],
] as const)
  test(`logfmt value ${JSON.stringify(value)}`, () => assert.equal(formatLogfmt({ k: value }), want))

test('a line of JSON stays one line', () => {
  assert.equal(formatJson({ k: 'a\u2028b\u009bc' }), '{"k":"a\\u2028b\\u009bc"}\n')
})

test('repeats beyond twenty in ten seconds are counted, and told with the next line', async () => {
  const { lines, clock, log } = rig()
  for (let i = 0; i < 100; i++) log.warn('scrape failed', { n: i })
  log.info('another')
  assert.equal(lines.length, 21)
  await clock.advance(10_000)
  log.warn('scrape failed', { n: 100 })
  assert.match(lines.at(-1)!, /n=100 suppressed=80\n$/)
})

test('what was held back is told even if the message does not come again', async () => {
  const { lines, clock, log } = rig()
  for (let i = 0; i < 25; i++) log.warn('scrape failed')
  await clock.advance(11_000)
  log.info('another')
  assert.match(lines.at(-2)!, /level=warn msg="scrape failed" suppressed=5\n$/)
  assert.match(lines.at(-1)!, /msg=another\n$/)
})
