/** The samples: locations as rows, values as exact int64, labels as rows of their own. The hottest loop of a decode. */
import type { SampleTable } from '../profile/columns.ts'
import { type Arena, roomFor, takeInt32, takeUint32 } from './arena.ts'
import { type IdIndex, rowOf } from './ids.ts'
import { nextField, type Span, TAG } from './scan.ts'
import { badString, grown, unknownId } from './tables.ts'
import { lengthOf, malformed, overrun, readWide, skipField, wideTag } from './wire.ts'

const SAMPLE_FIELDS = ['', 'location_id', 'value', 'label'] as const
const LABEL_FIELDS = ['', 'key', 'str', 'num', 'num_unit'] as const

const wide = new Uint32Array(2)

/** A value takes a byte at least: a profile with less bytes than values fails at the sample that lacks some. */
function valueRoom({ count, bytes }: Span, types: number): number {
  return Math.min(count * types, bytes)
}

/** Ids mostly take two bytes. */
function expectedFrames({ bytes }: Span): number {
  return Math.min(bytes, (bytes >>> 1) + 1024)
}

/** What the samples take of the arena. */
export function sampleBytes(span: Span, types: number): number {
  return roomFor(valueRoom(span, types), 8) + 2 * roomFor(span.count + 1, 4) + roomFor(expectedFrames(span), 4)
}

export function decodeSamples(
  raw: Uint8Array,
  span: Span,
  types: number,
  locations: IdIndex,
  strings: number,
  arena: Arena,
): SampleTable {
  const { count } = span
  const values = valueRoom(span, types)
  const value = takeUint32(arena, 2 * values)
  const locationStart = takeInt32(arena, count + 1)
  const labelStart = takeInt32(arena, count + 1)
  const dense = locations.dense
  let room = expectedFrames(span)
  let location = takeInt32(arena, room)
  let frames = 0
  let labels = makeLabels(0)
  let labelRows = 0
  let row = 0
  let p = span.from

  while (p < span.to) {
    const at = p
    let message = raw[p++]!
    if (message > 0x7f) [message, p] = wideTag(raw, p, span.to, 'profile')
    if (message !== TAG.sample) {
      p = nextField(raw, p, message, wide)
      continue
    }
    let size = raw[p++]!
    if (size > 0x7f) {
      const next = raw[p++]!
      if (next < 0x80) size = (size & 0x7f) | (next << 7)
      else {
        p = readWide(raw, p - 2, wide, 0)
        size = lengthOf(wide)
      }
    }
    const end = p + size
    const last = end - 1
    const firstValue = row * types
    let given = 0

    while (p < last) {
      const from = p
      let tag = raw[p++]!
      if (tag > 0x7f) [tag, p] = wideTag(raw, p, end, `sample[${row}]`)
      const wire = tag & 7
      // A run of values: packed, or one by itself.
      let to = p + 1
      if (wire === 2 && tag <= 0x1a) {
        let length = raw[p++]!
        if (length > 0x7f) {
          p = readWide(raw, p - 1, wide, 0)
          length = lengthOf(wide)
        }
        if (length > end - p) throw overrun(`sample[${row}].${SAMPLE_FIELDS[tag >>> 3]}`, from)
        to = p + length
      }
      switch (tag) {
        case 0x0a:
        case 0x08: {
          if (frames + (to - p) > room) {
            room = Math.min(span.bytes, Math.max(room + (room >>> 2), frames + (to - p)))
            location = grown(location, new Int32Array(room))
          }
          // One or two bytes without a branch on which: ids mix both, and a wrong guess costs more than the second load.
          while (p < to - 1) {
            const first = raw[p]!
            const second = raw[p + 1]!
            const longer = first >> 7
            const id = (first & 0x7f) | ((second << 7) & -longer)
            const found = (first & second) > 0x7f || id >= dense.length ? 0 : dense[id]!
            if (found === 0) break
            location[frames++] = found - 1
            p += 1 + longer
          }
          while (p < to) {
            const idAt = p
            p = readWide(raw, p, wide, 0)
            const found = rowOf(locations, wide[0]!, wide[1]!)
            if (found === 0) throw unknownId(`sample[${row}].location_id`, 'location', wide[0]!, wide[1]!, idAt)
            location[frames++] = found - 1
          }
          break
        }
        case 0x12:
        case 0x10: {
          while (p < to) {
            if (given === types) throw tooManyValues(row, types, at)
            const slot = firstValue + given++
            const low = raw[p++]!
            if (low < 0x80) value[2 * slot] = low
            else p = readWide(raw, p - 1, value, slot)
          }
          break
        }
        case 0x1a: {
          // One that says nothing is left out: two bytes of a body would make twenty of ours.
          if (to === p) break
          if (labelRows === labels.room) {
            const more = labels.room + (labels.room >>> 1) + 64
            labels = makeLabels(Math.min(span.bytes >>> 2, more), labels)
          }
          readLabel(raw, p, to, row, strings, labels, labelRows++)
          p = to
          break
        }
        default:
          p = skipField(raw, wire === 2 && tag <= 0x1a ? from + 1 : p, end, tag, `sample[${row}]`, SAMPLE_FIELDS)
          to = p
      }
      if (wire === 2 && p !== to) throw overrun(`sample[${row}].${SAMPLE_FIELDS[tag >>> 3] ?? tag >>> 3}`, from)
    }
    if (p !== end) throw overrun(`sample[${row}]`, at)
    if (given !== types) throw malformed(`sample[${row}].value`, `${given} values for ${types} sample types`, at)
    row++
    locationStart[row] = frames
    labelStart[row] = labelRows
  }

  const { key, string, number, unit } = labels
  return {
    length: count,
    locationStart,
    location: location.subarray(0, frames),
    value: new BigInt64Array(value.buffer, value.byteOffset, values),
    labelStart,
    labelKey: key.subarray(0, labelRows),
    labelString: string.subarray(0, labelRows),
    labelNumber: new BigInt64Array(number.buffer, 0, labelRows),
    labelUnit: unit.subarray(0, labelRows),
  }
}

