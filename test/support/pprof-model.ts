/**
 * Profiles as a property test makes them up, and the dumb way to write them: any ids, any order of fields, packed or
 * not, negative numbers, fields that nobody knows.
 */
import fc from 'fast-check'
import type { ProfileView } from './profile-view.ts'
import { bytes, int, ints, text } from './protobuf.ts'

/** `view` refers to rows; what a row's id is stands beside it. */
export interface PprofModel {
  readonly view: ProfileView
  readonly mappingIds: readonly bigint[]
  readonly functionIds: readonly bigint[]
  readonly locationIds: readonly bigint[]
  readonly packed: boolean
  /** Seeds the order in which the tables' messages are mixed; null = the order of the field numbers. */
  readonly mix: number | null
  readonly unknownFields: boolean
}

/** `raw` bytes of the model. */
export function writePprof(model: PprofModel): Uint8Array {
  const { view, mappingIds, functionIds, locationIds, packed } = model
  const strings = new Map([['', 0]])
  const index = (s: string): number => {
    if (!strings.has(s)) strings.set(s, strings.size)
    return strings.get(s)!
  }
  const noise = model.unknownFields
    ? [...int(31, -1n), ...text(1000, 'noise'), ...[0xa9, 1, 1, 2, 3, 4, 5, 6, 7, 8]]
    : []
  const set = (field: number, value: bigint | number) => (BigInt(value) === 0n ? [] : int(field, value))
  const type = (t: string) => {
    const [name, unit] = t.split('/') as [string, string]
    return [...set(1, index(name)), ...set(2, index(unit)), ...noise]
  }
  const tables = [
    view.sampleTypes.map(t => bytes(1, type(t))),
    view.samples.map(s =>
      bytes(2, [
        ...ints(
          1,
          s.stack.map(row => locationIds[row]!),
          packed,
        ),
        ...noise,
        ...ints(2, s.values, packed),
        ...s.labels.flatMap(l =>
          bytes(3, [
            ...set(1, index(l.key)),
            ...set(2, index(l.string ?? '')),
            ...noise,
            ...set(3, l.number),
            ...set(4, index(l.unit)),
          ]),
        ),
      ]),
    ),
    view.mappings.map((m, i) =>
      bytes(3, [
        ...noise,
        ...int(1, mappingIds[i]!),
        ...set(2, m.start),
        ...set(3, m.limit),
        ...set(4, m.offset),
        ...set(5, index(m.file)),
        ...set(6, index(m.buildId)),
      ]),
    ),
    view.locations.map((l, i) =>
      bytes(4, [
        ...int(1, locationIds[i]!),
        ...set(2, l.mapping < 0 ? 0n : mappingIds[l.mapping]!),
        ...set(3, l.address),
        ...l.lines.flatMap(line =>
          bytes(4, [
            ...set(1, line.function < 0 ? 0n : functionIds[line.function]!),
            ...noise,
            ...set(2, BigInt(line.line)),
          ]),
        ),
        ...noise,
      ]),
    ),
    view.functions.map((f, i) =>
      bytes(5, [
        ...set(5, BigInt(f.startLine)),
        ...set(4, index(f.file)),
        ...set(3, index(f.systemName)),
        ...noise,
        ...set(2, index(f.name)),
        ...int(1, functionIds[i]!),
      ]),
    ),
    [
      set(7, index(view.dropFrames)),
      set(8, index(view.keepFrames)),
      set(9, view.timeNanos),
      set(10, view.durationNanos),
      view.periodType === '/' ? [] : bytes(11, type(view.periodType)),
      set(12, view.period),
      ints(13, view.comments.map(index), packed),
      set(14, index(view.defaultSampleType)),
      set(15, index(view.docUrl)),
      noise,
    ],
  ]
  tables.push([...strings.keys()].map(s => text(6, s)))
  return Uint8Array.from(model.mix === null ? tables.flat(2) : mixed(tables, model.mix).flat())
}

