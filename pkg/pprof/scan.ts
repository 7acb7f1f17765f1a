/**
 * The first pass over a profile: what it says of itself (numbers, value types, comments), how many rows each table
 * has, and between which bytes its messages lie, so that the second pass allocates once and reads the tables in the
 * order in which they refer to each other, whatever their order in the body.
 *
 * Every length is checked here against the bytes there are; the second pass relies on it.
 */
import { BYTES, HUGE, lengthOf, malformed, overrun, readWide, skipField, wideTag } from './wire.ts'

export const PROFILE_FIELDS = [
  '',
  'sample_type',
  'sample',
  'mapping',
  'location',
  'function',
  'string_table',
  'drop_frames',
  'keep_frames',
  'time_nanos',
  'duration_nanos',
  'period_type',
  'period',
  'comment',
  'default_sample_type',
  'doc_url',
] as const
const VALUE_TYPE_FIELDS = ['', 'type', 'unit'] as const

/** Tags: field number and wire type. */
export const TAG = { sample: 0x12, mapping: 0x1a, location: 0x22, function: 0x2a, string: 0x32 } as const

/** Far above what any profiler writes; without a bound two bytes of a body would make an object each. */
const MAX_VALUE_TYPES = 1024
const MAX_COMMENTS = 65_536

/** The messages of one table. */
export interface Span {
  /** Messages. */
  count: number
  /** Bytes of their contents. */
  bytes: number
  /** They lie in [from, to), with other fields between them, perhaps. */
  from: number
  to: number
}

export interface Layout {
  readonly samples: Span
  readonly mappings: Span
  readonly locations: Span
  readonly functions: Span
  readonly strings: Span
  /** Strings' indexes and numbers as they stand, not yet checked; pairs of 32-bit words, low first. */
  readonly dropFrames: Uint32Array
  readonly keepFrames: Uint32Array
  readonly timeNanos: Uint32Array
  readonly durationNanos: Uint32Array
  readonly period: Uint32Array
  readonly defaultSampleType: Uint32Array
  readonly docUrl: Uint32Array
  readonly periodType: RawValueType
  readonly sampleTypes: readonly RawValueType[]
  readonly comments: readonly number[]
}

/** Indexes of strings, not yet checked; `at` is where the message begins. */
export interface RawValueType {
  type: number
  unit: number
  at: number
}

export interface ScanLimits {
  /** 0 = none. */
  readonly samples: number
  readonly strings: number
}

const emptySpan = (): Span => ({ count: 0, bytes: 0, from: 0, to: 0 })

