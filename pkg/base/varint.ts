/** A growing buffer of little-endian varints, and a cursor over one. Numbers are exact to 2^53; int64 goes as two words. */
import { assert } from './assert.ts'

export interface VarintWriter {
  bytes: Uint8Array
  length: number
}

export const createWriter = (capacity = 4096): VarintWriter => ({ bytes: new Uint8Array(capacity), length: 0 })

/** Makes room for `more` bytes: call before a run of writes, as writes past the end vanish. */
export function reserveBytes(writer: VarintWriter, more: number): void {
  const need = writer.length + more
  if (need <= writer.bytes.length) return
  const grown = new Uint8Array(Math.max(need, writer.bytes.length * 2))
  grown.set(writer.bytes.subarray(0, writer.length))
  writer.bytes = grown
}

/** `value` is a non-negative safe integer. */
export function writeVarint(writer: VarintWriter, value: number): void {
  reserveBytes(writer, 8)
  const { bytes } = writer
  let at = writer.length
  let v = value
  while (v > 0x7fffffff) {
    bytes[at++] = (v % 128) | 0x80
    v = Math.floor(v / 128)
  }
  while (v > 127) {
    bytes[at++] = (v & 127) | 0x80
    v >>>= 7
  }
  bytes[at++] = v
  writer.length = at
}

/** A safe integer of either sign, below 2^52 in magnitude. */
export function writeSigned(writer: VarintWriter, value: number): void {
  writeVarint(writer, value < 0 ? -2 * value - 1 : 2 * value)
}

export function writeBytes(writer: VarintWriter, bytes: Uint8Array): void {
  writeVarint(writer, bytes.length)
  reserveBytes(writer, bytes.length)
  writer.bytes.set(bytes, writer.length)
  writer.length += bytes.length
}

export function writeDouble(writer: VarintWriter, value: number): void {
  reserveBytes(writer, 8)
  new DataView(writer.bytes.buffer).setFloat64(writer.length, value, true)
  writer.length += 8
}

/** Zigzag varints of the differences between neighbours: small for ids that lie close. */
export function writeDeltas(writer: VarintWriter, values: Int32Array, count: number): void {
  reserveBytes(writer, count * 5)
  const { bytes } = writer
  let at = writer.length
  let previous = 0
  for (let i = 0; i < count; i++) {
    const delta = (values[i]! - previous) | 0
    previous = values[i]!
    let v = ((delta << 1) ^ (delta >> 31)) >>> 0
    while (v > 127) {
      bytes[at++] = (v & 127) | 0x80
      v >>>= 7
    }
    bytes[at++] = v
  }
  writer.length = at
}

/** Zigzag varints of int64 values in words[first + i * step], low word first. */
export function writeInt64s(writer: VarintWriter, words: Int32Array, count: number, first: number, step: number): void {
  reserveBytes(writer, count * 10)
  const { bytes } = writer
  let at = writer.length
  for (let i = 0, w = first; i < count; i++, w += step) {
    const sign = words[w + 1]! >> 31
    let low = ((words[w]! << 1) ^ sign) >>> 0
    let high = (((words[w + 1]! << 1) | (words[w]! >>> 31)) ^ sign) >>> 0
    while (high !== 0) {
      bytes[at++] = (low & 127) | 0x80
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    while (low > 127) {
      bytes[at++] = (low & 127) | 0x80
      low >>>= 7
    }
    bytes[at++] = low
  }
  writer.length = at
}

/** Reads what the writer wrote. Reading past the end is a bug: records carry a checksum before they are read. */
export interface VarintReader {
  readonly bytes: Uint8Array
  at: number
}

export function readVarint(reader: VarintReader): number {
  const { bytes } = reader
  let value = 0
  let scale = 1
  for (;;) {
    assert(reader.at < bytes.length, 'varint past the end of a record')
    const byte = bytes[reader.at++]!
    value += (byte & 127) * scale
    if (byte < 128) return value
    scale *= 128
  }
}

export function readSigned(reader: VarintReader): number {
  const value = readVarint(reader)
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

export function readBytes(reader: VarintReader): Uint8Array {
  const length = readVarint(reader)
  assert(reader.at + length <= reader.bytes.length, 'bytes past the end of a record')
  reader.at += length
  return reader.bytes.subarray(reader.at - length, reader.at)
}

export function readDouble(reader: VarintReader): number {
  assert(reader.at + 8 <= reader.bytes.length, 'double past the end of a record')
  reader.at += 8
  return new DataView(reader.bytes.buffer, reader.bytes.byteOffset).getFloat64(reader.at - 8, true)
}

export function readDeltas(reader: VarintReader, out: Int32Array, count: number): void {
  const { bytes } = reader
  let at = reader.at
  let previous = 0
  for (let i = 0; i < count; i++) {
    let byte = bytes[at++]!
    let v = byte & 127
    let shift = 7
    while (byte > 127) {
      byte = bytes[at++]!
      v |= (byte & 127) << shift
      shift += 7
    }
    previous = (previous + ((v >>> 1) ^ -(v & 1))) | 0
    out[i] = previous
  }
  assert(at <= bytes.length, 'deltas past the end of a record')
  reader.at = at
}

export function readInt64s(reader: VarintReader, words: Int32Array, count: number, first: number, step: number): void {
  const { bytes } = reader
  let at = reader.at
  for (let i = 0, w = first; i < count; i++, w += step) {
    let low = 0
    let high = 0
    let shift = 0
    let byte: number
    do {
      byte = bytes[at++]!
      const part = byte & 127
      if (shift < 32) low |= part << shift
      if (shift > 25) high |= shift < 32 ? part >>> (32 - shift) : part << (shift - 32)
      shift += 7
    } while (byte > 127)
    const sign = -(low & 1)
    words[w] = ((low >>> 1) | (high << 31)) ^ sign
    words[w + 1] = (high >>> 1) ^ sign
  }
  assert(at <= bytes.length, 'values past the end of a record')
  reader.at = at
}
