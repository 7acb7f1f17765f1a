/**
 * pprof into columns: `profile.proto` read straight into typed arrays, no object per sample.
 *
 *   raw ──scan──▶ layout (counts, spans) ──▶ strings ─▶ mappings ─▶ functions ─▶ locations ─▶ samples
 *
 * Two passes: the first checks every length at the top level and counts, the second fills tables allocated once.
 * What is taken: fields in any order, repeated numbers packed or not, ids of any size up to uint64, unknown fields,
 * no period type, no string table. What is refused, with field and byte offset: lengths and varints that do not fit,
 * indexes outside the string table, ids given twice or (but for one function) 0, unknown locations and functions,
 * samples without exactly one value per sample type. Flags of mappings, folded locations, column numbers and labels
 * that say nothing are not kept.
 *
 * The result borrows `raw`: its strings lie there.
 */
import type { DecodedProfile, ValueType } from '../profile/columns.ts'
import { arenaOf, type DecodeScratch } from './arena.ts'
import { decodeLocations, locationBytes } from './locations.ts'
import { decodeSamples, sampleBytes } from './samples.ts'
import { type RawValueType, scanProfile } from './scan.ts'
import {
  badString,
  decodeFunctions,
  decodeMappings,
  decodeStrings,
  functionBytes,
  mappingBytes,
  stringBytes,
} from './tables.ts'
import { bounded, malformed } from './wire.ts'

/** Of one profile; 0 = none. */
export interface DecodeLimits {
  readonly samples: number
  readonly strings: number
  readonly stringLength: number // bytes; what is over is cut off, between characters
}

export interface PprofProfile extends DecodedProfile {
  readonly docUrl: number // string, 0 = none
  /** Strings that were cut to the limit. */
  readonly cutStrings: number
}

const MAX_BODY = 2 ** 31 - 16

/**
 * `raw` is an uncompressed pprof body; throws `RequestError` invalid_argument. With a scratch the result borrows that too,
 * until the next profile is decoded into it.
 */
export function decodePprof(raw: Uint8Array, limits: DecodeLimits, scratch?: DecodeScratch): PprofProfile {
  if (raw.length === 0) throw malformed('profile', 'empty body', 0)
  if (raw.length > MAX_BODY) throw malformed('profile', `body of ${raw.length} bytes, more than ${MAX_BODY}`, MAX_BODY)
  const { bytes, length } = bounded(raw)
  const layout = scanProfile(bytes, length, limits)
  const { samples, mappings, locations, functions, strings } = layout
  const types = layout.sampleTypes.length
  const arena = arenaOf(
    stringBytes(strings) +
      mappingBytes(mappings) +
      functionBytes(functions) +
      locationBytes(locations) +
      sampleBytes(samples, types),
    scratch,
  )

  const { table: stringTable, cut } = decodeStrings(bytes, strings, limits.stringLength, arena)
  const stringCount = stringTable.length
  const mapping = decodeMappings(bytes, mappings, stringCount, arena)
  const fun = decodeFunctions(bytes, functions, stringCount, arena)
  const location = decodeLocations(bytes, locations, mapping.ids, fun.ids, arena)
  const sampleTable = decodeSamples(bytes, samples, types, location.ids, stringCount, arena)

  const stringOf = (field: string, index: number, at: number): number => {
    if (index >= stringCount) throw badString(field, at)
    return index
  }
  const scalar = (field: string, words: Uint32Array) => stringOf(field, words[1] === 0 ? words[0]! : Infinity, length)
  const valueType = (field: string, t: RawValueType): ValueType => ({
    type: stringOf(`${field}.type`, t.type, t.at),
    unit: stringOf(`${field}.unit`, t.unit, t.at),
  })

  return {
    strings: stringTable,
    mappings: mapping.table,
    functions: fun.table,
    locations: location.table,
    samples: sampleTable,
    sampleTypes: layout.sampleTypes.map((t, i) => valueType(`sample_type[${i}]`, t)),
    defaultSampleType: scalar('default_sample_type', layout.defaultSampleType),
    periodType: valueType('period_type', layout.periodType),
    period: int64(layout.period),
    timeNanos: int64(layout.timeNanos),
    durationNanos: int64(layout.durationNanos),
    dropFrames: scalar('drop_frames', layout.dropFrames),
    keepFrames: scalar('keep_frames', layout.keepFrames),
    comments: layout.comments.map((index, i) => stringOf(`comment[${i}]`, index, length)),
    docUrl: scalar('doc_url', layout.docUrl),
    cutStrings: cut,
  }
}

function int64(words: Uint32Array): bigint {
  return BigInt.asIntN(64, (BigInt(words[1]!) << 32n) | BigInt(words[0]!))
}
