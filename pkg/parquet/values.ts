/**
 * Dense values (nulls already left out) and how each encoding writes a stretch of them.
 *
 * Integers are one Int32Array: a value each for INT32, two words (low, high) for INT64. Strings are offsets into UTF-8.
 */
import { assert } from '../base/assert.ts'
import { type ByteBuffer, reserve, writeBytes, writeUint32 } from './buffer.ts'
import { encodeDelta32, encodeDelta64 } from './delta-encode.ts'
import type { Strings } from './schema.ts'

export interface Ints {
  readonly words: Int32Array
  readonly perValue: 1 | 2
  readonly unsigned: boolean // order of uint64
  readonly length: number
}

export interface Utf8 {
  readonly offsets: Int32Array
  readonly bytes: Uint8Array
  readonly length: number
}

/** Bounds as statistics write them: little-endian integers or the string's bytes. `ints` for integers alone. */
export interface Bounds {
  readonly min: Uint8Array
  readonly max: Uint8Array
  readonly ints: { readonly min: bigint; readonly max: bigint } | null
}

export const wordsOf = (values: BigInt64Array): Int32Array =>
  new Int32Array(values.buffer, values.byteOffset, values.length * 2)

const encoder = new TextEncoder()

export function utf8Of(strings: Strings): Utf8 {
  if ('bytes' in strings) {
    assert(strings.offsets.length > 0, 'string offsets need an end')
    return { offsets: strings.offsets, bytes: strings.bytes, length: strings.offsets.length - 1 }
  }
  let room = 0
  for (const text of strings) room += text.length * 3
  const bytes = new Uint8Array(room)
  const offsets = new Int32Array(strings.length + 1)
  let at = 0
  for (let i = 0; i < strings.length; i++) {
    at += encoder.encodeInto(strings[i]!, bytes.subarray(at)).written
    offsets[i + 1] = at
  }
  return { offsets, bytes, length: strings.length }
}

/** `ints` without the rows that are null. */
export function denseInts(ints: Ints, nulls: Uint8Array): Ints {
  const { words, perValue } = ints
  const dense = new Int32Array(words.length)
  let to = 0
  for (let row = 0; row < ints.length; row++) {
    if (nulls[row] !== 0) continue
    if (perValue === 1) dense[to] = words[row]!
    else {
      dense[to * 2] = words[row * 2]!
      dense[to * 2 + 1] = words[row * 2 + 1]!
    }
    to++
  }
  return { ...ints, words: dense.subarray(0, to * perValue), length: to }
}

export function encodePlain(out: ByteBuffer, ints: Ints, from: number, to: number): void {
  const words = ints.words.subarray(from * ints.perValue, to * ints.perValue)
  writeBytes(out, new Uint8Array(words.buffer, words.byteOffset, words.byteLength))
}

export function encodeDelta(out: ByteBuffer, ints: Ints, from: number, to: number): void {
  if (ints.perValue === 1) encodeDelta32(out, ints.words, from, to)
  else encodeDelta64(out, ints.words, from, to)
}

/** All lowest bytes, then all second ones, and so on. */
export function encodeSplit(out: ByteBuffer, ints: Ints, from: number, to: number): void {
  const { words, perValue } = ints
  const count = to - from
  reserve(out, count * 4 * perValue)
  const data = out.data
  for (let word = 0; word < perValue; word++) {
    const a = out.length
    const b = a + count
    const c = b + count
    const d = c + count
    for (let i = 0; i < count; i++) {
      const value = words[(from + i) * perValue + word]!
      data[a + i] = value
      data[b + i] = value >>> 8
      data[c + i] = value >>> 16
      data[d + i] = value >>> 24
    }
    out.length += count * 4
  }
}

export function encodeStrings(out: ByteBuffer, strings: Utf8, from: number, to: number): void {
  const { offsets, bytes } = strings
  reserve(out, offsets[to]! - offsets[from]! + (to - from) * 4)
  for (let i = from; i < to; i++) {
    writeUint32(out, offsets[i + 1]! - offsets[i]!)
    writeBytes(out, bytes.subarray(offsets[i]!, offsets[i + 1]!))
  }
}

export function boundsOfInts(ints: Ints, from: number, to: number): Bounds | null {
  if (from === to) return null
  const { words, perValue, unsigned } = ints
  if (perValue === 1) {
    let min = words[from]!
    let max = min
    for (let i = from + 1; i < to; i++) {
      const value = words[i]!
      if (value < min) min = value
      else if (value > max) max = value
    }
    return intBounds(BigInt(min), BigInt(max), 4)
  }
  // Unsigned order is signed order with the top bit turned over.
  const flip = unsigned ? 1 << 31 : 0
  let least = from
  let most = from
  let leastHigh = words[from * 2 + 1]! ^ flip
  let mostHigh = leastHigh
  let leastLow = words[from * 2]! >>> 0
  let mostLow = leastLow
  for (let i = from + 1; i < to; i++) {
    const high = words[i * 2 + 1]! ^ flip
    const low = words[i * 2]! >>> 0
    if (high < leastHigh || (high === leastHigh && low < leastLow)) {
      leastHigh = high
      leastLow = low
      least = i
    } else if (high > mostHigh || (high === mostHigh && low > mostLow)) {
      mostHigh = high
      mostLow = low
      most = i
    }
  }
  return intBounds(bigAt(ints, least), bigAt(ints, most), 8)
}

export function bigAt(ints: Ints, i: number): bigint {
  if (ints.perValue === 1) return BigInt(ints.words[i]!)
  const bits = (BigInt(ints.words[i * 2 + 1]!) << 32n) | BigInt(ints.words[i * 2]! >>> 0)
  return ints.unsigned ? BigInt.asUintN(64, bits) : bits
}

export function intBounds(min: bigint, max: bigint, bytes: 4 | 8): Bounds {
  return { min: littleEndian(min, bytes), max: littleEndian(max, bytes), ints: { min, max } }
}

function littleEndian(value: bigint, bytes: 4 | 8): Uint8Array {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigInt64(0, BigInt.asIntN(64, value), true)
  return new Uint8Array(view.buffer, 0, bytes)
}

export function stringAt(strings: Utf8, i: number): Uint8Array {
  return strings.bytes.subarray(strings.offsets[i]!, strings.offsets[i + 1]!)
}

export function boundsOfStrings(strings: Utf8, from: number, to: number): Bounds | null {
  let bounds: Bounds | null = null
  for (let i = from; i < to; i++) bounds = widen(bounds, stringAt(strings, i))
  return bounds
}

/** Bounds that also hold `value`. */
export function widen(bounds: Bounds | null, value: Uint8Array): Bounds {
  if (bounds === null) return { min: value, max: value, ints: null }
  if (Buffer.compare(value, bounds.min) < 0) return { ...bounds, min: value }
  if (Buffer.compare(value, bounds.max) > 0) return { ...bounds, max: value }
  return bounds
}

/** Bounds that hold what either of two holds. */
export function joinBounds(a: Bounds | null, b: Bounds | null): Bounds | null {
  if (a === null || b === null) return a ?? b
  if (a.ints === null || b.ints === null) return widen(widen(a, b.min), b.max)
  const lower = a.ints.min < b.ints.min ? a : b
  const upper = a.ints.max > b.ints.max ? a : b
  return { min: lower.min, max: upper.max, ints: { min: lower.ints!.min, max: upper.ints!.max } }
}
