/**
 * One decoded profile as columns, whatever protocol it came by: the tables of `profile.proto` with every id already
 * turned into a dense row number. Struct of arrays, no object per sample.
 *
 * Invariants (the decoder vouches for them): every index is in range; offsets are non-decreasing, start at 0 and end at
 * the length of what they point into; string 0 is the empty string.
 */

/** UTF-8 strings that lie in `bytes`. A string is `bytes.subarray(start[i], end[i])`; invalid UTF-8 is mended at intern time. */
export interface StringTable {
  readonly bytes: Uint8Array
  readonly start: Int32Array
  readonly end: Int32Array
  readonly length: number
}

export interface MappingTable {
  readonly length: number
  readonly start: BigUint64Array
  readonly limit: BigUint64Array
  readonly offset: BigUint64Array
  readonly file: Int32Array // string
  readonly buildId: Int32Array // string
}

export interface FunctionTable {
  readonly length: number
  readonly name: Int32Array // string
  readonly systemName: Int32Array // string
  readonly file: Int32Array // string
  readonly startLine: Float64Array // int64, drawn to the nearest double
}

export interface LocationTable {
  readonly length: number
  readonly mapping: Int32Array // mapping, -1 = none
  readonly address: BigUint64Array
  /** Lines of location i are [lineStart[i], lineStart[i+1]): innermost (inlined) first, as pprof has them. */
  readonly lineStart: Int32Array
  readonly lineFunction: Int32Array // function, -1 = none
  readonly line: Float64Array
}

export interface SampleTable {
  readonly length: number
  /** Locations of sample i are location[locationStart[i]..locationStart[i+1]), leaf first. */
  readonly locationStart: Int32Array
  readonly location: Int32Array // location
  /** Value of sample i for value type v is value[i * valueTypes + v]; int64, exact. */
  readonly value: BigInt64Array
  /** Labels of sample i are label rows [labelStart[i], labelStart[i+1]). */
  readonly labelStart: Int32Array
  readonly labelKey: Int32Array // string
  readonly labelString: Int32Array // string; -1 = a numeric label
  readonly labelNumber: BigInt64Array
  readonly labelUnit: Int32Array // string, 0 = none
}

export interface ValueType {
  readonly type: number // string
  readonly unit: number // string
}

export interface DecodedProfile {
  readonly strings: StringTable
  readonly mappings: MappingTable
  readonly functions: FunctionTable
  readonly locations: LocationTable
  readonly samples: SampleTable
  readonly sampleTypes: readonly ValueType[]
  readonly defaultSampleType: number // string, 0 = none
  readonly periodType: ValueType // both 0 = none
  readonly period: bigint
  readonly timeNanos: bigint
  readonly durationNanos: bigint
  readonly dropFrames: number // string, 0 = none
  readonly keepFrames: number // string, 0 = none
  readonly comments: readonly number[] // strings
}