function tooManyValues(row: number, types: number, at: number): Error {
  return malformed(`sample[${row}].value`, `more than ${types} values for ${types} sample types`, at)
}

interface LabelColumns {
  readonly room: number
  readonly key: Int32Array
  readonly string: Int32Array
  readonly number: Uint32Array
  readonly unit: Int32Array
}

function makeLabels(room: number, before?: LabelColumns): LabelColumns {
  const labels = {
    room,
    key: new Int32Array(room),
    string: new Int32Array(room),
    number: new Uint32Array(2 * room),
    unit: new Int32Array(room),
  }
  if (before === undefined) return labels
  labels.key.set(before.key)
  labels.string.set(before.string)
  labels.number.set(before.number)
  labels.unit.set(before.unit)
  return labels
}

/** A label whose `str` is 0 is numeric, as pprof takes it. */
function readLabel(
  raw: Uint8Array,
  p: number,
  end: number,
  sample: number,
  strings: number,
  labels: LabelColumns,
  i: number,
): void {
  const at = p
  labels.string[i] = -1
  while (p < end - 1) {
    const from = p
    let tag = raw[p++]!
    if (tag > 0x7f) [tag, p] = wideTag(raw, p, end, `sample[${sample}].label`)
    if (tag === 0x18) {
      p = readWide(raw, p, labels.number, i)
    } else if (tag === 0x08 || tag === 0x10 || tag === 0x20) {
      p = readWide(raw, p, wide, 0)
      const index = wide[0]!
      if (wide[1] !== 0 || index >= strings) throw badString(`sample[${sample}].label.${LABEL_FIELDS[tag >>> 3]}`, from)
      if (tag === 0x08) labels.key[i] = index
      else if (tag === 0x20) labels.unit[i] = index
      else labels.string[i] = index === 0 ? -1 : index
    } else {
      p = skipField(raw, p, end, tag, `sample[${sample}].label`, LABEL_FIELDS)
    }
  }
  if (p !== end) throw overrun(`sample[${sample}].label`, at)
}
