// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Go templates look like this.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { lowerCase, upperCase } from './case.ts'
import { expandTemplate } from './expand.ts'
import { RELABEL_DEFAULTS, type RelabelRule, relabel, validateRule } from './relabel.ts'

const rule = (r: Partial<RelabelRule>): RelabelRule => ({ ...RELABEL_DEFAULTS, ...r })
const from = (...sourceLabels: string[]) => ({ sourceLabels })

/** `a=1 b=2` in, the same out; null when dropped. */
function run(text: string, ...rules: RelabelRule[]): string | null {
  for (const r of rules) assert.equal(validateRule(r), null)
  const labels = text.split(' ').map(pair => ({ name: pair.split('=')[0]!, value: pair.slice(pair.indexOf('=') + 1) }))
  const out = relabel(text === '' ? [] : labels, rules)
  return out === null ? null : out.map(l => `${l.name}=${l.value}`).join(' ')
}

for (const [what, labels, rules, want] of [
  ['no rules', 'b=2 a=1', [], 'a=1 b=2'],
  ['replace copies', 'a=1', [rule({ ...from('a'), targetLabel: 'b' })], 'a=1 b=1'],
  ['replace joins', 'a=1 b=2', [rule({ ...from('a', 'x', 'b'), targetLabel: 'c' })], 'a=1 b=2 c=1;;2'],
  ['separator', 'a=1 b=2', [rule({ ...from('a', 'b'), separator: '/', targetLabel: 'c' })], 'a=1 b=2 c=1/2'],
  ['replace without sources', 'a=1', [rule({ targetLabel: 'b', replacement: 'x' })], 'a=1 b=x'],
  ['no match changes nothing', 'a=1', [rule({ ...from('a'), regex: '2', targetLabel: 'a' })], 'a=1'],
  ['a match is of the whole', 'a=12', [rule({ ...from('a'), regex: '1', targetLabel: 'b' })], 'a=12'],
  [
    'groups',
    'a=x-y',
    [rule({ ...from('a'), regex: '(.)-(.)', targetLabel: 'b', replacement: '$2${1}' })],
    'a=x-y b=yx',
  ],
  ['$1x is a name', 'a=z', [rule({ ...from('a'), targetLabel: 'b', replacement: '$1x.' })], 'a=z b=.'],
  [
    'named group',
    'a=z',
    [rule({ ...from('a'), regex: '(?P<n>.)', targetLabel: 'b', replacement: '$n${n}' })],
    'a=z b=zz',
  ],
  ['target from a group', 'a=z', [rule({ ...from('a'), targetLabel: 'l_$1', replacement: '1' })], 'a=z l_z=1'],
  ['empty target', 'a=z', [rule({ ...from('a'), targetLabel: '$2', replacement: '1' })], 'a=z'],
  ['UTF-8 target', 'a=z', [rule({ ...from('a'), targetLabel: 'http.route' })], 'a=z http.route=z'],
  ['empty result deletes', 'a=1 b=2', [rule({ ...from('a'), targetLabel: 'b', replacement: '' })], 'a=1'],
  ['empty pattern', 'a=1', [rule({ ...from('x'), regex: '', targetLabel: 'b', replacement: 'none' })], 'a=1 b=none'],
  [
    'dot takes a newline',
    'a=1\n2',
    [rule({ ...from('a'), regex: '1.2', targetLabel: 'b', replacement: 'y' })],
    'a=1\n2 b=y',
  ],
  ['keep', 'a=1', [rule({ ...from('a'), action: 'keep', regex: '1|2' })], 'a=1'],
  ['keep drops', 'a=3', [rule({ ...from('a'), action: 'keep', regex: '1|2' })], null],
  ['drop', 'a=1', [rule({ ...from('a'), action: 'drop', regex: '1' })], null],
  ['drop lets pass', 'a=1', [rule({ ...from('b'), action: 'drop', regex: '.+' })], 'a=1'],
  ['keepequal', 'a=1 b=1', [rule({ ...from('a'), action: 'keepequal', targetLabel: 'b' })], 'a=1 b=1'],
  ['keepequal drops', 'a=1 b=2', [rule({ ...from('a'), action: 'keepequal', targetLabel: 'b' })], null],
  ['dropequal', 'a=1 b=1', [rule({ ...from('a'), action: 'dropequal', targetLabel: 'b' })], null],
  ['lowercase', 'a=ABİΣ', [rule({ ...from('a'), action: 'lowercase', targetLabel: 'b' })], 'a=ABİΣ b=abiσ'],
  ['uppercase', 'a=straße', [rule({ ...from('a'), action: 'uppercase', targetLabel: 'b' })], 'a=straße b=STRAßE'],
  ['uppercase of nothing deletes', 'a=1', [rule({ ...from('x'), action: 'uppercase', targetLabel: 'a' })], ''],
  [
    'hashmod',
    'a=straße',
    [rule({ ...from('a'), action: 'hashmod', modulus: 1000, targetLabel: 'h' })],
    'a=straße h=160',
  ],
  ['labelmap', 'm_a=1 m_b=2 x=3', [rule({ action: 'labelmap', regex: 'm_(.+)' })], 'a=1 b=2 m_a=1 m_b=2 x=3'],
  [
    'labelmap does not see its own',
    'a=1',
    [rule({ action: 'labelmap', regex: '(a+)', replacement: '${1}a' })],
    'a=1 aa=1',
  ],
  [
    'a label that was set comes after the others in labelmap',
    'a=1 b=2',
    [rule({ targetLabel: 'a', replacement: '9' }), rule({ action: 'labelmap', regex: 'a|b', replacement: 'c' })],
    'a=9 b=2 c=9',
  ],
  ['labeldrop', 'a=1 ab=2 b=3', [rule({ action: 'labeldrop', regex: 'a.*' })], 'b=3'],
  ['labelkeep', 'a=1 ab=2 b=3', [rule({ action: 'labelkeep', regex: 'a.*' })], 'a=1 ab=2'],
] as const)
  test(`relabel: ${what}`, () => assert.equal(run(labels, ...rules), want))

