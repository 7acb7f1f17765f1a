/** Times in query strings: RFC 3339, or unix seconds with decimals. Exact to the nanosecond either way. */
import { RequestError } from '../../base/errors.ts'

const SECONDS = /^(-?)(\d{1,12})(?:\.(\d+))?$/
const RFC3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})$/
const SECOND = 1_000_000_000n

export function parseTime(text: string, name: string): bigint {
  const seconds = SECONDS.exec(text)
  if (seconds !== null) {
    const nanos = BigInt(seconds[2]!) * SECOND + fraction(seconds[3])
    return seconds[1] === '-' ? -nanos : nanos
  }
  // A plus sign that was not escaped arrives as a space.
  const stamp = RFC3339.exec(text.replace(/ (\d{2}:\d{2})$/, '+$1'))
  const ms = stamp === null ? Number.NaN : Date.parse(`${stamp[1]}T${stamp[2]}${stamp[4]!.toUpperCase()}`)
  if (!Number.isFinite(ms)) {
    throw new RequestError('invalid_argument', `${name}: "${text}" is neither RFC 3339 nor unix seconds`)
  }
  return BigInt(ms) * 1_000_000n + fraction(stamp![3])
}

function fraction(digits: string | undefined): bigint {
  return digits === undefined ? 0n : BigInt(digits.slice(0, 9).padEnd(9, '0'))
}
