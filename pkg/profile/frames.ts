/** Strings and frames as columns: the shape they have in the store, in answers and in reports. */

/** UTF-8 strings: string i is bytes[offsets[i]..offsets[i+1]). */
export interface StringColumn {
  readonly bytes: Uint8Array
  readonly offsets: Int32Array // length + 1
  readonly length: number
}

/** Distinct frames. A string column holds -1 where there is none, or where frames that were merged differ; numbers hold 0. */
export interface FrameColumns {
  readonly length: number
  readonly functionName: Int32Array // string
  readonly systemName: Int32Array // string
  readonly file: Int32Array // string
  readonly line: Float64Array
  readonly startLine: Float64Array
  readonly address: BigUint64Array
  readonly inlined: Uint8Array // 0 or 1
  readonly mapping: Int32Array // string
  readonly buildId: Int32Array // string
}

const decoder = new TextDecoder()

export function stringAt(strings: StringColumn, i: number): string {
  return decoder.decode(strings.bytes.subarray(strings.offsets[i]!, strings.offsets[i + 1]!))
}
