/**
 * A tree of frames as pprof: a sample per node at which samples end, leaf first. Inlined frames and the frame they were
 * inlined into are the lines of one location. In a diff the values are compare − base.
 */
import { encodeProfile } from '../pprof/encode.ts'
import type { FunctionTable, LocationTable, MappingTable, SampleTable } from '../profile/columns.ts'
import type { ReportBody } from '../query/engine.ts'
import type { FrameColumns, Merged, StackTree } from '../query/result.ts'
import { difference, gather, toBigInt64 } from './sums.ts'
import { createTrie } from './trie.ts'

export function pprof(whole: StackTree, merged: Merged): ReportBody & { kind: 'pprof' } {
  const tree = withOwnFrames(whole)
  const { strings } = tree
  const mappings = mappingTable(tree.frames)
  const functions = functionTable(tree.frames)
  const locations = locationsOf(tree, mappings.ofFrame, functions.ofFrame)
  const bytes = encodeProfile({
    strings: {
      bytes: strings.bytes,
      start: strings.offsets.subarray(0, strings.length),
      end: strings.offsets.subarray(1, strings.length + 1),
      length: strings.length,
    },
    mappings: mappings.table,
    functions: functions.table,
    locations: locations.table,
    samples: locations.samples,
    sampleTypes: [merged.valueType],
    periodType: merged.periodType,
    period: merged.period,
    timeNanos: merged.timeNanos,
    durationNanos: merged.durationNanos,
    defaultSampleType: '',
    dropFrames: '',
    keepFrames: '',
    comments: [],
    docUrl: '',
  })
  return { kind: 'pprof', pprof: bytes }
}

/**
 * The tree with the frames it uses and no others, those of the mapping with most nodes first: readers of pprof take the
 * first mapping for the program.
 */
function withOwnFrames(tree: StackTree): StackTree {
  const nodes = new Map<number, number>() // by mapping
  const used = new Uint8Array(tree.frames.length)
  for (let i = 1; i < tree.length; i++) {
    const frame = tree.frame[i]!
    const mapping = tree.frames.mapping[frame]!
    used[frame] = 1
    nodes.set(mapping, (nodes.get(mapping) ?? 0) + 1)
  }
  const { mapping } = tree.frames
  const weight = (frame: number): number => (mapping[frame]! < 0 ? 0 : nodes.get(mapping[frame]!)!)
  const kept: number[] = []
  for (let frame = 0; frame < used.length; frame++) if (used[frame] === 1) kept.push(frame)
  kept.sort((a, b) => weight(b) - weight(a) || mapping[a]! - mapping[b]! || a - b)
  const place = new Int32Array(used.length)
  for (const [i, frame] of kept.entries()) place[frame] = i
  const f = tree.frames
  const strings = (column: Int32Array): Int32Array => Int32Array.from(kept, frame => column[frame]!)
  const frames: FrameColumns = {
    length: kept.length,
    functionName: strings(f.functionName),
    systemName: strings(f.systemName),
    file: strings(f.file),
    line: Float64Array.from(kept, frame => f.line[frame]!),
    startLine: Float64Array.from(kept, frame => f.startLine[frame]!),
    address: BigUint64Array.from(kept, frame => f.address[frame]!),
    inlined: Uint8Array.from(kept, frame => f.inlined[frame]!),
    mapping: strings(f.mapping),
    buildId: strings(f.buildId),
  }
  return { ...tree, frames, frame: tree.frame.map((frame, i) => (i === 0 ? -1 : place[frame]!)) }
}

function mappingTable(frames: FrameColumns): { table: MappingTable; ofFrame: Int32Array } {
  const pairs = createTrie() // (file + 1, build id + 1) → row + 1
  const ofFrame = new Int32Array(frames.length)
  for (let f = 0; f < frames.length; f++) {
    const file = frames.mapping[f]!
    const buildId = frames.buildId[f]!
    ofFrame[f] = file < 0 && buildId < 0 ? -1 : pairs.child(file + 1, buildId + 1) - 1
  }
  const length = pairs.length() - 1
  const table = {
    length,
    start: new BigUint64Array(length),
    limit: new BigUint64Array(length),
    offset: new BigUint64Array(length),
    file: pairs
      .parents()
      .subarray(1)
      .map(v => v - 1),
    buildId: pairs
      .keys()
      .subarray(1)
      .map(v => v - 1),
  }
  return { table, ofFrame }
}