/** All messages, each table's in its order, the tables among each other at random. */
function mixed(tables: readonly number[][][], seed: number): number[][] {
  const queues = tables.map(table => [...table])
  const out: number[][] = []
  let state = seed
  for (;;) {
    const open = queues.filter(queue => queue.length > 0)
    if (open.length === 0) return out
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    out.push(open[state % open.length]!.shift()!)
  }
}

const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 1n, -1n, 127n, 128n, 16_384n, 2n ** 31n, 2n ** 32n, -(2n ** 63n), 2n ** 63n - 1n),
)
const uint64 = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(0n, 2n ** 28n, 2n ** 64n - 1n))
const id = fc.oneof(fc.bigInt({ min: 1n, max: 400n }), fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }))
const word = fc.oneof(fc.constantFrom('', 'main', 'read', 'größe', '函数'), fc.string({ maxLength: 12 }))
const name = word.map(s => s.replaceAll('/', ''))
const line = fc.oneof(fc.nat(300), fc.constantFrom(-1, 2 ** 31, 2 ** 40, -(2 ** 50)))

const ids = (length: number) =>
  fc.oneof(
    fc.constant(Array.from({ length }, (_, i) => BigInt(i + 1))),
    fc.uniqueArray(id, { minLength: length, maxLength: length }),
  )
/** Of ordinary objects, as a view has them. */
const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(fields, { noNullPrototype: true }) as fc.Arbitrary<T>
const list = <T>(of: fc.Arbitrary<T>, max: number) => fc.array(of, { maxLength: max })
const rowBelow = (length: number) => (length === 0 ? fc.constant(-1) : fc.integer({ min: -1, max: length - 1 }))

/** Any profile that pprof allows. */
export const pprofModel: fc.Arbitrary<PprofModel> = record({
  mappings: fc.nat(3),
  functions: fc.nat(8),
  locations: fc.nat(12),
  types: fc.integer({ min: 1, max: 4 }),
}).chain(size => {
  const label = record({ key: word, string: fc.option(word), number: int64, unit: word })
    .map(l => ({ ...l, string: l.string || null }))
    .filter(l => l.key !== '' || l.string !== null || l.number !== 0n || l.unit !== '')
  const sample = record({
    stack: size.locations === 0 ? fc.constant<number[]>([]) : list(fc.nat(size.locations - 1), 20),
    values: fc.array(int64, { minLength: size.types, maxLength: size.types }),
    labels: list(label, 3),
  })
  const exactly = <T>(of: fc.Arbitrary<T>, length: number) => fc.array(of, { minLength: length, maxLength: length })
  return record({
    view: record({
      sampleTypes: exactly(
        fc.tuple(name, name).map(([a, b]) => `${a}/${b}`),
        size.types,
      ),
      periodType: fc.oneof(
        fc.constant('/'),
        fc.tuple(name, name).map(([a, b]) => `${a}/${b}`),
      ),
      period: int64,
      timeNanos: int64,
      durationNanos: int64,
      defaultSampleType: word,
      dropFrames: word,
      keepFrames: word,
      comments: list(word, 3),
      docUrl: word,
      mappings: exactly(
        record({ start: uint64, limit: uint64, offset: uint64, file: word, buildId: word }),
        size.mappings,
      ),
      functions: exactly(record({ name: word, systemName: word, file: word, startLine: line }), size.functions),
      locations: exactly(
        record({
          mapping: rowBelow(size.mappings),
          address: uint64,
          lines: list(record({ function: rowBelow(size.functions), line }), 3),
        }),
        size.locations,
      ),
      samples: list(sample, 12),
    }),
    mappingIds: ids(size.mappings),
    functionIds: ids(size.functions),
    locationIds: ids(size.locations),
    packed: fc.boolean(),
    mix: fc.option(fc.nat()),
    unknownFields: fc.boolean(),
  })
})
