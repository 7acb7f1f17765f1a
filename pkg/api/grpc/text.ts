/** The base64 of `application/grpc-web-text`, as streams: chunks may be cut anywhere, and padding may stand inside. */

export async function* base64Decoder(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let rest = ''
  for await (const chunk of chunks) {
    const text = rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1')
    const whole = text.length - (text.length % 4)
    rest = text.slice(whole)
    if (whole > 0) yield decodeGroups(text.slice(0, whole))
  }
  if (rest !== '') yield decodeGroups(rest)
}

/** Padding ends a run of groups; what follows is a run of its own. */
function decodeGroups(text: string): Uint8Array {
  if (!text.slice(0, -4).includes('=')) return Buffer.from(text, 'base64')
  const runs = text.match(/[^=]+={0,2}/g) ?? []
  return Buffer.concat(runs.map(run => Buffer.from(run, 'base64')))
}

export async function* base64Encoder(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0)
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    const whole = bytes.length - (bytes.length % 3)
    rest = bytes.subarray(whole)
    if (whole > 0) yield Buffer.from(bytes.subarray(0, whole).toString('base64'), 'latin1')
  }
  if (rest.length > 0) yield Buffer.from(Buffer.from(rest).toString('base64'), 'latin1')
}
