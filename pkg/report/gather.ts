/** Columns taken at rows: `values[rows[r]]` for each r, with a stand-in where the row is -1. */

export function gatherInt32(values: Int32Array, rows: Int32Array): Int32Array<ArrayBuffer> {
  const out = new Int32Array(rows.length)
  for (let r = 0; r < rows.length; r++) out[r] = rows[r]! < 0 ? -1 : values[rows[r]!]!
  return out
}

/** 0 where the row is -1. */
export function gatherNumbers(values: Float64Array, rows: Int32Array): Float64Array<ArrayBuffer> {
  const out = new Float64Array(rows.length)
  for (let r = 0; r < rows.length; r++) out[r] = rows[r]! < 0 ? 0 : values[rows[r]!]!
  return out
}

/** 0 where the row is -1. Moves 32-bit halves: no bigint per row. */
export function gatherUint64(values: BigUint64Array, rows: Int32Array): BigUint64Array<ArrayBuffer> {
  const from = new Uint32Array(values.buffer, values.byteOffset, values.length * 2)
  const out = new BigUint64Array(rows.length)
  const to = new Uint32Array(out.buffer)
  for (let r = 0; r < rows.length; r++) {
    const f = rows[r]!
    if (f < 0) continue
    to[2 * r] = from[2 * f]!
    to[2 * r + 1] = from[2 * f + 1]!
  }
  return out
}
