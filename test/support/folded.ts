/**
 * Profiles as text, and back: `main;serve;read 3 7` is a stack, root first, and its values, one per sample type. Values are
 * int64 of any size and sign. A stack may be empty (` 3`); labels of the sample stand in front: `{host=a} main 3`.
 */
import { decodePprof } from '../../pkg/pprof/decode.ts'
import { decompressBodySync } from '../../pkg/pprof/decompress.ts'
import { viewOfColumns } from './profile-view.ts'
import { bytes, int, ints, text } from './protobuf.ts'

export interface FoldedOptions {
  readonly types?: readonly string[] // type/unit
  readonly period?: string // type/unit
  readonly periodValue?: bigint
  readonly timeNanos: bigint
  readonly durationNanos?: bigint
}

/** Not compressed. */
export function foldedProfile(lines: readonly string[], options: FoldedOptions): Uint8Array<ArrayBuffer> {
  const {
    types = ['samples/count'],
    period = 'cpu/nanoseconds',
    periodValue = 1n,
    durationNanos = 1_000_000_000n,
  } = options
  const strings = new Map([['', 0]])
  const functions = new Map<string, number>()
  const rowOf = (map: Map<string, number>, key: string, first: number): number => {
    if (!map.has(key)) map.set(key, map.size + first)
    return map.get(key)!
  }
  const string = (s: string): number => rowOf(strings, s, 0)
  const valueType = (t: string): number[] => {
    const [type, unit] = t.split('/') as [string, string]
    return [...int(1, string(type)), ...int(2, string(unit))]
  }
  const samples = lines.flatMap(line => {
    const [, labels = '', stack, values] = /^(?:\{(.*?)\} )?(.*?)((?: -?\d+)+)$/.exec(line)!
    const ids = stack === '' ? [] : stack!.split(';').map(name => rowOf(functions, name, 1))
    return bytes(2, [
      ...ints(1, ids.reverse(), true),
      ...ints(2, values!.trim().split(' ').map(BigInt), true),
      ...labels
        .split(',')
        .filter(Boolean)
        .flatMap(label => {
          const [key, value] = label.split('=') as [string, string]
          return bytes(3, [...int(1, string(key)), ...int(2, string(value))])
        }),
    ])
  })
  const file = string('/srv/app/main.go')
  const body = [
    ...types.flatMap(t => bytes(1, valueType(t))),
    ...samples,
    ...[...functions.values()].flatMap(id =>
      bytes(4, [...int(1, id), ...bytes(4, [...int(1, id), ...int(2, id * 10)])]),
    ),
    ...[...functions].flatMap(([name, id]) =>
      bytes(5, [...int(1, id), ...int(2, string(name)), ...int(3, string(name)), ...int(4, file)]),
    ),
    ...int(9, options.timeNanos),
    ...int(10, durationNanos),
    ...bytes(11, valueType(period)),
    ...int(12, periodValue),
  ]
  return Uint8Array.from([...body, ...[...strings.keys()].flatMap(s => text(6, s))])
}

/** Sums by stack, root first, of any pprof: one number per sample type. */
export function foldedSums(body: Uint8Array): Map<string, bigint[]> {
  const raw = decompressBodySync(body, 2 ** 30)
  const view = viewOfColumns(decodePprof(raw, { samples: 0, strings: 0, stringLength: 0 }))
  const sums = new Map<string, bigint[]>()
  for (const { stack, values } of view.samples) {
    const names = stack.flatMap(row =>
      view.locations[row]!.lines.map(line => (line.function < 0 ? '?' : view.functions[line.function]!.name)),
    )
    const key = names.reverse().join(';')
    const sum = sums.get(key)
    sums.set(key, sum === undefined ? values : sum.map((value, i) => value + values[i]!))
  }
  return sums
}

/** The same as lines in order, for comparing. */
export function foldedText(body: Uint8Array): string[] {
  return [...foldedSums(body)].map(([stack, values]) => `${stack} ${values.join(' ')}`).sort()
}
