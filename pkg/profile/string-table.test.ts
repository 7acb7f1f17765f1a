import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { stringAt } from './frames.ts'
import { createStrings, internString, stringCount } from './string-table.ts'

function intern(strings: ReturnType<typeof createStrings>, text: string, pad = 0): number {
  const bytes = Buffer.from(`${'x'.repeat(pad)}${text}x`)
  return internString(strings, bytes, pad, bytes.length - 1)
}

const columnOf = (strings: ReturnType<typeof createStrings>) => ({
  bytes: strings.bytes.array,
  offsets: strings.offsets.array,
  length: stringCount(strings),
})

test('string 0 is empty', () => {
  const strings = createStrings()
  assert.equal(stringCount(strings), 1)
  assert.equal(intern(strings, ''), 0)
  assert.equal(stringAt(columnOf(strings), 0), '')
})

test('numbers strings in order of arrival, each once, wherever its bytes lie', () => {
  const word = fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom('größe', '函数', '\u0000', 'a', 'aa'))
  fc.assert(
    fc.property(fc.array(fc.tuple(word, fc.nat(9))), words => {
      const strings = createStrings()
      const model = new Map([['', 0]])
      for (const [text, pad] of words) {
        const id = intern(strings, text, pad)
        if (!model.has(text)) model.set(text, model.size)
        assert.equal(id, model.get(text))
      }
      assert.equal(stringCount(strings), model.size)
      for (const [text, id] of model) assert.equal(stringAt(columnOf(strings), id), text)
    }),
    { numRuns: 100 },
  )
})

test('tens of thousands of strings, long ones among them', () => {
  const strings = createStrings()
  const texts = Array.from({ length: 30_000 }, (_, i) => `${'long'.repeat(i % 100 === 0 ? 500 : 0)}function ${i}`)
  const ids = texts.map(text => intern(strings, text))
  assert.deepEqual(
    ids,
    texts.map((_, i) => i + 1),
  )
  assert.deepEqual(
    texts.map(text => intern(strings, text)),
    ids,
  )
})

test('what is not UTF-8 is kept byte by byte', () => {
  const strings = createStrings()
  const odd = Uint8Array.of(0xff, 0xfe, 0x80)
  const id = internString(strings, odd, 0, 3)
  assert.equal(internString(strings, Uint8Array.of(0, 0xff, 0xfe, 0x80), 1, 4), id)
  assert.notEqual(internString(strings, odd, 0, 2), id)
})
