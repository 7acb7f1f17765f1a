/**
 * Columns into pprof, as we answer it: gzip over the messages of pprof-format. Equal input makes equal bytes.
 *
 * Ids are row numbers plus one. Strings are written once each, in the order of their first use. int64 is exact, below
 * zero too. What a message of no content would say is left out: a line with neither function nor number, a label with
 * no field set.
 */
import { gzipSync } from 'node:zlib'
import { Label, Line, Location, Mapping, Function as PprofFunction, Profile, Sample, StringTable } from 'pprof-format'
import type {
  FunctionTable,
  LocationTable,
  MappingTable,
  SampleTable,
  StringTable as StringColumns,
} from '../profile/columns.ts'
import type { PprofProfile } from './decode.ts'

export interface ValueTypeText {
  readonly type: string
  readonly unit: string
}

/**
 * What is to be written. A string column holds rows of `strings`; -1 is the empty string. Any string table will do
 * (duplicates, unused strings, no empty string at 0), so one whose rows lie between offsets is
 * `{ bytes, start: offsets.subarray(0, n), end: offsets.subarray(1), length: n }`.
 */
export interface EncodeInput {
  readonly strings: StringColumns
  readonly mappings: MappingTable
  readonly functions: FunctionTable
  readonly locations: LocationTable
  /** As many values a sample as `sampleTypes` has rows. In `labelString` -1 is a numeric label. */
  readonly samples: SampleTable
  readonly sampleTypes: readonly ValueTypeText[]
  readonly periodType: ValueTypeText // both empty = none
  readonly period: bigint
  readonly timeNanos: bigint
  readonly durationNanos: bigint
  readonly defaultSampleType: string
  readonly dropFrames: string
  readonly keepFrames: string
  readonly comments: readonly string[]
  readonly docUrl: string
}

/** Gzip pprof. */
export function encodeProfile(input: EncodeInput): Uint8Array {
  return gzipSync(encodeRaw(input), { level: 1 })
}

/** Not compressed. */
export function encodeRaw(input: EncodeInput): Uint8Array {
  const { strings, samples, sampleTypes } = input
  const table = new StringTable()
  const string = stringWriter(strings, table)
  const valueType = (t: ValueTypeText) => ({ type: table.dedup(t.type), unit: table.dedup(t.unit) })
  const profile = new Profile({
    sampleType: sampleTypes.map(valueType),
    sample: sampleMessages(samples, sampleTypes.length, string),
    mapping: mappingMessages(input, string),
    location: locationMessages(input.locations),
    function: functionMessages(input.functions, string),
    stringTable: table,
    dropFrames: table.dedup(input.dropFrames),
    keepFrames: table.dedup(input.keepFrames),
    timeNanos: exact(input.timeNanos),
    durationNanos: exact(input.durationNanos),
    ...(input.periodType.type || input.periodType.unit ? { periodType: valueType(input.periodType) } : {}),
    period: exact(input.period),
    comment: input.comments.map(comment => table.dedup(comment)),
    defaultSampleType: table.dedup(input.defaultSampleType),
    docUrl: table.dedup(input.docUrl),
  })
  // The library writes two bytes for a value type of two empty strings, and counts none.
  const uncounted = 2 * sampleTypes.filter(t => t.type === '' && t.unit === '').length
  return profile.encode(new Uint8Array(profile.length + uncounted))
}

