/** Protobuf's times and unix nanoseconds. */
import type { Duration, Timestamp } from '@bufbuild/protobuf/wkt'
import { RequestError } from '../../base/errors.ts'
import type { NanoRange } from '../../query/engine.ts'

const SECOND = 1_000_000_000n
const INT64_MAX = (1n << 63n) - 1n
const INT64_MIN = -(1n << 63n)

/** Beyond what int64 nanoseconds reach (the years 1677 to 2262) the nearest that they do. */
export function nanosOf(time: Timestamp, field: string): bigint {
  if (time.nanos < 0 || time.nanos > 999_999_999) {
    throw new RequestError('invalid_argument', `${field}: ${time.nanos} nanoseconds are not within one second.`)
  }
  const nanos = time.seconds * SECOND + BigInt(time.nanos)
  return nanos > INT64_MAX ? INT64_MAX : nanos < INT64_MIN ? INT64_MIN : nanos
}

export function timestampOf(nanos: bigint): { seconds: bigint; nanos: number } {
  let seconds = nanos / SECOND
  let rest = nanos % SECOND
  if (rest < 0n) {
    seconds -= 1n
    rest += SECOND
  }
  return { seconds, nanos: Number(rest) }
}

export function timestampOfMs(ms: number): { seconds: bigint; nanos: number } {
  return timestampOf(BigInt(Math.round(ms * 1000)) * 1000n)
}

export function durationNanos(duration: Duration | undefined): bigint {
  return duration === undefined ? 0n : duration.seconds * SECOND + BigInt(duration.nanos)
}

export function durationOfSeconds(seconds: number): { seconds: bigint; nanos: number } {
  const whole = Math.trunc(seconds)
  return { seconds: BigInt(whole), nanos: Math.round((seconds - whole) * 1e9) }
}

/** Both ends, or null when one is missing or at second 0: all that is stored. */
export function optionalRange(start: Timestamp | undefined, end: Timestamp | undefined): NanoRange | null {
  if (start === undefined || end === undefined || start.seconds === 0n || end.seconds === 0n) return null
  return requiredRange(start, end)
}

export function requiredRange(start: Timestamp | undefined, end: Timestamp | undefined): NanoRange {
  if (start === undefined) throw new RequestError('invalid_argument', 'start: cannot be blank.')
  if (end === undefined) throw new RequestError('invalid_argument', 'end: cannot be blank.')
  const range = { start: nanosOf(start, 'start'), end: nanosOf(end, 'end') }
  if (range.start > range.end) throw new RequestError('invalid_argument', 'start: must not be after end.')
  return range
}
