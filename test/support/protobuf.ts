/** A protobuf writer that is plain to the point of being slow: what the fast readers are held against. */

export function varint(value: bigint | number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value))
  const bytes: number[] = []
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return bytes
}

/** A field of wire type 0. */
export function int(field: number, value: bigint | number): number[] {
  return [...varint(field * 8), ...varint(value)]
}

/** A field of wire type 2: a message, a string or packed numbers. */
export function bytes(field: number, content: Iterable<number>): number[] {
  const list = [...content]
  return [...varint(field * 8 + 2), ...varint(list.length), ...list]
}

export function text(field: number, value: string): number[] {
  return bytes(field, new TextEncoder().encode(value))
}

/** Repeated numbers, in one field or in one each. */
export function ints(field: number, values: readonly (bigint | number)[], packed: boolean): number[] {
  if (!packed) return values.flatMap(value => int(field, value))
  return values.length === 0 ? [] : bytes(field, values.flatMap(varint))
}

/** Bytes of hex digits; blanks are for the reader. */
export function hex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits.replace(/\s+/g, ''), 'hex'))
}
