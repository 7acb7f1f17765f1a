/**
 * A growing byte buffer whose fields are open to loops: reserve once, write with a local cursor, set `length`.
 * Little-endian; varints are LEB128 of unsigned 32 bits, or of 64 as two words.
 */

export interface ByteBuffer {
  data: Uint8Array
  view: DataView
  length: number
}

export function byteBuffer(capacity = 1024): ByteBuffer {
  const data = new Uint8Array(capacity)
  return { data, view: new DataView(data.buffer), length: 0 }
}

/** Makes room for `more` bytes behind `length`; `data` and `view` may be new ones afterwards. */
export function reserve(buffer: ByteBuffer, more: number): void {
  const wanted = buffer.length + more
  if (wanted <= buffer.data.length) return
  const data = new Uint8Array(Math.max(wanted, buffer.data.length * 2))
  data.set(buffer.data.subarray(0, buffer.length))
  buffer.data = data
  buffer.view = new DataView(data.buffer)
}

export function writeBytes(buffer: ByteBuffer, bytes: Uint8Array): void {
  reserve(buffer, bytes.length)
  buffer.data.set(bytes, buffer.length)
  buffer.length += bytes.length
}

export function writeByte(buffer: ByteBuffer, byte: number): void {
  reserve(buffer, 1)
  buffer.data[buffer.length++] = byte
}

export function writeUint32(buffer: ByteBuffer, value: number): void {
  reserve(buffer, 4)
  buffer.view.setUint32(buffer.length, value, true)
  buffer.length += 4
}

export function writeVarint(buffer: ByteBuffer, value: number): void {
  reserve(buffer, 5)
  let rest = value >>> 0
  while (rest > 127) {
    buffer.data[buffer.length++] = (rest & 127) | 128
    rest >>>= 7
  }
  buffer.data[buffer.length++] = rest
}

export function writeVarint64(buffer: ByteBuffer, lo: number, hi: number): void {
  reserve(buffer, 10)
  let low = lo >>> 0
  let high = hi >>> 0
  while (high !== 0 || low > 127) {
    buffer.data[buffer.length++] = (low & 127) | 128
    low = ((low >>> 7) | (high << 25)) >>> 0
    high >>>= 7
  }
  buffer.data[buffer.length++] = low
}

/** Zigzag: 0, -1, 1, -2 … become 0, 1, 2, 3 … */
export function writeZigzag64(buffer: ByteBuffer, lo: number, hi: number): void {
  const sign = hi >> 31
  writeVarint64(buffer, (lo << 1) ^ sign, ((hi << 1) | (lo >>> 31)) ^ sign)
}
