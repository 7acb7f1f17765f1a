/**
 * What a log record says: the dictionary entries that are new since the record before, then the profiles of one write.
 *
 *   bases of all dictionaries · new strings · new frames · new nodes · new series · groups · repeat keys
 *
 * Ids are the head's own, so that replay fills arrays without hashing a stack or decoding a profile. Every record names
 * the bases its new entries begin at: where a record was lost, the gap shows, entries that lean on it are marked lost,
 * and writes that do not lean on it are kept.
 */

import {
  createWriter,
  readBytes,
  readDeltas,
  readDouble,
  readInt64s,
  readVarint,
  type VarintReader,
  type VarintWriter,
  writeBytes,
  writeDeltas,
  writeDouble,
  writeInt64s,
  writeVarint,
} from '../../pkg/base/varint.ts'
import { addFrame, frameCount, nameKey, wordsOf } from '../../pkg/profile/frame-table.ts'
import { addNode } from '../../pkg/profile/stack-table.ts'
import { internString, stringCount } from '../../pkg/profile/string-table.ts'
import { type AppendedGroup, appendGroup, type Head, type HeadCounts } from '../head/head.ts'
import { internSeries, seriesCount } from '../head/series.ts'

export interface Repeat {
  readonly key: string
  readonly atMs: number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Entries of the head from `since` on, and the groups just appended. The record lies in `w`, from its start. */
export function encodeRecord(
  head: Head,
  since: HeadCounts,
  groups: readonly AppendedGroup[],
  repeats: readonly Repeat[],
  w: VarintWriter = createWriter(),
): Uint8Array {
  w.length = 0
  const { strings, frames, stacks, series } = head
  const offsets = strings.offsets.array
  writeVarint(w, since.strings)
  writeVarint(w, stringCount(strings) - since.strings)
  for (let i = since.strings; i < stringCount(strings); i++)
    writeBytes(w, strings.bytes.array.subarray(offsets[i]!, offsets[i + 1]!))

  writeVarint(w, since.frames)
  writeVarint(w, frameCount(frames) - since.frames)
  const words = wordsOf(frames.address.array)
  for (let i = since.frames; i < frameCount(frames); i++) {
    writeVarint(w, frames.functionName.array[i]! + 1)
    writeVarint(w, frames.systemName.array[i]! + 1)
    writeVarint(w, frames.file.array[i]! + 1)
    writeVarint(w, frames.mapping.array[i]! + 1)
    writeVarint(w, frames.buildId.array[i]! + 1)
    writeDouble(w, frames.line.array[i]!)
    writeDouble(w, frames.startLine.array[i]!)
    writeVarint(w, words[i * 2]! >>> 0)
    writeVarint(w, words[i * 2 + 1]! >>> 0)
    writeVarint(w, frames.inlined.array[i]!)
  }

  writeVarint(w, since.nodes)
  writeVarint(w, stacks.nodes.parent.length - since.nodes)
  for (let i = since.nodes; i < stacks.nodes.parent.length; i++) {
    writeVarint(w, i - stacks.nodes.parent.array[i]!)
    writeVarint(w, stacks.nodes.key.array[i]!)
  }

  writeVarint(w, since.series)
  writeVarint(w, seriesCount(series) - since.series)
  for (let i = since.series; i < seriesCount(series); i++) {
    writeBytes(w, series.bytes.array.subarray(series.offsets.array[i]!, series.offsets.array[i + 1]!))
  }

  writeVarint(w, groups.length)
  for (const group of groups) {
    writeVarint(w, group.valueTypes)
    for (let v = 0; v < group.valueTypes; v++) writeVarint(w, group.series[v]!)
    writeDouble(w, group.times.timeMs)
    writeVarint(w, group.times.timeRest)
    writeDouble(w, group.times.durationNanos)
    writeDouble(w, group.times.period)
    writeVarint(w, group.count)
    writeDeltas(w, group.stack, group.count)
    for (let v = 0; v < group.valueTypes; v++) writeInt64s(w, group.words, group.count, v * 2, group.valueTypes * 2)
  }

  writeVarint(w, repeats.length)
  for (const repeat of repeats) {
    writeBytes(w, encoder.encode(repeat.key))
    writeDouble(w, repeat.atMs)
  }
  return w.bytes.subarray(0, w.length)
}

/** What replay carries from record to record of one generation: which entries stand in for lost ones. */
export interface Replay {
  readonly lostStrings: Set<number>
  readonly lostFrames: Set<number>
  readonly lostNodes: Set<number>
  readonly lostSeries: Set<number>
  /** Profiles that leaned on a lost entry. */
  lostProfiles: number
}

export const createReplay = (): Replay => ({
  lostStrings: new Set(),
  lostFrames: new Set(),
  lostNodes: new Set(),
  lostSeries: new Set(),
  lostProfiles: 0,
})

/**
 * Applies a record to the head it was taken from, and returns its repeat keys. A write is kept whole or not at all: where
 * a profile of it leans on a lost entry all are lost, and with them their keys, so that who asks again is heard.
 */
export function applyRecord(head: Head, payload: Uint8Array, replay: Replay): Repeat[] {
  const r: VarintReader = { bytes: payload, at: 0 }
  readStrings(head, r, replay)
  readFrames(head, r, replay)
  readNodes(head, r, replay)
  readSeries(head, r, replay)
  const groups: AppendedGroup[] = []
  for (let n = readVarint(r); n > 0; n--) groups.push(readGroup(r))
  const repeats: Repeat[] = []
  for (let n = readVarint(r); n > 0; n--) repeats.push({ key: decoder.decode(readBytes(r)), atMs: readDouble(r) })
  if (groups.some(group => isLost(group, replay))) {
    for (const { valueTypes } of groups) replay.lostProfiles += valueTypes
    return []
  }
  for (const group of groups) appendGroup(head, group)
  return repeats
}

function readStrings(head: Head, r: VarintReader, { lostStrings }: Replay): void {
  const base = readVarint(r)
  while (stringCount(head.strings) < base) {
    const id = stringCount(head.strings)
    lostStrings.add(id)
    const standIn = encoder.encode(`\u0000lost ${id}`)
    internString(head.strings, standIn, 0, standIn.length)
  }
  for (let n = readVarint(r); n > 0; n--) {
    const bytes = readBytes(r)
    internString(head.strings, bytes, 0, bytes.length)
  }
}

function readFrames(head: Head, r: VarintReader, { lostStrings, lostFrames }: Replay): void {
  const base = readVarint(r)
  while (frameCount(head.frames) < base) {
    lostFrames.add(frameCount(head.frames))
    addFrame(head.frames, NO_FRAME, 0, 0)
  }
  for (let n = readVarint(r); n > 0; n--) {
    const functionName = readVarint(r) - 1
    const systemName = readVarint(r) - 1
    const file = readVarint(r) - 1
    const mapping = readVarint(r) - 1
    const buildId = readVarint(r) - 1
    const line = readDouble(r)
    const startLine = readDouble(r)
    const addressLow = readVarint(r) | 0
    const addressHigh = readVarint(r) | 0
    const inlined = readVarint(r)
    const f = { functionName, systemName, file, line, startLine, addressLow, addressHigh, inlined, mapping, buildId }
    const id = addFrame(head.frames, f, addressLow, addressHigh)
    if (lostStrings.size > 0 && [functionName, systemName, file, mapping, buildId].some(s => lostStrings.has(s)))
      lostFrames.add(id)
  }
}

const NO_FRAME = {
  functionName: -1,
  systemName: -1,
  file: -1,
  line: 0,
  startLine: 0,
  addressLow: 0,
  addressHigh: 0,
  inlined: 0,
  mapping: -1,
  buildId: -1,
}

function readNodes(head: Head, r: VarintReader, { lostFrames, lostNodes }: Replay): void {
  const { stacks, frames } = head
  const base = readVarint(r)
  const keys = frames.key.array
  while (stacks.nodes.parent.length < base) {
    lostNodes.add(stacks.nodes.parent.length)
    addNode(stacks, 0, -1, nameKey(-1, -1, stacks.nodes.parent.length))
  }
  for (let n = readVarint(r); n > 0; n--) {
    const parent = stacks.nodes.parent.length - readVarint(r)
    const frame = readVarint(r)
    const node = addNode(stacks, parent, frame, keys[frame]!)
    if ((lostNodes.size > 0 && lostNodes.has(parent)) || (lostFrames.size > 0 && lostFrames.has(frame)))
      lostNodes.add(node)
  }
}

function readSeries(head: Head, r: VarintReader, { lostSeries }: Replay): void {
  const base = readVarint(r)
  while (seriesCount(head.series) < base) {
    const id = seriesCount(head.series)
    lostSeries.add(id)
    internSeries(head.series, `[["","","","","",false],["","lost ${id}"]]`)
  }
  for (let n = readVarint(r); n > 0; n--) internSeries(head.series, decoder.decode(readBytes(r)))
}

function readGroup(r: VarintReader): AppendedGroup {
  const valueTypes = readVarint(r)
  const series = new Int32Array(valueTypes)
  for (let v = 0; v < valueTypes; v++) series[v] = readVarint(r)
  const timeMs = readDouble(r)
  const timeRest = readVarint(r)
  const durationNanos = readDouble(r)
  const period = readDouble(r)
  const count = readVarint(r)
  const stack = new Int32Array(count)
  readDeltas(r, stack, count)
  const words = new Int32Array(count * valueTypes * 2)
  for (let v = 0; v < valueTypes; v++) readInt64s(r, words, count, v * 2, valueTypes * 2)
  return { count, stack, words, valueTypes, series, times: { timeMs, timeRest, durationNanos, period } }
}

const isLost = ({ series, stack }: AppendedGroup, { lostSeries, lostNodes }: Replay): boolean =>
  (lostSeries.size > 0 && series.some(s => lostSeries.has(s))) ||
  (lostNodes.size > 0 && stack.some(s => lostNodes.has(s)))
