/** Strings of a profile are stored as UTF-8 whatever a client sent: what is not valid becomes U+FFFD. */
import { isUtf8 } from 'node:buffer'

/** From this length on the native check costs less than the loop. */
const SHORT = 64

/** Whether bytes[start..end) is valid UTF-8. Short ASCII, nearly every string there is, costs one loop. */
export function isValidUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start <= SHORT) {
    let i = start
    while (i < end && bytes[i]! < 0x80) i++
    if (i === end) return true
  }
  return isUtf8(bytes.subarray(start, end))
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** bytes[start..end) with U+FFFD for every maximal part that is not valid, as the Encoding standard has it. */
export function mendUtf8(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return encoder.encode(decoder.decode(bytes.subarray(start, end)))
}
