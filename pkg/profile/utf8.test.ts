import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hex } from '../../test/support/protobuf.ts'
import { isValidUtf8, mendUtf8 } from './utf8.ts'

for (const [what, digits, mended] of [
  ['ASCII', '6d 61 69 6e', null],
  ['nothing', '', null],
  ['two, three and four bytes', 'c3 a9 e2 82 ac f0 9f 94 a5', null],
  ['a byte order mark', 'ef bb bf 61', null],
  ['a lone continuation byte', '61 80 62', 'a\ufffdb'],
  ['Latin-1', '63 61 66 e9', 'caf\ufffd'],
  ['a character cut short', '61 e2 82', 'a\ufffd'],
  ['an overlong slash', 'c0 af', '\ufffd\ufffd'],
  ['a surrogate', 'ed a0 80', '\ufffd\ufffd\ufffd'],
] as const) {
  test(`${what}: ${mended === null ? 'valid' : 'mended'}`, () => {
    const bytes = hex(`ff ${digits} ff`)
    const end = bytes.length - 1
    assert.equal(isValidUtf8(bytes, 1, end), mended === null)
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(mendUtf8(bytes, 1, end))
    if (mended === null) assert.deepEqual(mendUtf8(bytes, 1, end), bytes.slice(1, end))
    else assert.equal(text, mended)
  })
}

test('what was mended is valid, and what is valid is not changed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      const mended = mendUtf8(bytes, 0, bytes.length)
      assert.ok(isValidUtf8(mended, 0, mended.length))
      if (isValidUtf8(bytes, 0, bytes.length)) assert.deepEqual(mended, Uint8Array.from(bytes))
    }),
  )
})