function functionTable(frames: FrameColumns): { table: FunctionTable; ofFrame: Int32Array } {
  const n = frames.length
  const ofFrame = new Int32Array(n)
  const rows = createTrie() // chains of (name, system name, file, start line)
  const rowOfChain = new Map<number, number>()
  const first: number[] = [] // row → a frame that has it
  for (let f = 0; f < n; f++) {
    const name = frames.functionName[f]!
    const systemName = frames.systemName[f]!
    const file = frames.file[f]!
    if (name < 0 && systemName < 0 && file < 0) {
      ofFrame[f] = -1
      continue
    }
    const names = rows.child(rows.child(rows.child(0, name + 1), systemName + 1), file + 1)
    const high = Math.floor(frames.startLine[f]! / 2 ** 31)
    const chain = rows.child(rows.child(names, high), frames.startLine[f]! - high * 2 ** 31)
    let row = rowOfChain.get(chain)
    if (row === undefined) {
      row = first.push(f) - 1
      rowOfChain.set(chain, row)
    }
    ofFrame[f] = row
  }
  const ids = (column: Int32Array): Int32Array => Int32Array.from(first, f => column[f]!)
  const table = {
    length: first.length,
    name: ids(frames.functionName),
    systemName: ids(frames.systemName),
    file: ids(frames.file),
    startLine: Float64Array.from(first, f => frames.startLine[f]!),
  }
  return { table, ofFrame }
}

function locationsOf(
  tree: StackTree,
  mappingOf: Int32Array,
  functionOf: Int32Array,
): { table: LocationTable; samples: SampleTable } {
  const { length: n, parent, frame, frames } = tree
  const chains = createTrie() // frames from the innermost to the one that they were inlined into
  const rowOfChain = new Map<number, number>()
  const chainOfRow: number[] = []
  const rowAt = new Int32Array(n).fill(-1) // node → location that begins there, leafwards
  const above = new Int32Array(n) // node → where the next location begins, 0 = the stack ends

  const locate = (i: number): void => {
    let node = i
    let chain = chains.child(0, frame[i]!)
    while (isInlinedInto(frames, frame[node]!, frame[parent[node]!]!)) {
      node = parent[node]!
      chain = chains.child(chain, frame[node]!)
    }
    let row = rowOfChain.get(chain)
    if (row === undefined) {
      row = chainOfRow.push(chain) - 1
      rowOfChain.set(chain, row)
    }
    rowAt[i] = row
    above[i] = parent[node]!
  }

  const value = tree.baseSelf === null ? tree.self : difference(tree.self, tree.baseSelf)
  const ends: number[] = []
  let steps = 0
  for (let i = 0; i < n; i++) {
    if (value.lo[i] === 0 && (value.hi === null || value.hi[i] === 0)) continue
    ends.push(i)
    for (let node = i; node > 0; node = above[node]!) {
      if (rowAt[node]! < 0) locate(node)
      steps++
    }
  }
  const location = new Int32Array(steps)
  const locationStart = new Int32Array(ends.length + 1)
  let at = 0
  ends.forEach((end, s) => {
    for (let node = end; node > 0; node = above[node]!) location[at++] = rowAt[node]!
    locationStart[s + 1] = at
  })
  const samples: SampleTable = {
    length: ends.length,
    locationStart,
    location,
    value: toBigInt64(gather(value, Int32Array.from(ends))),
    labelStart: new Int32Array(ends.length + 1),
    labelKey: new Int32Array(0),
    labelString: new Int32Array(0),
    labelNumber: new BigInt64Array(0),
    labelUnit: new Int32Array(0),
  }
  return { table: locationTable(frames, chains.parents(), chains.keys(), chainOfRow, mappingOf, functionOf), samples }
}

/** Whether the frame and its caller are lines of one location. */
function isInlinedInto(frames: FrameColumns, f: number, caller: number): boolean {
  return (
    caller >= 0 &&
    frames.inlined[f] === 1 &&
    frames.mapping[f] === frames.mapping[caller] &&
    frames.buildId[f] === frames.buildId[caller] &&
    frames.address[f] === frames.address[caller]
  )
}

function locationTable(
  frames: FrameColumns,
  chainParent: Int32Array,
  chainFrame: Int32Array,
  chainOfRow: readonly number[],
  mappingOf: Int32Array,
  functionOf: Int32Array,
): LocationTable {
  const length = chainOfRow.length
  const lineStart = new Int32Array(length + 1)
  const lineFunction: number[] = []
  const line: number[] = []
  const mapping = new Int32Array(length)
  const address = new BigUint64Array(length)
  chainOfRow.forEach((chain, row) => {
    const members: number[] = [] // outermost first
    for (let c = chain; c > 0; c = chainParent[c]!) members.push(chainFrame[c]!)
    for (const f of members.reverse()) {
      if (functionOf[f]! < 0 && frames.line[f] === 0) continue
      lineFunction.push(functionOf[f]!)
      line.push(frames.line[f]!)
    }
    lineStart[row + 1] = line.length
    mapping[row] = mappingOf[members[0]!]!
    address[row] = frames.address[members[0]!]!
  })
  return {
    length,
    mapping,
    address,
    lineStart,
    lineFunction: Int32Array.from(lineFunction),
    line: Float64Array.from(line),
  }
}
