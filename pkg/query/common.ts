/**
 * Common ids for what sources number on their own: strings and frames, kept by a query thread from query to query, so
 * that a source is translated once and only what is new in it is looked at again.
 */
import type { Source } from '../../frostdb/scan/source.ts'
import { view } from '../base/column.ts'
import { createFrames, frameCount, internFrame, viewFrames, wordsOf } from '../profile/frame-table.ts'
import type { FrameColumns, StringColumn } from '../profile/frames.ts'
import { createStrings, internString, stringCount } from '../profile/string-table.ts'

export interface Common {
  /** Frames of the source by their common ids. */
  framesOf(source: Source): Int32Array
  /** By node of the source: its common frame. */
  nodeKeysOf(source: Source): Int32Array
  /** By function node of the source: the common string that names it, or -2 - common frame. */
  functionKeysOf(source: Source): Int32Array
  /** The columns in common ids; valid until the next call of anything here. */
  frames(): FrameColumns
  strings(): StringColumn
  /** Forgets sources other than these, and everything when it has grown too large. */
  retain(sources: readonly Source[]): void
}

const MAX_STRING_BYTES = 64 << 20

interface Translated {
  strings: Int32Array
  stringCount: number
  frames: Int32Array
  frameCount: number
  nodeKeys: Int32Array
  nodeCount: number
  functionKeys: Int32Array
  functionCount: number
}

export function createCommon(): Common {
  let strings = createStrings()
  let frames = createFrames(true)
  const sources = new Map<string, Translated>()

  function translatedOf(source: Source): Translated {
    let known = sources.get(source.key)
    if (known === undefined) {
      const none = new Int32Array(0)
      known = {
        strings: none,
        stringCount: 0,
        frames: none,
        frameCount: 0,
        nodeKeys: none,
        nodeCount: 1,
        functionKeys: none,
        functionCount: 1,
      }
      sources.set(source.key, known)
    }
    if (known.stringCount < source.strings.length) translateStrings(source, known)
    if (known.frameCount < source.frames.length) translateFrames(source, known)
    return known
  }

  function translateStrings(source: Source, known: Translated): void {
    const { bytes, offsets, length } = source.strings
    known.strings = extended(known.strings, length)
    for (let i = known.stringCount; i < length; i++) {
      known.strings[i] = internString(strings, bytes, offsets[i]!, offsets[i + 1]!)
    }
    known.stringCount = length
  }

  function translateFrames(source: Source, known: Translated): void {
    const f = source.frames
    known.frames = extended(known.frames, f.length)
    const words = wordsOf(f.address)
    const common = (id: number): number => (id < 0 ? -1 : known.strings[id]!)
    for (let i = known.frameCount; i < f.length; i++) {
      known.frames[i] = internFrame(frames, {
        functionName: common(f.functionName[i]!),
        systemName: common(f.systemName[i]!),
        file: common(f.file[i]!),
        line: f.line[i]!,
        startLine: f.startLine[i]!,
        addressLow: words[i * 2]!,
        addressHigh: words[i * 2 + 1]!,
        inlined: f.inlined[i]!,
        mapping: common(f.mapping[i]!),
        buildId: common(f.buildId[i]!),
      })
    }
    known.frameCount = f.length
  }

  return {
    framesOf: source => translatedOf(source).frames,
    nodeKeysOf(source) {
      const known = translatedOf(source)
      const { frame, length } = source.nodes
      known.nodeKeys = extended(known.nodeKeys, length)
      for (let i = known.nodeCount; i < length; i++) known.nodeKeys[i] = known.frames[frame[i]!]!
      known.nodeCount = Math.max(known.nodeCount, length)
      return known.nodeKeys
    },
    functionKeysOf(source) {
      const known = translatedOf(source)
      const { key, length } = source.functionNodes
      known.functionKeys = extended(known.functionKeys, length)
      for (let i = known.functionCount; i < length; i++) {
        known.functionKeys[i] = key[i]! >= 0 ? known.strings[key[i]!]! : -2 - known.frames[-1 - key[i]!]!
      }
      known.functionCount = Math.max(known.functionCount, length)
      return known.functionKeys
    },
    frames: () => viewFrames(frames, frameCount(frames)),
    strings: () => ({
      bytes: view(strings.bytes, strings.bytes.length),
      offsets: view(strings.offsets, strings.offsets.length),
      length: stringCount(strings),
    }),
    retain(kept) {
      const keys = new Set(kept.map(s => s.key))
      for (const key of sources.keys()) if (!keys.has(key)) sources.delete(key)
      if (strings.bytes.length < MAX_STRING_BYTES) return
      strings = createStrings()
      frames = createFrames(true)
      sources.clear()
    },
  }
}

/** At least `length` long, with room to grow. */
function extended(array: Int32Array, length: number): Int32Array {
  if (array.length >= length) return array
  const out = new Int32Array(Math.ceil(length * 1.25))
  out.set(array)
  return out
}
