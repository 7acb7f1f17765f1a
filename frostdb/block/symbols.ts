/** The strings and frames a block keeps: those of the frames it uses, renumbered. */
import { wordsOf } from '../../pkg/profile/frame-table.ts'
import type { FrameColumns, StringColumn } from '../../pkg/profile/frames.ts'

/** `chosen[i]` becomes frame i. Strings are numbered in order of first use, function names first: neighbours compress. */
export function compactFrames(
  strings: StringColumn,
  frames: FrameColumns,
  chosen: Int32Array,
): { readonly strings: StringColumn; readonly frames: FrameColumns } {
  const newString = new Int32Array(strings.length).fill(-1)
  const kept: number[] = []
  const column = (from: Int32Array): Int32Array =>
    Int32Array.from(chosen, frame => {
      const id = from[frame]!
      if (id < 0) return -1
      if (newString[id]! < 0) newString[id] = kept.push(id) - 1
      return newString[id]!
    })
  const length = chosen.length
  const functionName = column(frames.functionName)
  const systemName = column(frames.systemName)
  const file = column(frames.file)
  const mapping = column(frames.mapping)
  const buildId = column(frames.buildId)
  const address = new BigUint64Array(length)
  const words = wordsOf(address)
  const from = wordsOf(frames.address)
  for (const [i, frame] of chosen.entries()) {
    words[i * 2] = from[frame * 2]!
    words[i * 2 + 1] = from[frame * 2 + 1]!
  }
  const offsets = new Int32Array(kept.length + 1)
  for (const [i, id] of kept.entries()) offsets[i + 1] = offsets[i]! + strings.offsets[id + 1]! - strings.offsets[id]!
  const bytes = new Uint8Array(offsets[kept.length]!)
  for (const [i, id] of kept.entries())
    bytes.set(strings.bytes.subarray(strings.offsets[id]!, strings.offsets[id + 1]!), offsets[i]!)
  return {
    strings: { bytes, offsets, length: kept.length },
    frames: {
      length,
      functionName,
      systemName,
      file,
      line: Float64Array.from(chosen, f => frames.line[f]!),
      startLine: Float64Array.from(chosen, f => frames.startLine[f]!),
      address,
      inlined: Uint8Array.from(chosen, f => frames.inlined[f]!),
      mapping,
      buildId,
    },
  }
}
