/** Strings of a profile that are not UTF-8, mended before anything reads or stores them. */
import { isAscii } from 'node:buffer'
import type { DecodedProfile } from '../profile/columns.ts'
import { isValidUtf8, mendUtf8 } from '../profile/utf8.ts'

/** The same profile, not copied, when all of its strings are valid. */
export function mendStrings<P extends DecodedProfile>(profile: P): { readonly profile: P; readonly mended: number } {
  const { strings } = profile
  const { bytes, length } = strings
  if (isAllAscii(profile)) return { profile, mended: 0 }
  const wrong: number[] = []
  for (let i = 0; i < length; i++) if (!isValidUtf8(bytes, strings.start[i]!, strings.end[i]!)) wrong.push(i)
  if (wrong.length === 0) return { profile, mended: 0 }

  const start = strings.start.slice()
  const end = strings.end.slice()
  const parts = [bytes]
  let at = bytes.length
  for (const i of wrong) {
    const text = mendUtf8(bytes, start[i]!, end[i]!)
    parts.push(text)
    start[i] = at
    end[i] = at += text.length
  }
  return { profile: { ...profile, strings: { bytes: Buffer.concat(parts), start, end, length } }, mended: wrong.length }
}

/** One native check over all that the strings lie in. Lengths from 128 on between them look like no ASCII: then each is looked at. */
function isAllAscii({ strings: { bytes, start, end, length } }: DecodedProfile): boolean {
  let from = bytes.length
  let to = 0
  for (let i = 0; i < length; i++) {
    if (start[i]! < from) from = start[i]!
    if (end[i]! > to) to = end[i]!
  }
  return to <= from || isAscii(bytes.subarray(from, to))
}
