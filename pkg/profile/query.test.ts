import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestError } from '../base/errors.ts'
import { parseQuery } from './query.ts'
import { formatProfileType } from './type.ts'

const CPU = 'process_cpu:samples:count:cpu:nanoseconds:delta'

for (const [text, type, matchers] of [
  [CPU, CPU, 0],
  [`${CPU}{job="api", pod=~"web-.*",}`, CPU, 2],
  [`{__name__="${CPU}"}`, CPU, 0],
  [`${CPU}{__name__="other"}`, CPU, 0],
  ['memory:alloc_space:bytes:space:bytes', 'memory:alloc_space:bytes:space:bytes', 0],
  ['memory:alloc_space:bytes:space:bytes:other', 'memory:alloc_space:bytes:space:bytes', 0],
  ['process_cpu:cpu:nanoseconds:::delta', 'process_cpu:cpu:nanoseconds:::delta', 0],
  ['{"cpu-time:cpu:nanoseconds::"}', 'cpu-time:cpu:nanoseconds::', 0],
] as const)
  test(`reads ${text}`, () => {
    const query = parseQuery(text)
    assert.equal(formatProfileType(query.profileType), type)
    assert.equal(query.matchers.length, matchers)
  })

for (const [text, message, part] of [
  ['', /^query must contain a profile-type selection$/, null],
  ['{job="api"}', /^query must contain a profile-type selection$/, null],
  ['memory:inuse{a="b"}', /must be of the form .*\(:delta\), got\(2\): "memory:inuse"/, 'memory:inuse'],
  ['{__name__="a:b:c:d:e:f:g"}', /got\(7\)/, '"a:b:c:d:e:f:g"'],
  [`${CPU}{job=}`, /^failed to parse query: expected a string in quotes/, '}'],
  [`${CPU}{job=~"a(", x="y"}`, /^failed to parse query: pattern "a\(" for label "job" is not valid: /, '"a("'],
] as const)
  test(`refuses ${text}`, () =>
    assert.throws(
      () => parseQuery(text),
      (e: unknown) => {
        assert.ok(e instanceof RequestError)
        assert.equal(e.code, 'invalid_argument')
        assert.match(e.message, message)
        assert.equal(e.span === null ? null : text.slice(...e.span), part)
        return true
      },
    ))
