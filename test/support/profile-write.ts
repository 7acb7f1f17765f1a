/**
 * What the write path hands to the store, made of plain values: stacks are lists of locations, leaf first, a location is
 * its lines, innermost first. Beside it the dumb reading of the same: samples by the text of their frames.
 */
import type { ProfileWrite } from '../../frostdb/writer.ts'
import { sortLabels } from '../../pkg/labels/labels.ts'
import { parseProfileType } from '../../pkg/profile/type.ts'

export interface LineModel {
  readonly function: string // '' = none
  readonly systemName?: string // the function when not given
  readonly file?: string
  readonly startLine?: number
  readonly line?: number
}

export interface LocationModel {
  readonly lines: readonly LineModel[]
  readonly address?: bigint
  readonly mapping?: string
  readonly buildId?: string
}

export interface SampleModel {
  readonly stack: readonly LocationModel[]
  readonly values: readonly bigint[]
}

export interface WriteModel {
  /** One per value of a sample. */
  readonly types: readonly string[]
  readonly series: readonly {
    readonly labels: Readonly<Record<string, string>>
    readonly samples?: readonly number[]
  }[]
  readonly samples: readonly SampleModel[]
  readonly timeNanos: bigint
  readonly durationNanos?: bigint
  readonly period?: bigint
  readonly stackDepth?: number
  readonly repeatKey?: string | null
}

/** Locations of one line each: `leaf < caller < root`, `0x…` being an address without a function, `-` no stack at all. */
export const stackOf = (text: string): LocationModel[] =>
  text === '-'
    ? []
    : text
        .split(' < ')
        .map(name => (name.startsWith('0x') ? { lines: [], address: BigInt(name) } : { lines: [{ function: name }] }))

export function writeOf(model: WriteModel): ProfileWrite {
  const texts: string[] = ['']
  const string = (text: string): number => {
    const known = texts.indexOf(text)
    return known < 0 ? texts.push(text) - 1 : known
  }
  const table = <T>(): { rows: T[]; id(row: T): number } => {
    const rows: T[] = []
    const ids = new Map<string, number>()
    const id = (row: T): number => {
      const key = JSON.stringify(row, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))
      const known = ids.get(key)
      if (known !== undefined) return known
      ids.set(key, rows.length)
      return rows.push(row) - 1
    }
    return { rows, id }
  }
  const locations = table<LocationModel>()
  const functions = table<Omit<LineModel, 'line'>>()
  const mappings = table<{ mapping: string; buildId: string }>()
  const samples = model.samples.map(s => s.stack.map(locations.id))
  const lineStart = [0]
  const lineFunction: number[] = []
  const line: number[] = []
  for (const location of locations.rows) {
    for (const { line: at = 0, ...f } of location.lines) {
      lineFunction.push(f.function === '' && f.file === undefined && f.systemName === undefined ? -1 : functions.id(f))
      line.push(at)
    }
    lineStart.push(line.length)
  }
  const mapping = locations.rows.map(({ mapping = '', buildId = '' }) =>
    mapping === '' && buildId === '' ? -1 : mappings.id({ mapping, buildId }),
  )
  const name = functions.rows.map(f => string(f.function))
  const systemName = functions.rows.map(f => string(f.systemName ?? f.function))
  const file = functions.rows.map(f => string(f.file ?? ''))
  const mappingFile = mappings.rows.map(m => string(m.mapping))
  const buildId = mappings.rows.map(m => string(m.buildId))
  const encoded = texts.map(text => Buffer.from(text))
  const end = Int32Array.from(encoded, (_, i) => encoded.slice(0, i + 1).reduce((n, b) => n + b.length, 0))
  const none = new BigUint64Array(mappings.rows.length)
  const count = samples.length
  return {
    profile: {
      strings: {
        bytes: Buffer.concat(encoded),
        start: end.map((to, i) => to - encoded[i]!.length),
        end,
        length: texts.length,
      },
      mappings: {
        length: mappings.rows.length,
        start: none,
        limit: none,
        offset: none,
        file: Int32Array.from(mappingFile),
        buildId: Int32Array.from(buildId),
      },
      functions: {
        length: functions.rows.length,
        name: Int32Array.from(name),
        systemName: Int32Array.from(systemName),
        file: Int32Array.from(file),
        startLine: Float64Array.from(functions.rows, f => f.startLine ?? 0),
      },
      locations: {
        length: locations.rows.length,
        mapping: Int32Array.from(mapping),
        address: BigUint64Array.from(locations.rows, l => l.address ?? 0n),
        lineStart: Int32Array.from(lineStart),
        lineFunction: Int32Array.from(lineFunction),
        line: Float64Array.from(line),
      },
      samples: {
        length: count,
        locationStart: Int32Array.from([
          0,
          ...samples.map((_, i) => samples.slice(0, i + 1).reduce((n, s) => n + s.length, 0)),
        ]),
        location: Int32Array.from(samples.flat()),
        value: BigInt64Array.from(model.samples.flatMap(s => s.values)),
        labelStart: new Int32Array(count + 1),
        labelKey: new Int32Array(0),
        labelString: new Int32Array(0),
        labelNumber: new BigInt64Array(0),
        labelUnit: new Int32Array(0),
      },
      sampleTypes: model.types.map(() => ({ type: 0, unit: 0 })),
      defaultSampleType: 0,
      periodType: { type: 0, unit: 0 },
      period: model.period ?? 0n,
      timeNanos: model.timeNanos,
      durationNanos: model.durationNanos ?? 0n,
      dropFrames: 0,
      keepFrames: 0,
      comments: [],
    },
    types: model.types.map((text, value) => ({ type: parseProfileType(text)!, value })),
    series: model.series.map(({ labels, samples }) => ({
      labels: sortLabels(Object.entries(labels).map(([name, value]) => ({ name, value }))),
      targetLabels: null,
      samples: samples === undefined ? null : Int32Array.from(samples),
    })),
    timeNanos: model.timeNanos,
    durationNanos: model.durationNanos ?? 0n,
    period: model.period ?? 0n,
    stackDepth: model.stackDepth ?? 0,
    repeatKey: model.repeatKey ?? null,
  }
}
