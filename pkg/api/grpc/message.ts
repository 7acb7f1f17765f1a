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

/** Passes a body on; after its end, when the trailers are complete, writes their message anew. */
export async function* mendMessage(body: AsyncIterable<Uint8Array>, trailer: Headers): AsyncIterable<Uint8Array> {
  yield* body
  const message = trailer.get('grpc-message')
  if (message !== null) trailer.set('grpc-message', encodeMessage(decodeURIComponent(message)))
}
