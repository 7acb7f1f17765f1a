import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { completeSelector } from './complete.ts'

/** The cursor is `│`; the answer is `kind(label) "prefix" [replaced]`. */
for (const [picture, want] of [
  ['│', 'profile-type "" []'],
  ['proc│', 'profile-type "proc" [proc]'],
  ['pro│cess_cpu{', 'profile-type "pro" [process_cpu]'],
  [' │cpu', 'profile-type "" [cpu]'],
  ['a:b:c:d:e │', 'end "" []'],
  ['a-b/c│', 'profile-type "a-b/c" [a-b/c]'],
  ['cpu{│', 'label-name "" []'],
  ['cpu{│}', 'label-name "" []'],
  ['{jo│', 'label-name "jo" [jo]'],
  ['{jo│b="x"}', 'label-name "jo" [job]'],
  ['{http.ro│', 'label-name "http.ro" [http.ro]'],
  ['{"http.│', 'label-name "http." ["http.]'],
  ['{"ht│tp.route"="x"}', 'label-name "ht" ["http.route"]'],
  ['{job │', 'operator(job) "" []'],
  ['{job!│', 'operator(job) "!" [!]'],
  ['{"http.route"│', 'operator(http.route) "" []'],
  ['{job=│', 'label-value(job) "" []'],
  ['{job=~│', 'label-value(job) "" []'],
  ['{job= │"api"}', 'label-value(job) "" ["api"]'],
  ['{job=ap│}', 'label-value(job) "ap" [ap]'],
  ['{job="│', 'label-value(job) "" ["]'],
  ['{job="│}', 'label-value(job) "" ["]'],
  ['{job="ap│', 'label-value(job) "ap" ["ap]'],
  ['{job="ap│i"}', 'label-value(job) "ap" ["api"]'],
  ['{job="ap│i", pod="x"}', 'label-value(job) "ap" ["api"]'],
  ['{job="ap│, pod="x"}', 'label-value(job) "ap" ["ap]'],
  ['{job="a\\"b│', 'label-value(job) "a"b" ["a\\"b]'],
  ["{job='ap│'}", 'label-value(job) "ap" [\'ap\']'],
  ['{job="api"│', 'end "" []'],
  ['{job="api",│', 'label-name "" []'],
  ['{job="api", pod!~"we│', 'label-value(pod) "we" ["we]'],
  ['{a="{,}=", b│', 'label-name "b" [b]'],
  ['{job="api"}│', 'end "" []'],
  ['{__name__="proc│', 'label-value(__name__) "proc" ["proc]'],
] as const)
  test(`completes ${picture}`, () => {
    const cursor = picture.indexOf('│')
    const text = picture.replace('│', '')
    const c = completeSelector(text, cursor)
    const label = c.labelName === undefined ? '' : `(${c.labelName})`
    assert.equal(`${c.kind}${label} "${c.prefix}" [${text.slice(c.from, c.to)}]`, want)
  })

test('never throws, and the cursor stays within what is replaced', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '{', '}', '"', "'", '`', '\\', '=', '~', '!', ',', ' ', '\n') })
  fc.assert(
    fc.property(text, fc.nat(), (t, n) => {
      const cursor = n % (t.length + 1)
      const c = completeSelector(t, cursor)
      assert.ok(c.from <= cursor && cursor <= c.to && c.to <= t.length, JSON.stringify(c))
    }),
    { numRuns: 3000 },
  )
})