/** A decoded profile as it would be written: decoding that gives the same columns but for the order of strings. */
export function encodeInputOf(profile: PprofProfile): EncodeInput {
  const { bytes, start, end } = profile.strings
  const text = (row: number) => utf8.decode(bytes.subarray(start[row], end[row]))
  const valueType = (t: { type: number; unit: number }) => ({ type: text(t.type), unit: text(t.unit) })
  return {
    ...profile,
    sampleTypes: profile.sampleTypes.map(valueType),
    periodType: valueType(profile.periodType),
    defaultSampleType: text(profile.defaultSampleType),
    dropFrames: text(profile.dropFrames),
    keepFrames: text(profile.keepFrames),
    comments: profile.comments.map(text),
    docUrl: text(profile.docUrl),
  }
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** Row of the input's strings → index in the table that is written. */
function stringWriter(strings: StringColumns, table: StringTable): (row: number) => number {
  const written = new Int32Array(strings.length).fill(-1)
  return row => {
    if (row < 0) return 0
    let index = written[row]!
    if (index < 0) {
      index = table.dedup(utf8.decode(strings.bytes.subarray(strings.start[row], strings.end[row])))
      written[row] = index
    }
    return index
  }
}

/** The library takes a number where it is exact, else a bigint. */
function exact(value: bigint): number | bigint {
  const double = Number(value)
  return Number.isSafeInteger(double) ? double : value
}

function sampleMessages(samples: SampleTable, types: number, string: (row: number) => number): Sample[] {
  const { locationStart, location, value, labelStart, labelKey, labelString, labelNumber, labelUnit } = samples
  const messages: Sample[] = []
  for (let i = 0; i < samples.length; i++) {
    const locationId: number[] = []
    for (let at = locationStart[i]!; at < locationStart[i + 1]!; at++) locationId.push(location[at]! + 1)
    const values: (number | bigint)[] = []
    for (let at = i * types; at < (i + 1) * types; at++) values.push(exact(value[at]!))
    const label: Label[] = []
    for (let at = labelStart[i]!; at < labelStart[i + 1]!; at++) {
      const row = {
        key: string(labelKey[at]!),
        str: string(labelString[at]!),
        num: exact(labelNumber[at]!),
        numUnit: string(labelUnit[at]!),
      }
      if (row.key || row.str || row.num || row.numUnit) label.push(new Label(row))
    }
    messages.push(new Sample({ locationId, value: values, label }))
  }
  return messages
}

function mappingMessages(input: EncodeInput, string: (row: number) => number): Mapping[] {
  const { mappings } = input
  const known = symbolized(input)
  const messages: Mapping[] = []
  for (let i = 0; i < mappings.length; i++) {
    messages.push(
      new Mapping({
        id: i + 1,
        memoryStart: exact(mappings.start[i]!),
        memoryLimit: exact(mappings.limit[i]!),
        fileOffset: exact(mappings.offset[i]!),
        filename: string(mappings.file[i]!),
        buildId: string(mappings.buildId[i]!),
        hasFunctions: known[i]! > 0,
        hasFilenames: known[i]! > 0,
        hasLineNumbers: known[i]! > 0,
        hasInlineFrames: known[i]! > 0,
      }),
    )
  }
  return messages
}

/** 1 for a mapping all of whose locations have lines, so that a reader need not look for symbols; 0 for one without. */
function symbolized({ mappings, locations }: EncodeInput): Int8Array {
  const known = new Int8Array(mappings.length)
  for (let i = 0; i < locations.length; i++) {
    const mapping = locations.mapping[i]!
    if (mapping < 0) continue
    if (locations.lineStart[i] === locations.lineStart[i + 1]) known[mapping] = -1
    else if (known[mapping] === 0) known[mapping] = 1
  }
  return known
}

function locationMessages(locations: LocationTable): Location[] {
  const messages: Location[] = []
  for (let i = 0; i < locations.length; i++) {
    const line: Line[] = []
    for (let at = locations.lineStart[i]!; at < locations.lineStart[i + 1]!; at++) {
      const functionId = locations.lineFunction[at]! + 1
      const number = locations.line[at]!
      if (functionId !== 0 || number !== 0) line.push(new Line({ functionId, line: integer(number) }))
    }
    messages.push(
      new Location({ id: i + 1, mappingId: locations.mapping[i]! + 1, address: exact(locations.address[i]!), line }),
    )
  }
  return messages
}

function functionMessages(functions: FunctionTable, string: (row: number) => number): PprofFunction[] {
  const messages: PprofFunction[] = []
  for (let i = 0; i < functions.length; i++) {
    messages.push(
      new PprofFunction({
        id: i + 1,
        name: string(functions.name[i]!),
        systemName: string(functions.systemName[i]!),
        filename: string(functions.file[i]!),
        startLine: integer(functions.startLine[i]!),
      }),
    )
  }
  return messages
}

const MAX_INT64 = 2n ** 63n - 1n

/** Lines are doubles; beyond 2^53 they are written as the int64 nearest to them. */
function integer(line: number): number | bigint {
  if (Number.isSafeInteger(line)) return line
  return line >= 2 ** 63 ? MAX_INT64 : BigInt.asIntN(64, BigInt(Math.trunc(line)))
}
