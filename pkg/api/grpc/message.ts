/**
 * The status an answer ends with, put right where the RPC library and gRPC differ.
 *
 * `grpc-message`: gRPC's HTTP/2 mapping percent-encodes bytes outside printable ASCII, and `%`. The library encodes
 * punctuation too, and a client that decodes only what had to be encoded would show `%2C` for a comma.
 * `grpc-status`: a request that cannot be parsed is the caller's to mend (INVALID_ARGUMENT); the library calls it INTERNAL.
 */
import { Code } from '@connectrpc/connect'

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

const UNPARSABLE = 'parse binary: '
/** What the library says of a message over the limit; users know the limit by its flag. */
const TOO_LARGE = /^message size (\d+) is larger than configured readMaxBytes (\d+)$/

function mend(trailer: Headers): void {
  const message = trailer.get('grpc-message')
  if (message === null) return
  const text = decodeURIComponent(message).replace(
    TOO_LARGE,
    (_, size, limit) => `message of ${size} bytes, more than --message-size-limit (${limit})`,
  )
  trailer.set('grpc-message', encodeMessage(text))
  if (trailer.get('grpc-status') === String(Code.Internal) && text.startsWith(UNPARSABLE)) {
    trailer.set('grpc-status', String(Code.InvalidArgument))
  }
}

/** gRPC: passes a body on; after its end the trailers are complete. */
export async function* mendTrailers(body: AsyncIterable<Uint8Array>, trailer: Headers): AsyncIterable<Uint8Array> {
  yield* body
  mend(trailer)
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
    const trailer = new Headers()
    for (const line of Buffer.from(chunk.subarray(PREFIX)).toString('latin1').split('\r\n')) {
      const colon = line.indexOf(':')
      if (colon > 0) trailer.append(line.slice(0, colon), line.slice(colon + 1).trim())
    }
    mend(trailer)
    const lines = [...trailer].map(([name, value]) => `${name}: ${value}\r\n`).join('')
    const frame = Buffer.alloc(PREFIX + lines.length)
    frame[0] = TRAILER
    frame.writeUInt32BE(lines.length, 1)
    frame.write(lines, PREFIX, 'latin1')
    yield frame
  }
}
