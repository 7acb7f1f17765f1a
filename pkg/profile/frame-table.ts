/**
 * Distinct frames: by build id, function, system name, file, line and inlined; by the address too where
 * there is no function name (then by the mapping's file as well, as such binaries often lack a build id), or where
 * addresses are kept. What is not part of the identity (start line, mapping) is that of the first frame seen.
 */

import {
  type Column,
  float64Column,
  int32Column,
  push,
  reserve,
  uint8Column,
  uint64Column,
  view,
} from '../base/column.ts'
import type { FrameColumns } from './frames.ts'

export interface FrameInterner {
  readonly functionName: Column<Int32Array>
  readonly systemName: Column<Int32Array>
  readonly file: Column<Int32Array>
  readonly line: Column<Float64Array>
  readonly startLine: Column<Float64Array>
  readonly address: Column<BigUint64Array>
  readonly inlined: Column<Uint8Array>
  readonly mapping: Column<Int32Array>
  readonly buildId: Column<Int32Array>
  /** `nameKey` of the frame. */
  readonly key: Column<Int32Array>
  readonly keepAddresses: boolean
  slots: Int32Array // frame + 1, 0 = free
}

/** One frame to intern; strings are ids, -1 = none. The address comes as two words. */
export interface FrameFields {
  functionName: number
  systemName: number
  file: number
  line: number
  startLine: number
  addressLow: number // int32, as all of its words: what is beyond would be a heap number each
  addressHigh: number // int32
  inlined: number
  mapping: number
  buildId: number
}

export function createFrames(keepAddresses: boolean): FrameInterner {
  return {
    functionName: int32Column(),
    systemName: int32Column(),
    file: int32Column(),
    line: float64Column(),
    startLine: float64Column(),
    address: uint64Column(),
    inlined: uint8Column(),
    mapping: int32Column(),
    buildId: int32Column(),
    key: int32Column(),
    keepAddresses,
    slots: new Int32Array(1 << 12),
  }
}

export function frameCount(frames: FrameInterner): number {
  return frames.functionName.length
}

/** The id of the frame, new or known. Of a frame whose identity leaves the address out, the address is not kept. */
export function internFrame(frames: FrameInterner, f: FrameFields): number {
  const byAddress = f.functionName < 0 || frames.keepAddresses
  const low = byAddress ? f.addressLow : 0
  const high = byAddress ? f.addressHigh : 0
  const mask = frames.slots.length - 1
  const { slots } = frames
  const functionName = frames.functionName.array
  const systemName = frames.systemName.array
  const file = frames.file.array
  const line = frames.line.array
  const inlined = frames.inlined.array
  const mapping = frames.mapping.array
  const buildId = frames.buildId.array
  const words = wordsOf(frames.address.array)
  let slot = hashFrame(f.functionName, f.systemName, f.file, f.line | 0, low, high, f.inlined, f.buildId) & mask
  for (;;) {
    const id = slots[slot]! - 1
    if (id < 0) break
    if (
      functionName[id] === f.functionName &&
      line[id] === f.line &&
      file[id] === f.file &&
      systemName[id] === f.systemName &&
      inlined[id] === f.inlined &&
      buildId[id] === f.buildId &&
      words[id * 2] === low &&
      words[id * 2 + 1] === high &&
      (f.functionName >= 0 || mapping[id] === f.mapping)
    )
      return id
    slot = (slot + 1) & mask
  }
  return addFrame(frames, f, low, high)
}

/** What names a frame in a flame graph: its function name, else its system name, else itself (by address). */
export function nameKey(functionName: number, systemName: number, frame: number): number {
  if (functionName >= 0) return functionName
  return systemName >= 0 ? systemName : -1 - frame
}

/** Appends without a look-up: replay, where ids are given. */
export function addFrame(frames: FrameInterner, f: FrameFields, low: number, high: number): number {
  const id = frameCount(frames)
  push(frames.functionName, f.functionName)
  push(frames.systemName, f.systemName)
  push(frames.file, f.file)
  push(frames.line, f.line)
  push(frames.startLine, f.startLine)
  const words = wordsOf(reserve(frames.address, 1))
  words[id * 2] = low
  words[id * 2 + 1] = high
  frames.address.length++
  push(frames.inlined, f.inlined)
  push(frames.mapping, f.mapping)
  push(frames.buildId, f.buildId)
  push(frames.key, nameKey(f.functionName, f.systemName, id))
  if ((id + 1) * 2 > frames.slots.length) {
    frames.slots = new Int32Array(frames.slots.length * 2)
    for (let i = 0; i < id; i++) place(frames, i)
  }
  place(frames, id)
  return id
}

function place(frames: FrameInterner, id: number): void {
  const words = wordsOf(frames.address.array)
  const hash = hashFrame(
    frames.functionName.array[id]!,
    frames.systemName.array[id]!,
    frames.file.array[id]!,
    frames.line.array[id]! | 0,
    words[id * 2]!,
    words[id * 2 + 1]!,
    frames.inlined.array[id]!,
    frames.buildId.array[id]!,
  )
  const mask = frames.slots.length - 1
  let slot = hash & mask
  while (frames.slots[slot] !== 0) slot = (slot + 1) & mask
  frames.slots[slot] = id + 1
}

function hashFrame(
  functionName: number,
  systemName: number,
  file: number,
  line: number, // int32: a double would be boxed
  low: number,
  high: number,
  inlined: number,
  buildId: number,
): number {
  let h = Math.imul(functionName, 0x9e3779b1) ^ Math.imul(line, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35) ^ Math.imul(file, 0x27d4eb2f)
  h = Math.imul(h ^ (h >>> 13), 0x165667b1) ^ Math.imul(low, 0x9e3779b1) ^ high
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b) ^ Math.imul(systemName, 0xc2b2ae35) ^ (buildId << 1) ^ inlined
  h = Math.imul(h ^ (h >>> 16), 0x27d4eb2f)
  return h ^ (h >>> 13)
}

const wordCache = new WeakMap<BigUint64Array, Int32Array>()

/** The same memory as pairs of 32-bit words, low first (Node runs on little-endian machines only). */
export function wordsOf(column: BigUint64Array): Int32Array {
  let words = wordCache.get(column)
  if (words === undefined) {
    words = new Int32Array(column.buffer, column.byteOffset, column.length * 2)
    wordCache.set(column, words)
  }
  return words
}

export function viewFrames(frames: FrameInterner, length: number): FrameColumns {
  return {
    length,
    functionName: view(frames.functionName, length),
    systemName: view(frames.systemName, length),
    file: view(frames.file, length),
    line: view(frames.line, length),
    startLine: view(frames.startLine, length),
    address: view(frames.address, length),
    inlined: view(frames.inlined, length),
    mapping: view(frames.mapping, length),
    buildId: view(frames.buildId, length),
  }
}