for (const [bad, key, message] of [
  [{ action: 'cut' as never, targetLabel: 'x' }, 'action', 'unknown relabel action "cut"'],
  [{}, 'target_label', 'relabel action replace needs a target_label'],
  [{ action: 'hashmod', targetLabel: 'x' }, 'modulus', 'relabel action hashmod needs a modulus above 0'],
  [{ action: 'hashmod', modulus: 2 }, 'target_label', 'relabel action hashmod needs a target_label'],
  [{ targetLabel: 'x', regex: 'a(' }, 'regex', 'regex "a(" is not valid: missing closing ): `a(`'],
  [
    { action: 'lowercase', targetLabel: 'x', replacement: 'y' },
    'replacement',
    'relabel action lowercase takes no replacement',
  ],
  [
    { action: 'labelmap', replacement: '' },
    'replacement',
    'the replacement of relabel action labelmap must be a label name',
  ],
  [
    { action: 'labeldrop', sourceLabels: ['a'] },
    'source_labels',
    'relabel action labeldrop takes only regex, not source_labels',
  ],
  [
    { action: 'keepequal', targetLabel: 'a', regex: 'x' },
    'regex',
    'relabel action keepequal takes only source_labels and target_label, not regex',
  ],
] as const)
  test(`refuses: ${message}`, () => assert.deepEqual(validateRule(rule(bad)), { key, message }))

test('templates expand as in Go', () => {
  const groups = {
    group: (i: number) => ['whole', 'one', null][i] ?? null,
    indexOf: (n: string) => (n === 'n' ? 1 : -1),
  }
  for (const [template, want] of [
    ['$0 $1 $2 $3', 'whole one  '],
    ['$$1 $$$1', '$1 $one'],
    ['$ $- ${ ${} ${1 ${1-}', '$ $- ${ ${} ${1 ${1-}'],
    ['$n_ ${n}_ $01', ' one_ '],
    ['$1é ${é}', ' '],
    ['$1000000000', ''],
  ] as const)
    assert.equal(expandTemplate(template, groups), want, template)
})

test('case maps one character to one', () => {
  for (const [text, upper, lower] of [
    ['ŉǰΐ', 'ŉǰΐ', 'ŉǰΐ'],
    ['ᾀᾳῌ', 'ᾈᾼῌ', 'ᾀᾳῃ'],
    ['ﬁ µ ı ſ', 'ﬁ Μ I S', 'ﬁ µ ı ſ'],
    ['𐐨', '𐐀', '𐐨'],
    ['ΟΔΟΣ', 'ΟΔΟΣ', 'οδοσ'],
  ] as const) {
    assert.equal(upperCase(text), upper)
    assert.equal(lowerCase(text), lower)
  }
  fc.assert(fc.property(fc.string({ unit: 'binary' }), s => [...upperCase(s)].length === [...s].length))
})

test('relabelling keeps its promises on any rules', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'ab')
  const anyRule = fc
    .record({
      action: fc.constantFrom<RelabelRule['action']>('replace', 'labelmap', 'labeldrop', 'labelkeep', 'uppercase'),
      sourceLabels: fc.array(name, { maxLength: 2 }),
      targetLabel: name,
      regex: fc.constantFrom('(.*)', 'a', '(a)(.*)', '.*b', ''),
      replacement: fc.constantFrom('$1', 'x', '', '$2'),
    })
    .map(r => rule(r))
  const labels = fc.array(fc.record({ name, value: fc.constantFrom('', 'a', 'ab', 'B') }), { maxLength: 4 })
  fc.assert(
    fc.property(labels, fc.array(anyRule, { maxLength: 4 }), (ls, rules) => {
      const out = relabel(ls, rules)!
      assert.deepEqual(
        out.map(l => l.name),
        [...new Set(out.map(l => l.name))].sort(),
      )
      assert.ok(out.every(l => l.value !== '' && l.name !== ''))
    }),
  )
})
