/**
 * Keys: 1 to 900 bytes of `[A-Za-z0-9!_.*'()=@:+,~-]` in segments parted by `/`, each 1 to 255 long, none beginning with a
 * dot. Such a key is the same in every store, needs no escaping, and as a path leads nowhere but down.
 */
import { StoreError } from './errors.ts'

const SEGMENT = /^[A-Za-z0-9!_*'()=@:+,~-][A-Za-z0-9!_.*'()=@:+,~-]{0,254}$/
const PART = /^[A-Za-z0-9!_.*'()=@:+,~/-]*$/
const LONGEST = 900

export function isKey(key: string): boolean {
  return key.length <= LONGEST && key.split('/').every(segment => SEGMENT.test(segment))
}

export function checkKey(key: string): void {
  if (!isKey(key)) throw new StoreError('invalid', 'this is no key of an object')
}

/** The beginning of a key: what `list` takes. Empty is all. */
export function checkListPrefix(prefix: string): void {
  const segments = prefix.split('/')
  const whole = segments.slice(0, -1)
  const last = segments.at(-1)!
  if (prefix.length > LONGEST || !whole.every(s => SEGMENT.test(s)) || !PART.test(last) || last.startsWith('.'))
    throw new StoreError('invalid', 'this is no beginning of a key')
}

/** A configured prefix without the slashes around it; null when it is none. */
export function normalizePrefix(prefix: string): string | null {
  const bare = prefix.replace(/^\/+|\/+$/g, '')
  return bare === '' || (isKey(bare) && bare.length <= 400) ? bare : null
}
