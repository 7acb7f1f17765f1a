/**
 * The head: the newest rows, in shared memory, owned by the writer thread. It interns what a profile brings, sums equal
 * stacks, and appends rows. What readers may see is `HeadCounts`: counts that the store moves on once the log is on
 * disk; rows below a count never change.
 */

import { usedBytes, view } from '../../pkg/base/column.ts'
import { RequestError } from '../../pkg/base/errors.ts'
import type { Labels } from '../../pkg/labels/labels.ts'
import { createFrames, type FrameFields, frameCount, internFrame, viewFrames } from '../../pkg/profile/frame-table.ts'
import type { FrameColumns, StringColumn } from '../../pkg/profile/frames.ts'
import { createStacks, hashFrame, internStack, STACK_SEED } from '../../pkg/profile/stack-table.ts'
import { createStrings, internString, stringCount } from '../../pkg/profile/string-table.ts'
import type { ProfileWrite, SeriesWrite } from '../writer.ts'
import {
  appendProfile,
  createRows,
  type ProfileColumns,
  type ProfileTimes,
  type SampleColumns,
  type StackValues,
  truncateRows,
  viewProfiles,
  viewSamples,
} from './rows.ts'
import { createSeries, encodeSeries, internSeries, seriesCount } from './series.ts'

export interface Head {
  /** Names the chain of log segments that fills it. */
  readonly generation: number
  readonly strings: ReturnType<typeof createStrings>
  readonly frames: ReturnType<typeof createFrames>
  readonly stacks: ReturnType<typeof createStacks>
  readonly series: ReturnType<typeof createSeries>
  readonly rows: ReturnType<typeof createRows>
  /** Least and greatest time of its profiles, ms; Infinity and -Infinity when it has none. */
  minMs: number
  maxMs: number
  readonly maxSeries: number
  /** Label sets that were stored without the labels of their samples, as there were too many series. */
  demoted: number
  readonly scratch: Scratch
}

export interface HeadCounts {
  readonly strings: number
  readonly frames: number
  readonly nodes: number
  readonly functionNodes: number
  readonly series: number
  readonly profiles: number
  readonly samples: number
}

/** One label set's stacks of one profile, summed: what a log record holds of it. */
export interface AppendedGroup extends StackValues {
  readonly series: Int32Array // by value type
  readonly times: ProfileTimes
}

interface Scratch {
  names: Int32Array
  systemNames: Int32Array
  files: Int32Array
  locationStart: Int32Array
  locationFrames: Int32Array
  stack: Int32Array
  /** Stacks and values of the groups of one write, one after the other. */
  outStack: Int32Array
  outWords: Int32Array
  outRows: number
  outWordsUsed: number
  /** node → row in the group being summed; valid where stamp[node] is the current mark. */
  slot: Int32Array
  stamp: Int32Array
  mark: number
}

/** Beyond so many series a head takes no new one for labels that samples bring. */
const MAX_SERIES = 100_000

export function createHead(generation: number, options: { keepAddresses: boolean; maxSeries?: number }): Head {
  const none = new Int32Array(0)
  return {
    generation,
    strings: createStrings(),
    frames: createFrames(options.keepAddresses),
    stacks: createStacks(),
    series: createSeries(),
    rows: createRows(),
    minMs: Number.POSITIVE_INFINITY,
    maxMs: Number.NEGATIVE_INFINITY,
    maxSeries: options.maxSeries ?? MAX_SERIES,
    demoted: 0,
    scratch: {
      names: none,
      systemNames: none,
      files: none,
      locationStart: none,
      locationFrames: none,
      stack: new Int32Array(64),
      outStack: none,
      outWords: none,
      outRows: 0,
      outWordsUsed: 0,
      slot: none,
      stamp: none,
      mark: 0,
    },
  }
}

export function headCounts(head: Head): HeadCounts {
  return {
    strings: stringCount(head.strings),
    frames: frameCount(head.frames),
    nodes: head.stacks.nodes.parent.length,
    functionNodes: head.stacks.functions.parent.length,
    series: seriesCount(head.series),
    profiles: head.rows.series.length,
    samples: head.rows.stack.length,
  }
}

/** Bytes in use, hash tables included. */
export function headBytes(head: Head): number {
  let bytes = 0
  for (const part of [
    head.strings,
    head.frames,
    head.stacks,
    head.stacks.nodes,
    head.stacks.functions,
    head.series,
    head.rows,
  ]) {
    for (const value of Object.values(part)) {
      if (value instanceof Int32Array) bytes += value.byteLength
      else if (value !== null && typeof value === 'object' && 'array' in value) bytes += usedBytes(value)
    }
  }
  return bytes
}

