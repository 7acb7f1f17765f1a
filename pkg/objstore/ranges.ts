/**
 * Which reads serve the ranges that are wanted. A request costs about as much as a few hundred KiB, so near ranges are read
 * as one with the gap between them; the plan is a value, to be printed and asserted before anything is read.
 */
import type { Bucket, ByteRange, CallOptions } from './contract.ts'
import { mapParallel } from './semaphore.ts'

export interface PlannedRead extends ByteRange {
  /** Indexes into the wanted ranges that lie in it, by offset. */
  readonly wanted: readonly number[]
}

export interface RangePolicy {
  /** Bytes read for nothing to save one request. */
  readonly gap: number
  /** No read is made longer than this by joining; a wanted range that is longer stays whole. */
  readonly max: number
}

export const RANGE_DEFAULTS: RangePolicy = { gap: 256 * 1024, max: 16 * 1024 * 1024 }

/** Reads by offset; overlapping wanted ranges are fine, and empty ones are in no read. */
export function planRanges(wanted: readonly ByteRange[], policy: Partial<RangePolicy> = {}): PlannedRead[] {
  const { gap, max } = { ...RANGE_DEFAULTS, ...policy }
  const order = wanted.map((_, i) => i).filter(i => wanted[i]!.length > 0)
  order.sort((a, b) => wanted[a]!.offset - wanted[b]!.offset || a - b)
  const reads: { offset: number; length: number; wanted: number[] }[] = []
  for (const i of order) {
    const { offset, length } = wanted[i]!
    const last = reads.at(-1)
    if (last !== undefined) {
      const lastEnd = last.offset + last.length
      const end = Math.max(lastEnd, offset + length)
      const inside = end === lastEnd
      if (inside || (offset - lastEnd <= gap && end - last.offset <= max)) {
        last.length = end - last.offset
        last.wanted.push(i)
        continue
      }
    }
    reads.push({ offset, length, wanted: [i] })
  }
  return reads
}

/** The wanted ranges in their order, as views of what was read. At most `parallel` requests at once. */
export async function getRanges(
  bucket: Bucket,
  key: string,
  wanted: readonly ByteRange[],
  options: Partial<RangePolicy> & CallOptions & { readonly parallel?: number } = {},
): Promise<Uint8Array[]> {
  const { parallel = 8, signal, ...policy } = options
  const parts: Uint8Array[] = wanted.map(() => new Uint8Array(0))
  await mapParallel(planRanges(wanted, policy), parallel, async read => {
    const bytes = await bucket.get(key, { offset: read.offset, length: read.length }, signal && { signal })
    for (const i of read.wanted) {
      const start = wanted[i]!.offset - read.offset
      parts[i] = bytes.subarray(start, start + wanted[i]!.length)
    }
  })
  return parts
}
