/**
 * Upper and lower case as Go's `strings` has them: one character becomes one character, so `straße` is `STRAßE`.
 * JavaScript maps some to several; of those, Unicode gives a few a single counterpart too.
 */

export function upperCase(text: string): string {
  return mapCharacters(text, c => {
    const mapped = c.toUpperCase()
    return isOne(mapped) ? mapped : String.fromCodePoint(singleUpper(c.codePointAt(0)!))
  })
}

export function lowerCase(text: string): string {
  return mapCharacters(text, c => {
    const mapped = c.toLowerCase()
    return isOne(mapped) ? mapped : c === 'İ' ? 'i' : c
  })
}

function mapCharacters(text: string, map: (c: string) => string): string {
  let out = ''
  for (const c of text) out += map(c)
  return out
}

function isOne(text: string): boolean {
  return text.length === 1 || text.length === String.fromCodePoint(text.codePointAt(0)!).length
}

/** Greek small letters with iota below: their capitals lie 8 or 9 further on. */
function singleUpper(code: number): number {
  const isRow = code >= 0x1f80 && code < 0x1fb0 && (code & 8) === 0
  if (isRow) return code + 8
  return code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3 ? code + 9 : code
}