/**
 * Interns and appends the writes, all or none, and returns what was appended, in order; the groups' columns are borrowed
 * until the next call. What was interned by a write that throws stays: it is in the dictionaries, not in the rows.
 */
export function appendWrites(head: Head, writes: Iterable<ProfileWrite>): AppendedGroup[] {
  head.scratch.outRows = 0
  head.scratch.outWordsUsed = 0
  const profiles = head.rows.series.length
  const samples = head.rows.stack.length
  const { minMs, maxMs } = head
  const groups: AppendedGroup[] = []
  try {
    for (const write of writes) appendWrite(head, write, groups)
  } catch (error) {
    truncateRows(head.rows, profiles, samples)
    head.minMs = minMs
    head.maxMs = maxMs
    throw error
  }
  return groups
}

function appendWrite(head: Head, write: ProfileWrite, groups: AppendedGroup[]): void {
  internLocations(head, write)
  const timeMs = Number(write.timeNanos / 1_000_000n)
  const times: ProfileTimes = {
    timeMs,
    timeRest: Number(write.timeNanos % 1_000_000n),
    durationNanos: Number(write.durationNanos),
    period: Number(write.period),
  }
  for (const one of write.series) {
    const values = sumStacks(head, write, one.samples)
    const labels = affordableLabels(head, write, one)
    const series = new Int32Array(write.types.length)
    for (let v = 0; v < write.types.length; v++) {
      series[v] = internSeries(head.series, encodeSeries({ type: write.types[v]!.type, labels }))
    }
    const group: AppendedGroup = { ...values, series, times }
    appendGroup(head, group)
    groups.push(group)
  }
}

/** The labels of samples are given up where they would make yet another series of a head that has too many. */
function affordableLabels(head: Head, { types }: ProfileWrite, { labels, targetLabels }: SeriesWrite): Labels {
  if (targetLabels === null || seriesCount(head.series) + types.length <= head.maxSeries) return labels
  if (types.every(({ type }) => head.series.ids.has(encodeSeries({ type, labels })))) return labels
  head.demoted++
  return targetLabels
}

/** Appends the profile rows of a group: from a write, or from a log record. */
export function appendGroup(head: Head, group: AppendedGroup): void {
  for (let v = 0; v < group.valueTypes; v++) appendProfile(head.rows, group.series[v]!, group.times, group, v)
  head.minMs = Math.min(head.minMs, group.times.timeMs)
  head.maxMs = Math.max(head.maxMs, group.times.timeMs)
}

const grown = (array: Int32Array, length: number): Int32Array =>
  array.length >= length ? array : new Int32Array(Math.max(length, array.length * 2))

