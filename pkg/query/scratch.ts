/**
 * Memory that a query thread uses again and again: arrays the size of a trie, made anew for each query, would be
 * collected more dearly than they are filled.
 */
import type { Source } from '../../frostdb/scan/source.ts'
import { clearTrie, createTrie, type Trie } from '../base/trie.ts'

/** Of one merge: what its answer is made of. The answer is good until the scratch is used for another. */
export interface TreeScratch {
  readonly tree: Trie
  /** Self values by node, per side. */
  readonly sides: { lo: Float64Array; hi: Float64Array }[]
  /** By node, for functions: the common frame first seen (-1 = none yet), and in which columns others differ. */
  first: Int32Array
  differs: Uint8Array
  frames: FrameArrays
  /** i → i - 1 */
  identity: Int32Array
}

export interface FrameArrays {
  readonly capacity: number
  readonly functionName: Int32Array
  readonly systemName: Int32Array
  readonly file: Int32Array
  readonly line: Float64Array
  readonly startLine: Float64Array
  readonly address: BigUint64Array
  readonly addressWords: Int32Array
  readonly inlined: Uint8Array
  readonly mapping: Int32Array
  readonly buildId: Int32Array
}

/** Of one source: which of its nodes this merge has met, and where they are in the common tree. */
export interface SourceScratch {
  /** Equal to the merge's mark where the node has been met. */
  nodeMark: Int32Array
  functionMark: Int32Array
  nodeTo: Int32Array
  functionTo: Int32Array
}

export interface QueryScratch {
  /** For the tree of an answer. */
  readonly tree: TreeScratch
  /** Sums by stack; zero between uses. */
  sums(stacks: number, wide: boolean): { readonly lo: Float64Array; readonly hi: Float64Array | null }
  of(source: Source): SourceScratch
  /** A number no merge before has had. */
  nextMark(): number
  /** Forgets the sources that are no longer there. */
  retain(sources: readonly Source[]): void
}

const NO_FRAMES = frameArrays(0)

export function createTreeScratch(): TreeScratch {
  const none = new Int32Array(0)
  return { tree: createTrie(), sides: [], first: none, differs: new Uint8Array(0), frames: NO_FRAMES, identity: none }
}

export function clearTree(scratch: TreeScratch): void {
  clearTrie(scratch.tree)
}

export function frameArrays(capacity: number): FrameArrays {
  const address = new BigUint64Array(capacity)
  return {
    capacity,
    functionName: new Int32Array(capacity),
    systemName: new Int32Array(capacity),
    file: new Int32Array(capacity),
    line: new Float64Array(capacity),
    startLine: new Float64Array(capacity),
    address,
    addressWords: new Int32Array(address.buffer),
    inlined: new Uint8Array(capacity),
    mapping: new Int32Array(capacity),
    buildId: new Int32Array(capacity),
  }
}

export function createQueryScratch(): QueryScratch {
  const sources = new Map<string, SourceScratch>()
  let lo = new Float64Array(0)
  let hi = new Float64Array(0)
  let mark = 0
  return {
    tree: createTreeScratch(),
    sums(stacks, wide) {
      if (lo.length < stacks) lo = new Float64Array(stacks)
      if (wide && hi.length < stacks) hi = new Float64Array(stacks)
      return { lo: lo.subarray(0, stacks), hi: wide ? hi.subarray(0, stacks) : null }
    },
    of(source) {
      let own = sources.get(source.key)
      if (own === undefined) {
        const none = new Int32Array(0)
        own = { nodeMark: none, functionMark: none, nodeTo: none, functionTo: none }
        sources.set(source.key, own)
      }
      own.nodeMark = extended(own.nodeMark, source.nodes.length)
      own.nodeTo = extended(own.nodeTo, source.nodes.length)
      own.functionMark = extended(own.functionMark, source.functionNodes.length)
      own.functionTo = extended(own.functionTo, source.functionNodes.length)
      return own
    },
    nextMark: () => ++mark,
    retain(kept) {
      const keys = new Set(kept.map(s => s.key))
      for (const key of sources.keys()) if (!keys.has(key)) sources.delete(key)
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
