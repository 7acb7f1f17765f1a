/**
 * `grpc-message` as gRPC's HTTP/2 mapping has it: percent-encoded are the bytes outside printable ASCII, and `%`. The RPC
 * library encodes punctuation too, and a client that decodes only what had to be encoded would show `%2C` for a comma.
 */

export function encodeMessage(text: string): string {
  let out = ''
  for (const byte of Buffer.from(text, 'utf8')) {
    out +=
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
        : String.fromCharCode(byte)
  }
  return out
}

/** gRPC: passes a body on; after its end, when the trailers are complete, writes their message anew. */
export async function* mendMessage(body: AsyncIterable<Uint8Array>, trailer: Headers): AsyncIterable<Uint8Array> {
  yield* body
  const message = trailer.get('grpc-message')
  if (message !== null) trailer.set('grpc-message', mend(message))
}

const TRAILER = 0x80
const PREFIX = 5 // flags u8, length u32

/** gRPC-web: the trailers are the last frame of the body, as lines of text. A frame is a chunk of its own here. */
export async function* mendTrailerFrame(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of body) {
    if (chunk[0] !== TRAILER) {
      yield chunk
      continue
    }
    const lines = Buffer.from(chunk.subarray(PREFIX))
      .toString('latin1')
      .replace(/^(grpc-message: *)(.*)$/im, (_, name: string, text: string) => name + mend(text))
    const frame = Buffer.alloc(PREFIX + lines.length)
    frame[0] = TRAILER
    frame.writeUInt32BE(lines.length, 1)
    frame.write(lines, PREFIX, 'latin1')
    yield frame
  }
}

function mend(encoded: string): string {
  return encodeMessage(decodeURIComponent(encoded))
}
