/**
 * A profile as plain objects with every index resolved: the common ground on which decoders are compared. Rows keep
 * the order of the body; a row is referred to by its number, -1 = none.
 */
import type { Profile } from 'pprof-format'
import type { PprofProfile } from '../../pkg/pprof/decode.ts'

export interface ProfileView {
  sampleTypes: string[] // type/unit
  periodType: string
  period: bigint
  timeNanos: bigint
  durationNanos: bigint
  defaultSampleType: string
  dropFrames: string
  keepFrames: string
  comments: string[]
  docUrl: string
  mappings: { start: bigint; limit: bigint; offset: bigint; file: string; buildId: string }[]
  functions: { name: string; systemName: string; file: string; startLine: number }[]
  locations: { mapping: number; address: bigint; lines: { function: number; line: number }[] }[]
  samples: { stack: number[]; values: bigint[]; labels: LabelView[] }[]
}
export interface LabelView {
  key: string
  string: string | null
  number: bigint
  unit: string
}

export function viewOfColumns(p: PprofProfile): ProfileView {
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
  const text = (i: number) => utf8.decode(p.strings.bytes.subarray(p.strings.start[i], p.strings.end[i]))
  const type = (t: { type: number; unit: number }) => `${text(t.type)}/${text(t.unit)}`
  const rows = <T>(length: number, row: (i: number) => T): T[] => Array.from({ length }, (_, i) => row(i))
  const { mappings, functions, locations, samples } = p
  const types = p.sampleTypes.length
  return {
    sampleTypes: p.sampleTypes.map(type),
    periodType: type(p.periodType),
    period: p.period,
    timeNanos: p.timeNanos,
    durationNanos: p.durationNanos,
    defaultSampleType: text(p.defaultSampleType),
    dropFrames: text(p.dropFrames),
    keepFrames: text(p.keepFrames),
    comments: p.comments.map(text),
    docUrl: text(p.docUrl),
    mappings: rows(mappings.length, i => ({
      start: mappings.start[i]!,
      limit: mappings.limit[i]!,
      offset: mappings.offset[i]!,
      file: text(mappings.file[i]!),
      buildId: text(mappings.buildId[i]!),
    })),
    functions: rows(functions.length, i => ({
      name: text(functions.name[i]!),
      systemName: text(functions.systemName[i]!),
      file: text(functions.file[i]!),
      startLine: functions.startLine[i]!,
    })),
    locations: rows(locations.length, i => ({
      mapping: locations.mapping[i]!,
      address: locations.address[i]!,
      lines: rows(locations.lineStart[i + 1]! - locations.lineStart[i]!, n => ({
        function: locations.lineFunction[locations.lineStart[i]! + n]!,
        line: locations.line[locations.lineStart[i]! + n]!,
      })),
    })),
    samples: rows(samples.length, i => ({
      stack: [...samples.location.subarray(samples.locationStart[i]!, samples.locationStart[i + 1]!)],
      values: [...samples.value.subarray(i * types, (i + 1) * types)],
      labels: rows(samples.labelStart[i + 1]! - samples.labelStart[i]!, n => {
        const at = samples.labelStart[i]! + n
        const string = samples.labelString[at]!
        return {
          key: text(samples.labelKey[at]!),
          string: string < 0 ? null : text(string),
          number: samples.labelNumber[at]!,
          unit: text(samples.labelUnit[at]!),
        }
      }),
    })),
  }
}

/** The same of pprof-format's decoder, which reads no negative numbers. */
export function viewOfPprofFormat(p: Profile): ProfileView {
  const text = (i: number | bigint) => p.stringTable.strings[Number(i)] ?? ''
  const type = (t: { type: number | bigint; unit: number | bigint }) => `${text(t.type)}/${text(t.unit)}`
  const rowsById = (rows: readonly { id: number | bigint }[]) => new Map(rows.map((row, i) => [BigInt(row.id), i]))
  const mappings = rowsById(p.mapping)
  const functions = rowsById(p.function)
  const locations = rowsById(p.location)
  return {
    sampleTypes: p.sampleType.map(type),
    periodType: p.periodType ? type(p.periodType) : '/',
    period: BigInt(p.period),
    timeNanos: BigInt(p.timeNanos),
    durationNanos: BigInt(p.durationNanos),
    defaultSampleType: text(p.defaultSampleType),
    dropFrames: text(p.dropFrames),
    keepFrames: text(p.keepFrames),
    comments: p.comment.map(text),
    docUrl: text(p.docUrl),
    mappings: p.mapping.map(m => ({
      start: BigInt(m.memoryStart),
      limit: BigInt(m.memoryLimit),
      offset: BigInt(m.fileOffset),
      file: text(m.filename),
      buildId: text(m.buildId),
    })),
    functions: p.function.map(f => ({
      name: text(f.name),
      systemName: text(f.systemName),
      file: text(f.filename),
      startLine: Number(f.startLine),
    })),
    locations: p.location.map(l => ({
      mapping: mappings.get(BigInt(l.mappingId)) ?? -1,
      address: BigInt(l.address),
      lines: l.line.map(line => ({
        function: functions.get(BigInt(line.functionId)) ?? -1,
        line: Number(line.line),
      })),
    })),
    samples: p.sample.map(s => ({
      stack: s.locationId.map(id => locations.get(BigInt(id))!),
      values: s.value.map(BigInt),
      labels: s.label.map(l => ({
        key: text(l.key),
        string: l.str ? text(l.str) : null,
        number: BigInt(l.num),
        unit: text(l.numUnit),
      })),
    })),
  }
}

/** int64 modulo 2^64, which is how pprof-format reads what is below zero. */
export function withoutSigns(view: ProfileView): ProfileView {
  const wrap = (value: bigint) => BigInt.asUintN(64, value)
  const line = (value: number) => (value < 0 ? Number(BigInt.asUintN(64, BigInt(value))) : value)
  return {
    ...view,
    period: wrap(view.period),
    timeNanos: wrap(view.timeNanos),
    durationNanos: wrap(view.durationNanos),
    functions: view.functions.map(f => ({ ...f, startLine: line(f.startLine) })),
    locations: view.locations.map(l => ({ ...l, lines: l.lines.map(x => ({ ...x, line: line(x.line) })) })),
    samples: view.samples.map(s => ({
      ...s,
      values: s.values.map(wrap),
      labels: s.labels.map(l => ({ ...l, number: wrap(l.number) })),
    })),
  }
}
