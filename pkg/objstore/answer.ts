/** What comes back, or does not: bodies collected to the length that was said, and throws that are no answer of a store. */
import type { Readable } from 'node:stream'
import { describe, StoreError } from './errors.ts'

/**
 * The whole body: a connection that breaks may look like an end, so its length is checked. It is asked for after
 * the end, when the headers are there; null: the answer did not say, and its end is taken at its word.
 */
export async function readBody(
  stream: Readable,
  lengthOf: () => number | null,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const stop = () => stream.destroy()
  signal.addEventListener('abort', stop, { once: true })
  const chunks: Uint8Array[] = []
  let received = 0
  try {
    if (signal.aborted) stop()
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      chunks.push(chunk)
      received += chunk.byteLength
    }
  } catch (error) {
    if (signal.aborted) throw new StoreError('canceled', 'given up while reading', error)
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
    stream.destroy()
  }
  const length = lengthOf()
  if (length !== null && received !== length)
    throw new StoreError('unavailable', `the body ended at ${received} of ${length} bytes`)
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, received)
}

/**
 * What a throw means that carries no answer of the store: sockets, name lookups, TLS, credentials that cannot be had. A
 * mistake in the program stays what it is.
 */
export function withoutAnswer(thrown: unknown): unknown {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof StoreError) return error
    const { code, name } = error as NodeJS.ErrnoException
    // Azure's SDK calls a broken connection that too; where somebody did give up, the shell has said so already.
    if (name === 'AbortError') return new StoreError('unavailable', 'the connection broke', thrown)
    if (typeof code !== 'string') continue
    if (TLS.test(code)) return new StoreError('misconfigured', `${code}: ${error.message}`, thrown)
    if (NETWORK.test(code)) return new StoreError('unavailable', code, thrown)
  }
  if (!(thrown instanceof Error) || MISTAKES.has(thrown.name)) return thrown
  const kind = /credential/i.test(thrown.message) ? 'denied' : 'unavailable'
  return new StoreError(kind, describe(undefined, undefined, thrown.message), thrown)
}

const NETWORK = /^(E[A-Z]+|UND_ERR_\w+|ERR_STREAM_\w+|ERR_HTTP2?_\w+|HPE_\w+|REQUEST_SEND_ERROR|TimeoutError)$/
const TLS = /^(ERR_TLS_\w+|ERR_SSL_\w+|DEPTH_ZERO_\w+|SELF_SIGNED_\w+|UNABLE_TO_\w+|CERT_\w+)$/
const MISTAKES = new Set(['TypeError', 'ReferenceError', 'RangeError', 'SyntaxError', 'AssertionError'])
