/** What the frames of one function in one place of the tree have in common. */
import type { FrameColumns } from '../profile/frames.ts'
import { frameArrays, type TreeScratch } from './scratch.ts'

const SYSTEM_NAME = 1
const FILE = 2
const LINE = 4
const START_LINE = 8
const ADDRESS = 16
const INLINED = 32
const MAPPING = 64
const BUILD_ID = 128

/** Takes note of a common frame at a node of the tree. */
export function see(into: TreeScratch, node: number, frame: number, columns: FrameColumns): void {
  const seen = into.first[node]!
  if (seen < 0) into.first[node] = frame
  else if (seen !== frame) into.differs[node]! |= difference(columns, seen, frame)
}

function difference(f: FrameColumns, a: number, b: number): number {
  let bits = 0
  if (f.systemName[a] !== f.systemName[b]) bits |= SYSTEM_NAME
  if (f.file[a] !== f.file[b]) bits |= FILE
  if (f.line[a] !== f.line[b]) bits |= LINE
  if (f.startLine[a] !== f.startLine[b]) bits |= START_LINE
  if (f.inlined[a] !== f.inlined[b]) bits |= INLINED
  if (f.mapping[a] !== f.mapping[b]) bits |= MAPPING
  if (f.buildId[a] !== f.buildId[b]) bits |= BUILD_ID
  if (f.address[a] !== f.address[b]) bits |= ADDRESS
  return bits
}

/** One frame per node but the root: what its frames have in common, else none. They lie in the scratch. */
export function functionColumns(into: TreeScratch, f: FrameColumns, length: number): FrameColumns {
  const n = length - 1
  if (into.frames.capacity < n) into.frames = frameArrays(Math.ceil(n * 1.25))
  const out = into.frames
  const words = new Int32Array(f.address.buffer, f.address.byteOffset, f.length * 2)
  const keys = into.tree.key.array
  for (let i = 0; i < n; i++) {
    const frame = into.first[i + 1]!
    const bits = into.differs[i + 1]!
    const key = keys[i + 1]!
    const sameAddress = (bits & ADDRESS) === 0
    out.functionName[i] = key >= 0 ? key : -1
    out.systemName[i] = (bits & SYSTEM_NAME) === 0 ? f.systemName[frame]! : -1
    out.file[i] = (bits & FILE) === 0 ? f.file[frame]! : -1
    out.line[i] = (bits & LINE) === 0 ? f.line[frame]! : 0
    out.startLine[i] = (bits & START_LINE) === 0 ? f.startLine[frame]! : 0
    out.addressWords[i * 2] = sameAddress ? words[frame * 2]! : 0
    out.addressWords[i * 2 + 1] = sameAddress ? words[frame * 2 + 1]! : 0
    out.inlined[i] = (bits & INLINED) === 0 ? f.inlined[frame]! : 0
    out.mapping[i] = (bits & MAPPING) === 0 ? f.mapping[frame]! : -1
    out.buildId[i] = (bits & BUILD_ID) === 0 ? f.buildId[frame]! : -1
  }
  return {
    length: n,
    functionName: out.functionName.subarray(0, n),
    systemName: out.systemName.subarray(0, n),
    file: out.file.subarray(0, n),
    line: out.line.subarray(0, n),
    startLine: out.startLine.subarray(0, n),
    address: out.address.subarray(0, n),
    inlined: out.inlined.subarray(0, n),
    mapping: out.mapping.subarray(0, n),
    buildId: out.buildId.subarray(0, n),
  }
}
