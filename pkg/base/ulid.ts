/** ULIDs: 48 bits of unix milliseconds and 80 random bits in Crockford's base 32, so that names sort by time. */
import type { Random } from './ports.ts'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

export function ulid(unixMs: number, random: Random): string {
  let time = Math.floor(unixMs)
  const head: string[] = []
  for (let i = 0; i < 10; i++) {
    head.unshift(ALPHABET[time % 32]!)
    time = Math.floor(time / 32)
  }
  let tail = ''
  for (let i = 0; i < 16; i++) tail += ALPHABET[Math.floor(random.next() * 32)]!
  return head.join('') + tail
}

export const isUlid = (text: string): boolean => ULID.test(text)
