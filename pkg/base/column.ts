/**
 * Append-only columns over shared memory. A column grows by doubling into a new buffer; readers that hold the old one
 * keep a valid view of the rows they were told of, since rows never change once they are published.
 */

type Typed = Int32Array | Uint8Array | Float64Array | BigInt64Array | BigUint64Array

export interface Column<T extends Typed> {
  array: T
  length: number
}

const INITIAL = 1024

export const int32Column = (): Column<Int32Array> => ({ array: new Int32Array(shared(INITIAL * 4)), length: 0 })
export const uint8Column = (): Column<Uint8Array> => ({ array: new Uint8Array(shared(INITIAL)), length: 0 })
export const float64Column = (): Column<Float64Array> => ({ array: new Float64Array(shared(INITIAL * 8)), length: 0 })
export const int64Column = (): Column<BigInt64Array> => ({ array: new BigInt64Array(shared(INITIAL * 8)), length: 0 })
export const uint64Column = (): Column<BigUint64Array> => ({
  array: new BigUint64Array(shared(INITIAL * 8)),
  length: 0,
})

function shared(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(bytes)
}

/** Makes room for `more` rows; call it before writing past `length`, as writes past the end of a typed array vanish. */
export function reserve<T extends Typed>(column: Column<T>, more: number): T {
  const need = column.length + more
  const old = column.array
  if (need <= old.length) return old
  let capacity = old.length * 2
  while (capacity < need) capacity *= 2
  const Typed = old.constructor as new (buffer: SharedArrayBuffer) => T
  const grown = new Typed(shared(capacity * old.BYTES_PER_ELEMENT))
  grown.set(old.subarray(0, column.length) as never)
  column.array = grown
  return grown
}

export function push<T extends Int32Array | Uint8Array | Float64Array>(column: Column<T>, value: number): void {
  reserve(column, 1)[column.length++] = value
}

/** The first `length` rows, over the same memory. */
export function view<T extends Typed>(column: Column<T>, length: number): T {
  return column.array.subarray(0, length) as T
}

export function usedBytes(column: Column<Typed>): number {
  return column.length * column.array.BYTES_PER_ELEMENT
}
