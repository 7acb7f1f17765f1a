/** Locations and their lines; one loop over the messages of their span. */
import type { LocationTable } from '../profile/columns.ts'
import { type Arena, roomFor, takeFloat64, takeInt32, takeUint32 } from './arena.ts'
import { findSparse, type IdIndex, rowOf } from './ids.ts'
import { nextField, type Span, TAG } from './scan.ts'
import { grown, uniqueIds, unknownId } from './tables.ts'
import { lengthOf, malformed, overrun, readWide, signedDouble, skipField, wideTag } from './wire.ts'

const LOCATION_FIELDS = ['', 'id', 'mapping_id', 'address', 'line'] as const
const LINE_FIELDS = ['', 'function_id', 'line'] as const

/** Words of the value at hand where it has more than two bytes. */
const wide = new Uint32Array(2)

export interface DecodedLocations {
  readonly table: LocationTable
  readonly ids: IdIndex
}

/** Two bytes make a line; most writers need seven, and have little more than one line a location. */
function expectedLines({ bytes, count }: Span): number {
  return Math.min(bytes >>> 1, count + (count >>> 2) + 16)
}

export function locationBytes(span: Span): number {
  const { count } = span
  const lines = expectedLines(span)
  return 2 * roomFor(count, 8) + roomFor(count, 4) + roomFor(count + 1, 4) + roomFor(lines, 4) + roomFor(lines, 8)
}

/**
 * A mapping id that no mapping has means no mapping, as pprof takes it; a line without a function id has no function,
 * and one with an id that no function has is an error.
 */
export function decodeLocations(
  raw: Uint8Array,
  span: Span,
  mappings: IdIndex,
  functions: IdIndex,
  arena: Arena,
): DecodedLocations {
  const { count } = span
  const address = takeUint32(arena, 2 * count)
  const mapping = takeInt32(arena, count)
  const lineStart = takeInt32(arena, count + 1)
  const ids = takeUint32(arena, 2 * count)
  const denseFunctions = functions.dense
  const functionOfZero = rowOf(functions, 0, 0) - 1
  // Neighbours are mostly of one mapping: its id, where that is a byte, and its row.
  let sameMapping = -1
  let sameMappingRow = -1
  let room = expectedLines(span)
  let lineFunction = takeInt32(arena, room)
  let line = takeFloat64(arena, room)
  let lines = 0
  let row = 0
  let p = span.from
  while (p < span.to) {
    const at = p
    let message = raw[p++]!
    if (message > 0x7f) [message, p] = wideTag(raw, p, span.to, 'profile')
    if (message !== TAG.location) {
      p = nextField(raw, p, message, wide)
      continue
    }
    let size = raw[p++]!
    if (size > 0x7f) {
      p = readWide(raw, p - 1, wide, 0)
      size = lengthOf(wide)
    }
    const end = p + size
    const last = end - 1
    mapping[row] = -1
    while (p < last) {
      const from = p
      let tag = raw[p++]!
      if (tag > 0x7f) [tag, p] = wideTag(raw, p, end, `location[${row}]`)
      if (tag === 0x22) {
        let lineSize = raw[p++]!
        if (lineSize > 0x7f) {
          p = readWide(raw, p - 1, wide, 0)
          lineSize = lengthOf(wide)
        }
        if (lineSize > end - p) throw overrun(`location[${row}].line`, from)
        const lineEnd = p + lineSize
        if (lines === room) {
          room = Math.min(span.bytes >>> 1, 2 * room)
          lineFunction = grown(lineFunction, new Int32Array(room))
          line = grown(line, new Float64Array(room))
        }
        let functionRow = functionOfZero
        let number = 0
        while (p < lineEnd - 1) {
          const fieldAt = p
          let lineTag = raw[p++]!
          if (lineTag > 0x7f) [lineTag, p] = wideTag(raw, p, lineEnd, `location[${row}].line`)
          const value = p
          let low = raw[p++]!
          let high = 0
          if (low > 0x7f) {
            const next = raw[p++]!
            if (next < 0x80) low = (low & 0x7f) | (next << 7)
            else {
              p = readWide(raw, value, wide, 0)
              low = wide[0]! | 0
              high = wide[1]! | 0
            }
          }
          if (lineTag === 0x10) number = (high | (low >> 31)) === 0 ? low : signedDouble(low, high)
          else if (lineTag === 0x08) {
            functionRow =
              ((high | (low >> 31)) === 0 && low < denseFunctions.length
                ? denseFunctions[low]!
                : findSparse(functions, low >>> 0, high >>> 0)) - 1
            if (functionRow < 0 && (low !== 0 || high !== 0)) {
              throw unknownId(`location[${row}].line.function_id`, 'function', low, high, fieldAt)
            }
          } else p = skipField(raw, value, lineEnd, lineTag, `location[${row}].line`, LINE_FIELDS)
        }
        if (p !== lineEnd) throw overrun(`location[${row}].line`, from)
        lineFunction[lines] = functionRow
        line[lines++] = number
        continue
      }
      if (tag === 0x08) {
        if (p < last && raw[p]! > 0x7f && raw[p + 1]! < 0x80) {
          ids[2 * row] = (raw[p]! & 0x7f) | (raw[p + 1]! << 7)
          ids[2 * row + 1] = 0
          p += 2
        } else p = readWide(raw, p, ids, row)
      } else if (tag === 0x18) p = readWide(raw, p, address, row)
      else if (tag === 0x10) {
        const low = raw[p]!
        if (low === sameMapping) {
          mapping[row] = sameMappingRow
          p++
        } else {
          p = readWide(raw, p, wide, 0)
          mapping[row] = wide[0] === 0 && wide[1] === 0 ? -1 : rowOf(mappings, wide[0]!, wide[1]!) - 1
          if (low < 0x80) {
            sameMapping = low
            sameMappingRow = mapping[row]!
          }
        }
      } else p = skipField(raw, p, end, tag, `location[${row}]`, LOCATION_FIELDS)
    }
    if (p !== end) throw overrun(`location[${row}]`, at)
    if (ids[2 * row] === 0 && ids[2 * row + 1] === 0) throw malformed(`location[${row}].id`, 'missing or 0', at)
    lineStart[++row] = lines
  }
  return {
    table: {
      length: count,
      mapping,
      address: new BigUint64Array(address.buffer, address.byteOffset, count),
      lineStart,
      lineFunction: lineFunction.subarray(0, lines),
      line: line.subarray(0, lines),
    },
    ids: uniqueIds(raw, span, ids, 'location', TAG.location),
  }
}