/** Fills scratch.locationStart and .locationFrames: the frames of each location of the profile, innermost first. */
function internLocations(head: Head, { profile }: ProfileWrite): void {
  const { functions, locations, mappings, strings } = profile
  const s = head.scratch
  const intern = (string: number): number => {
    const start = strings.start[string]!
    const end = strings.end[string]!
    return start === end ? -1 : internString(head.strings, strings.bytes, start, end)
  }
  const names = (s.names = grown(s.names, functions.length))
  const systemNames = (s.systemNames = grown(s.systemNames, functions.length))
  const files = (s.files = grown(s.files, functions.length))
  for (let i = 0; i < functions.length; i++) {
    names[i] = intern(functions.name[i]!)
    systemNames[i] = functions.systemName[i] === functions.name[i] ? names[i]! : intern(functions.systemName[i]!)
    files[i] = intern(functions.file[i]!)
  }
  const mappingFiles = new Int32Array(mappings.length)
  const buildIds = new Int32Array(mappings.length)
  for (let i = 0; i < mappings.length; i++) {
    mappingFiles[i] = intern(mappings.file[i]!)
    buildIds[i] = intern(mappings.buildId[i]!)
  }
  const starts = (s.locationStart = grown(s.locationStart, locations.length + 1))
  const out = (s.locationFrames = grown(s.locationFrames, locations.lineFunction.length + locations.length))
  const addressWords = new Int32Array(locations.address.buffer, locations.address.byteOffset, locations.length * 2)
  const frame: FrameFields = {
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
  let at = 0
  for (let i = 0; i < locations.length; i++) {
    starts[i] = at
    const mapping = locations.mapping[i]!
    frame.mapping = mapping < 0 ? -1 : mappingFiles[mapping]!
    frame.buildId = mapping < 0 ? -1 : buildIds[mapping]!
    frame.addressLow = addressWords[i * 2]!
    frame.addressHigh = addressWords[i * 2 + 1]!
    const from = locations.lineStart[i]!
    const to = locations.lineStart[i + 1]!
    for (let l = from; l < to; l++) {
      const f = locations.lineFunction[l]!
      frame.functionName = f < 0 ? -1 : names[f]!
      frame.systemName = f < 0 ? -1 : systemNames[f]!
      frame.file = f < 0 ? -1 : files[f]!
      frame.startLine = f < 0 ? 0 : functions.startLine[f]!
      frame.line = locations.line[l]!
      frame.inlined = l < to - 1 ? 1 : 0
      out[at++] = internFrame(head.frames, frame)
    }
    if (from === to) {
      frame.functionName = -1
      frame.systemName = -1
      frame.file = -1
      frame.startLine = 0
      frame.line = 0
      frame.inlined = 0
      out[at++] = internFrame(head.frames, frame)
    }
  }
  starts[locations.length] = at
}

/** Interns the stacks of the samples and adds up the values of equal ones. */
function sumStacks(head: Head, write: ProfileWrite, chosen: Int32Array | null): StackValues {
  const { samples } = write.profile
  const { locationStart: sampleStart, location } = samples
  const s = head.scratch
  const { locationStart, locationFrames } = s
  const count = chosen === null ? samples.length : chosen.length
  const valueTypes = write.types.length
  const columns = write.profile.sampleTypes.length
  const inWords = new Int32Array(samples.value.buffer, samples.value.byteOffset, samples.value.length * 2)
  const stack = takeStacks(s, count)
  const words = takeWords(s, count * valueTypes * 2)
  const beyond = new Map<number, number>()
  const mark = ++s.mark
  let distinct = 0
  const valueAt = Int32Array.from(write.types, t => t.value * 2)
  const limit = write.stackDepth > 0 ? write.stackDepth : Number.MAX_SAFE_INTEGER
  const keys = head.frames.key
  for (let i = 0; i < count; i++) {
    const sample = chosen === null ? i : chosen[i]!
    const at = sample * columns * 2
    let any = 0
    for (let v = 0; v < valueTypes; v++) any |= inWords[at + valueAt[v]!]! | inWords[at + valueAt[v]! + 1]!
    if (any === 0) continue
    let depth = 0
    let hash = STACK_SEED
    let frames = s.stack
    const end = sampleStart[sample + 1]!
    for (let l = sampleStart[sample]!; l < end; l++) {
      const from = locationStart[location[l]!]!
      const to = locationStart[location[l]! + 1]!
      if (depth + to - from > frames.length) frames = s.stack = growStack(frames, depth + to - from)
      let f = from
      for (; f < to && depth < limit; f++) {
        const frame = locationFrames[f]!
        frames[depth++] = frame
        hash = hashFrame(hash, frame)
      }
      if (depth === limit && (f < to || l < end - 1)) {
        hash = hashFrame(hash, truncatedFrame(head))
        if (depth === frames.length) frames = s.stack = growStack(frames, depth + 1)
        frames[depth++] = truncatedFrame(head)
        break
      }
    }
    const node = internStack(head.stacks, frames, depth, hash, keys.array)
    if (node >= s.slot.length) {
      s.slot = copied(s.slot, head.stacks.nodes.parent.array.length)
      s.stamp = copied(s.stamp, head.stacks.nodes.parent.array.length)
    }
    let slot: number
    if (s.stamp[node] === mark) slot = s.slot[node]!
    else {
      slot = distinct++
      s.stamp[node] = mark
      s.slot[node] = slot
      stack[slot] = node
    }
    const to = slot * valueTypes * 2
    for (let v = 0; v < valueTypes; v++) {
      const low = inWords[at + valueAt[v]!]!
      const high = inWords[at + valueAt[v]! + 1]!
      const was = words[to + v * 2]!
      const sumLow = (was + low) | 0
      const carry = sumLow >>> 0 < was >>> 0 ? 1 : 0
      const sumHigh = words[to + v * 2 + 1]! + high + carry
      words[to + v * 2] = sumLow
      words[to + v * 2 + 1] = sumHigh
      if (sumHigh !== (sumHigh | 0)) noteBeyond(beyond, to + v * 2, sumHigh)
    }
  }
  for (const times of beyond.values()) {
    if (times !== 0)
      throw new RequestError('invalid_argument', 'the values of one stack add up to more than an int64 holds')
  }
  s.outRows += distinct
  s.outWordsUsed += distinct * valueTypes * 2
  return {
    count: distinct,
    stack: stack.subarray(0, distinct),
    words: words.subarray(0, distinct * valueTypes * 2),
    valueTypes,
  }
}

/** Room in the scratch behind what is taken; groups that lie in a scratch that was too small keep it. */
function takeStacks(s: Scratch, count: number): Int32Array {
  if (s.outRows + count > s.outStack.length) {
    s.outStack = new Int32Array(Math.max(count, s.outStack.length * 2))
    s.outRows = 0
  }
  return s.outStack.subarray(s.outRows, s.outRows + count)
}

function takeWords(s: Scratch, count: number): Int32Array {
  if (s.outWordsUsed + count > s.outWords.length) {
    s.outWords = new Int32Array(Math.max(count, s.outWords.length * 2))
    s.outWordsUsed = 0
    return s.outWords.subarray(0, count)
  }
  return s.outWords.subarray(s.outWordsUsed, s.outWordsUsed + count).fill(0)
}

function copied(array: Int32Array, length: number): Int32Array {
  const out = new Int32Array(length)
  out.set(array)
  return out
}

function growStack(stack: Int32Array, need: number): Int32Array {
  return copied(stack, Math.max(need, stack.length * 2))
}

/** A sum may leave int64 on its way and come back: how many times 2^64 it is off stands in `beyond` meanwhile. */
function noteBeyond(beyond: Map<number, number>, at: number, sumHigh: number): void {
  beyond.set(at, (beyond.get(at) ?? 0) + (sumHigh > 0 ? 1 : -1))
}

const TRUNCATED = new TextEncoder().encode('[truncated]')

function truncatedFrame(head: Head): number {
  const name = internString(head.strings, TRUNCATED, 0, TRUNCATED.length)
  return internFrame(head.frames, {
    functionName: name,
    systemName: -1,
    file: -1,
    line: 0,
    startLine: 0,
    addressLow: 0,
    addressHigh: 0,
    inlined: 0,
    mapping: -1,
    buildId: -1,
  })
}

/** What a reader in any thread gets of a head: views over shared memory, cut to the counts. Can be posted. */
export interface HeadView {
  readonly generation: number
  readonly minMs: number
  readonly maxMs: number
  readonly strings: StringColumn
  readonly frames: FrameColumns
  readonly frameKey: Int32Array
  readonly nodes: {
    readonly parent: Int32Array
    readonly frame: Int32Array
    readonly functionNode: Int32Array
    readonly length: number
  }
  readonly functionNodes: { readonly parent: Int32Array; readonly key: Int32Array; readonly length: number }
  readonly seriesBytes: Uint8Array
  readonly seriesOffsets: Int32Array // series + 1
  readonly profiles: ProfileColumns
  readonly samples: SampleColumns
}

export function viewHead(head: Head, counts: HeadCounts): HeadView {
  const { strings, frames, stacks, series } = head
  return {
    generation: head.generation,
    minMs: head.minMs,
    maxMs: head.maxMs,
    strings: {
      bytes: view(strings.bytes, strings.offsets.array[counts.strings]!),
      offsets: view(strings.offsets, counts.strings + 1),
      length: counts.strings,
    },
    frames: viewFrames(frames, counts.frames),
    frameKey: view(frames.key, counts.frames),
    nodes: {
      parent: view(stacks.nodes.parent, counts.nodes),
      frame: view(stacks.nodes.key, counts.nodes),
      functionNode: view(stacks.functionNode, counts.nodes),
      length: counts.nodes,
    },
    functionNodes: {
      parent: view(stacks.functions.parent, counts.functionNodes),
      key: view(stacks.functions.key, counts.functionNodes),
      length: counts.functionNodes,
    },
    seriesBytes: view(series.bytes, series.offsets.array[counts.series]!),
    seriesOffsets: view(series.offsets, counts.series + 1),
    profiles: viewProfiles(head.rows, counts.profiles),
    samples: viewSamples(head.rows, counts.samples),
  }
}
