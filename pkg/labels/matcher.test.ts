import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RequestError } from '../base/errors.ts'
import { compileMatcher, type MatchOp, simpleTest } from './matcher.ts'
import { compilePattern } from './pattern.ts'

const yes: [MatchOp, string, string[], string[]][] = [
  ['=', 'api', ['api'], ['', 'API', 'api2']],
  ['=', '', [''], ['x']],
  ['!=', 'api', ['', 'web'], ['api']],
  ['=~', 'api', ['api'], ['xapi', 'apix', 'api\n']],
  ['=~', 'a|bc|', ['a', 'bc', ''], ['b', 'abc']],
  ['=~', '(a|bc)', ['a', 'bc'], ['b', '']],
  ['=~', '(?:a|bc)', ['a', 'bc'], ['b', '']],
  ['=~', 'web-.*', ['web-', 'web-1\n2'], ['web', 'x-web-1']],
  ['=~', 'web-.+', ['web-1', 'web-\n'], ['web-', 'web']],
  ['=~', '.*', ['', 'a\nb'], []],
  ['=~', '.+', ['a', '\n', '😀'], ['']],
  ['=~', '.*json.*', ['json', 'a.json.b'], ['jso']],
  ['=~', '.+json', ['xjson'], ['json']],
  ['=~', 'json\\..*', ['json.', 'json.Marshal'], ['jsonx', 'json']],
  ['=~', 'a\\.*', ['a', 'a..'], ['ab']],
  ['=~', 'a.c', ['abc', 'a\nc', 'a😀c'], ['ac', 'abbc']],
  ['=~', '(?i)GET|post', ['get', 'POST'], ['put']],
  ['=~', '\\pL+', ['straße'], ['a1']],
  ['!~', 'web-.*', ['', 'api'], ['web-1']],
  ['!~', '', ['a'], ['']],
  ['!~', '.+', [''], ['a']],
]
for (const [op, value, fits, fitsNot] of yes)
  test(`${op}${JSON.stringify(value)}`, () => {
    const matches = compileMatcher({ name: 'l', op, value })
    for (const v of fits) assert.equal(matches(v), true, `fits ${JSON.stringify(v)}`)
    for (const v of fitsNot) assert.equal(matches(v), false, `does not fit ${JSON.stringify(v)}`)
  })

for (const [pattern, message, span] of [
  ['a(b', /pattern "a\(b" for label "job" is not valid: missing closing \)/, [0, 3]],
  ['a)(b', /unexpected \)/, [0, 4]],
  ['x(?=a)', /unsupported Perl syntax/, [1, 4]],
  ['a{2000}', /invalid repeat count/, [1, 7]],
  ['\\Qabc', null, null],
] as const)
  test(`refuses the pattern ${pattern}`, () =>
    assert.throws(
      () => compileMatcher({ name: 'job', op: '=~', value: pattern }),
      (e: unknown) => {
        assert.ok(e instanceof RequestError)
        assert.equal(e.code, 'invalid_argument')
        if (message !== null) assert.match(e.message, message)
        if (span !== null) assert.deepEqual(e.span, span)
        return true
      },
    ))

test('a pattern that would take a backtracking engine for ever is quick', () => {
  assert.equal(compileMatcher({ name: 'l', op: '=~', value: '(a+)+b' })('a'.repeat(10_000)), false)
})

test('shortcuts answer as the engine does', () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    '-',
    '\\.',
    '\\\\',
    '|',
    '.*',
    '.+',
    '.',
    '\n',
    '',
    '(',
    ')',
    '?:',
    '(?:',
    '\\',
    '+',
  )
  const pattern = fc.array(atom, { maxLength: 6 }).map(parts => parts.join(''))
  const value = fc.string({ unit: fc.constantFrom('a', 'b', '-', '.', '\\', '\n', '|'), maxLength: 6 })
  fc.assert(
    fc.property(pattern, fc.array(value, { maxLength: 8 }), (p, values) => {
      const shortcut = simpleTest(p)
      if (shortcut === null) return
      const engine = compilePattern(p)
      for (const v of values) assert.equal(shortcut(v), engine.test(v), `${JSON.stringify(p)} on ${JSON.stringify(v)}`)
    }),
    { numRuns: 3000 },
  )
})
