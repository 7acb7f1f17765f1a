import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RequestError } from '../base/errors.ts'
import type { Matcher, MatchOp } from './matcher.ts'
import { formatSelector, parseMatchers, parseSelector, parseSelectorSpans } from './selector.ts'

const m = (name: string, op: MatchOp, value: string): Matcher => ({ name, op, value })
const CPU = 'process_cpu:samples:count:cpu:nanoseconds:delta'

for (const [text, name, matchers] of [
  [CPU, CPU, []],
  [` ${CPU} `, CPU, []],
  [`${CPU}{}`, CPU, []],
  ['', null, []],
  ['{}', null, []],
  [`${CPU}{job="api"}`, CPU, [m('job', '=', 'api')]],
  [`${CPU}\n{\tjob =\n"api" , pod!~'web-.*', }`, CPU, [m('job', '=', 'api'), m('pod', '!~', 'web-.*')]],
  ['{a="1",b!="2",c=~"3",d!~"4"}', null, [m('a', '=', '1'), m('b', '!=', '2'), m('c', '=~', '3'), m('d', '!~', '4')]],
  [`{__name__="${CPU}"}`, CPU, []],
  ['{__name__="a:b", x="y", __name__="c:d"}', 'c:d', [m('x', '=', 'y')]],
  ['{__name__=~"a:b"}', 'a:b', []],
  [`${CPU}{__name__="other"}`, CPU, []],
  ['{"http.route"="/x", "a b"!="c"}', null, [m('http.route', '=', '/x'), m('a b', '!=', 'c')]],
  ['{"cpu-time:x:y::", a="b"}', 'cpu-time:x:y::', [m('a', '=', 'b')]],
  ['{a="b", \'cpu time\'}', 'cpu time', [m('a', '=', 'b')]],
  ['process_cpu:cpu:nanoseconds:::delta', 'process_cpu:cpu:nanoseconds:::delta', []],
  ['go.heap:a:b:c:d', 'go.heap:a:b:c:d', []],
  ['{a="\\n\\t\\"\\\\\\x41\\101\\u00e4\\U0001F600"}', null, [m('a', '=', '\n\t"\\AAä😀')]],
  ['{a="\\xc3\\xa4\\303\\244\\xff"}', null, [m('a', '=', 'ää\ufffd')]],
  ["{a='it\\'s \"so\"'}", null, [m('a', '=', 'it\'s "so"')]],
  ['{a=`C:\\d+ "\n`}', null, [m('a', '=', 'C:\\d+ "\n')]],
  ['{__stack__=~"json\\\\..*"}', null, [m('__stack__', '=~', 'json\\..*')]],
] as const)
  test(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(parseSelector(text), { name, matchers }))

for (const [text, message, span] of [
  ['cpu{', 'expected a label name or "}" at position 4, got the end', [4, 4]],
  ['cpu{job}', 'expected one of = != =~ !~ at position 7, got "}"', [7, 8]],
  ['cpu{job=}', 'expected a string in quotes after "=" at position 8, got "}"', [8, 9]],
  ['cpu{job="a" pod="b"}', 'expected "," or "}" at position 12, got "p"', [12, 13]],
  ['cpu{,}', 'expected a label name or "}" at position 4, got ","', [4, 5]],
  ['cpu{job="a"} x', 'expected the end of the selector at position 13, got "x"', [13, 14]],
  ['cpu-x{}', 'profile type cpu-x at position 0 needs quotes: {"cpu-x"}', [0, 5]],
  ['cpu x', 'expected "{" or the end of the selector at position 4, got "x"', [4, 5]],
  ['="x"', 'expected a profile type or "{" at position 0, got "="', [0, 1]],
  [' 9cpu', 'profile type 9cpu at position 1 needs quotes: {"9cpu"}', [1, 5]],
  ['{job="a}', 'the string that starts at position 5 has no closing "', [5, 8]],
  ['{job="a\nb"}', 'the string that starts at position 5 has no closing "', [5, 11]],
  ['{job="\\d"}', 'unknown escape "\\\\d" at position 6', [6, 8]],
  ['{job="\\u12"}', null, null],
  ['{job="\\ud800"}', null, [6, 12]],
  ['{http.route="x"}', 'label name http.route at position 1 needs quotes: {"http.route"="…"}', [1, 11]],
  ['{""="x"}', 'a name must not be empty', [1, 3]],
  ['{__name__!="x"}', '__name__ names the profile type, so it takes "=", not "!="', [1, 14]],
] as const)
  test(`refuses ${JSON.stringify(text)}`, () =>
    assert.throws(
      () => parseSelector(text),
      (e: unknown) => {
        assert.ok(e instanceof RequestError)
        assert.equal(e.code, 'invalid_argument')
        if (message !== null) assert.equal(e.message, message)
        if (span !== null) assert.deepEqual(e.span, span)
        return true
      },
    ))

test('bare matchers', () => {
  assert.deepEqual(parseMatchers('a="b", c=~"d",'), [m('a', '=', 'b'), m('c', '=~', 'd')])
  assert.deepEqual(parseMatchers(' '), [])
  assert.throws(() => parseMatchers('a="b"}'), /expected/)
  assert.throws(() => parseMatchers('"x"'), /expected a label matcher at position 0/)
})

test('spans point into the text', () => {
  const text = 'cpu { job = "api", pod!="" }'
  const { nameSpan, valueSpans } = parseSelectorSpans(text)
  assert.equal(text.slice(...nameSpan!), 'cpu')
  assert.deepEqual(
    valueSpans.map(s => text.slice(...s)),
    ['"api"', '""'],
  )
})

test('what is written is read again', () => {
  const text = fc.string({ unit: 'binary', maxLength: 12 })
  const label = fc.oneof(fc.constantFrom('job', 'http.route', 'ä'), text).filter(n => n !== '' && n !== '__name__')
  const matcher = fc.record(
    { name: label, op: fc.constantFrom<MatchOp>('=', '!=', '=~', '!~'), value: text },
    { noNullPrototype: true },
  )
  const name = fc.oneof(
    fc.constant(null),
    fc.constantFrom(CPU, 'cpu-time:a:b::'),
    text.filter(n => n !== ''),
  )
  fc.assert(
    fc.property(name, fc.array(matcher, { maxLength: 4 }), (n, matchers) => {
      const selector = { name: n, matchers }
      assert.deepEqual(parseSelector(formatSelector(selector)), selector)
    }),
  )
})

test('any text is read or refused with a RequestError', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '{', '}', '"', "'", '`', '\\', '=', '~', '!', ',', ' ', 'x', ':') }),
      text => {
        try {
          parseSelector(text)
        } catch (e) {
          assert.ok(e instanceof RequestError)
        }
      },
    ),
    { numRuns: 2000 },
  )
})
