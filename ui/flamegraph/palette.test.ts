import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DARK, fillOf, LIGHT, packageOf } from './palette.ts'

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map(i => {
    const x = Number.parseInt(hex.slice(i, i + 2), 16) / 255
    return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)]
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05)
}

for (const [theme, palette] of [
  ['light', LIGHT],
  ['dark', DARK],
] as const) {
  test(`${theme}: text reaches 4.5:1 on every fill`, () => {
    for (const fill of palette.fills) assert.ok(contrast(fill, palette.text) >= 4.5, `${fill} ${palette.text}`)
    assert.ok(contrast(palette.match, palette.matchText) >= 4.5)
  })
  test(`${theme}: the cursor stands out of every fill`, () => {
    for (const fill of [...palette.fills, palette.match]) {
      const best = Math.max(contrast(fill, palette.cursor), contrast(fill, palette.background))
      assert.ok(best >= 3, `${fill} ${best}`)
    }
  })
}

for (const [name, file, mapping, want] of [
  ['net/http.(*conn).serve', 'server.go', 'shop', 'net/http'],
  ['main.main', 'main.go', 'shop', 'main'],
  ['example.test/shop/v2/cart.Add', '', '', 'example.test/shop/v2/cart'],
  ['parse', '/app/node_modules/@scope/kit/dist/x.js', '', '@scope/kit'],
  ['parse', '/app/node_modules/yaml/x.js', '', 'yaml'],
  ['read', 'node:fs', '', 'node:'],
  ['sum', '/app/src/cart/total.ts', '', '/app/src/cart'],
  ['std::vec::push', '', '', 'std'],
  ['do_syscall_64', '', '[kernel.kallsyms]', '[kernel.kallsyms]'],
] as const) {
  test(`package of ${name} in ${file}`, () => assert.equal(packageOf(name, file, mapping), want))
}

test('runtime and kernel are neutral, one package is one colour', () => {
  assert.equal(fillOf('runtime.mallocgc', 'malloc.go', 'shop'), 0)
  assert.equal(fillOf('(garbage collector)', '', ''), 0)
  assert.equal(fillOf('do_syscall_64', '', '[kernel.kallsyms]'), 0)
  assert.equal(fillOf('main.a', '', ''), fillOf('main.b', '', ''))
  assert.notEqual(fillOf('main.a', '', ''), 0)
})
