/**
 * A column chunk as a source of pages, and what all kinds of it share: levels and dictionary indices.
 *
 * The data of a page v1 is [repetition levels] [definition levels] values, levels as u32 length + RLE of one bit each.
 */
import { assert } from '../base/assert.ts'
import { type ByteBuffer, reserve, writeByte } from './buffer.ts'
import { type HybridEncoder, hybridEncoder, widthFor } from './hybrid.ts'
import type { ColumnSpec, PageEncoding } from './schema.ts'
import type { Bounds } from './values.ts'

export interface PageFacts {
  readonly values: number // entries the page header counts: rows, or for lists elements and empty lists
  readonly nulls: number
  readonly bounds: Bounds | null
}

export interface PageSource {
  readonly encoding: PageEncoding
  /** Writes the dictionary page's data and returns its entries; null when there is none. */
  readonly dictionary: ((out: ByteBuffer) => number) | null
  /** Writes rows [from, to). Stretches come in order, without gaps. */
  page(out: ByteBuffer, from: number, to: number): PageFacts
}

export const hybrid: HybridEncoder = hybridEncoder()

export function checkRows(spec: ColumnSpec, got: number, rows: number): void {
  assert(got === rows, `column ${spec.name} has ${got} rows, its row group ${rows}`)
}

/** Writes a stretch's definition levels, if the column has any, and says which dense values it holds. */
export function rowLevels(
  spec: ColumnSpec,
  nulls: Uint8Array | undefined,
  rows: number,
): (out: ByteBuffer, from: number, to: number) => { start: number; end: number } {
  if (spec.nullable !== true) {
    assert(nulls === undefined, `column ${spec.name}: nulls in a column without nulls`)
    return (_out, from, to) => ({ start: from, end: to })
  }
  if (nulls !== undefined) checkRows(spec, nulls.length, rows)
  let dense = 0
  return (out, from, to) => {
    const start = dense
    leveled(out, () => {
      if (nulls === undefined) {
        hybrid.add(1, to - from)
        dense += to - from
        return
      }
      for (let row = from; row < to; row++) {
        const present = nulls[row] === 0 ? 1 : 0
        hybrid.add(present, 1)
        dense += present
      }
    })
    return { start, end: dense }
  }
}

/** Levels of one bit each behind their length in bytes. */
export function leveled(out: ByteBuffer, add: () => void): void {
  reserve(out, 4)
  const at = out.length
  out.length += 4
  hybrid.start(out, 1)
  add()
  hybrid.finish()
  out.view.setUint32(at, out.length - at - 4, true)
}

/** Never 0: of a single entry that would do, but not every reader has met it. */
export const indexWidth = (entries: number): number => Math.max(widthFor(entries), 1)

export function writeIndices(out: ByteBuffer, index: Int32Array, width: number, from: number, to: number): void {
  writeByte(out, width)
  hybrid.start(out, width)
  for (let i = from; i < to; i++) hybrid.add(index[i]!, 1)
  hybrid.finish()
}