export function scanProfile(raw: Uint8Array, end: number, limits: ScanLimits): Layout {
  const spans = [emptySpan(), emptySpan(), emptySpan(), emptySpan(), emptySpan(), emptySpan(), emptySpan()]
  // Words of the fields 7 to 15 that are numbers; index 0 is scratch.
  const words = new Uint32Array(32)
  const number = (field: number) => words.subarray(2 * field, 2 * field + 2)
  const sampleTypes: RawValueType[] = []
  const periodType: RawValueType = { type: 0, unit: 0, at: 0 }
  const comments: number[] = []
  const maxSamples = limits.samples || HUGE
  const maxStrings = limits.strings || HUGE
  const last = end - 1
  let unnumbered = 0 // functions too short to hold an id
  let at = 0
  let p = 0

  while (p < last) {
    at = p
    let tag = raw[p++]!
    if (tag > 0x7f) [tag, p] = wideTag(raw, p, end, 'profile')
    const field = tag >>> 3

    if ((tag & 7) === BYTES && field < 16) {
      let size = raw[p++]!
      if (size > 0x7f) {
        const next = raw[p++]!
        if (next < 0x80) size = (size & 0x7f) | (next << 7)
        else {
          p = readWide(raw, p - 2, words, 0)
          size = lengthOf(words)
        }
      }
      if (size > end - p) {
        const announced = size === HUGE ? 'over 2^31' : size
        throw malformed(PROFILE_FIELDS[field] || 'profile', `${announced} bytes announced, ${end - p} left,`, at)
      }
      const to = p + size
      if (field >= 2 && field <= 6) {
        const span = spans[field]!
        if (span.count++ === 0) span.from = at
        span.bytes += size
        span.to = to
        if (size < 2 && (field === 3 || field === 4 || (field === 5 && unnumbered++ > 0))) {
          throw malformed(`${PROFILE_FIELDS[field]}[${span.count - 1}].id`, 'missing', at)
        }
        if (field === 2 && span.count > maxSamples) {
          throw malformed('sample', `more than ${maxSamples} samples (--sample-limit ${maxSamples})`, at)
        }
        if (field === 6 && span.count > maxStrings) {
          throw malformed('string_table', `more than ${maxStrings} strings (--string-limit ${maxStrings})`, at)
        }
      } else if (field === 1) {
        if (sampleTypes.length === MAX_VALUE_TYPES) {
          throw malformed('sample_type', `more than ${MAX_VALUE_TYPES} value types`, at)
        }
        const type = { type: 0, unit: 0, at }
        readValueType(raw, p, to, `sample_type[${sampleTypes.length}]`, type)
        sampleTypes.push(type)
      } else if (field === 11) {
        periodType.at = at
        readValueType(raw, p, to, 'period_type', periodType)
      } else if (field === 13) {
        while (p < to) {
          p = readWide(raw, p, words, 0)
          addComment(comments, words, at)
        }
        if (p !== to) throw overrun('comment', at)
      } else {
        skipField(raw, p - 1, end, tag, 'profile', PROFILE_FIELDS)
      }
      p = to
    } else if ((tag & 7) === 0 && ((field >= 7 && field <= 10) || field === 12 || field === 14 || field === 15)) {
      p = readWide(raw, p, words, field)
    } else if ((tag & 7) === 0 && field === 13) {
      p = readWide(raw, p, words, 0)
      addComment(comments, words, at)
    } else {
      p = skipField(raw, p, end, tag, 'profile', PROFILE_FIELDS)
    }
  }
  if (p !== end) throw overrun('profile', p === last ? p : at)

  return {
    samples: spans[2]!,
    mappings: spans[3]!,
    locations: spans[4]!,
    functions: spans[5]!,
    strings: spans[6]!,
    dropFrames: number(7),
    keepFrames: number(8),
    timeNanos: number(9),
    durationNanos: number(10),
    period: number(12),
    defaultSampleType: number(14),
    docUrl: number(15),
    periodType,
    sampleTypes,
    comments,
  }
}

function addComment(comments: number[], words: Uint32Array, at: number): void {
  if (comments.length === MAX_COMMENTS) throw malformed('comment', `more than ${MAX_COMMENTS} comments`, at)
  comments.push(lengthOf(words))
}

/** `type` keeps what it has where the message leaves a field out. */
function readValueType(raw: Uint8Array, p: number, end: number, name: string, type: RawValueType): void {
  const words = new Uint32Array(2)
  const at = p
  while (p < end - 1) {
    let tag = raw[p++]!
    if (tag > 0x7f) [tag, p] = wideTag(raw, p, end, name)
    if (tag === 0x08 || tag === 0x10) {
      p = readWide(raw, p, words, 0)
      const index = lengthOf(words)
      if (tag === 0x08) type.type = index
      else type.unit = index
    } else {
      p = skipField(raw, p, end, tag, name, VALUE_TYPE_FIELDS)
    }
  }
  if (p !== end) throw overrun(name, at)
}

/** Where the message of row `row` begins: for the text of an error that is found after its table was read. */
export function offsetOf(raw: Uint8Array, span: Span, tag: number, row: number): number {
  const words = new Uint32Array(2)
  let p = span.from
  let seen = 0
  while (p < span.to) {
    const at = p
    p = readWide(raw, p, words, 0)
    const found = words[0]!
    if (found === tag && seen++ === row) return at
    p = nextField(raw, p, found, words)
  }
  return span.to
}

/** Behind a field that `scanProfile` has passed already, where `p` is behind its tag. */
export function nextField(raw: Uint8Array, p: number, tag: number, words: Uint32Array): number {
  const wire = tag & 7
  if (wire === 1) return p + 8
  if (wire === 5) return p + 4
  p = readWide(raw, p, words, 0)
  return wire === BYTES ? p + lengthOf(words) : p
}
