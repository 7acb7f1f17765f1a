/**
 * A body as it came → the raw bytes of the profile. What it is shows in its first bytes, of which none can begin a
 * pprof message: gzip (any number of members), zstd, an LZ4 frame; anything else is taken as not compressed.
 *
 * The limit is on what comes out, so a bomb costs the time to write that much once. Every call has a zlib handle of its
 * own: a reused one ends the process on a truncated body.
 */
import { promisify } from 'node:util'
import { gunzip, gunzipSync, zstdDecompress, zstdDecompressSync } from 'node:zlib'
import { RequestError } from '../base/errors.ts'
import { lz4FrameDecompress } from './lz4.ts'

/** One chunk holds nearly every profile whole: a third less time than with zlib's 16 KiB. */
const CHUNK_BYTES = 128 * 1024
const MOST_CHUNK_BYTES = 4 << 20
/** From here on a body costs more than handing it to the thread pool. */
const SMALL_BODY_BYTES = 256 * 1024
const NO_LIMIT = 2 ** 31 - 1

type Encoding = 'gzip' | 'zstd' | 'lz4' | 'none'

const gunzipAsync = promisify(gunzip)
const zstdAsync = promisify(zstdDecompress)

/** `maxBytes` 0 = no limit. What is not compressed comes back as it is, not copied. Throws `RequestError`. */
export function decompressBodySync(body: Uint8Array, maxBytes: number): Uint8Array {
  const limit = maxBytes || NO_LIMIT
  const encoding = encodingOf(body)
  const options = { chunkSize: CHUNK_BYTES, maxOutputLength: limit }
  try {
    switch (encoding) {
      case 'gzip':
        return gunzipSync(body, { ...options, chunkSize: gzipChunk(body) })
      case 'zstd':
        return zstdDecompressSync(body, options)
      case 'lz4':
        return lz4FrameDecompress(body, limit)
      case 'none':
        if (body.length > limit) throw overLimit(limit)
        return body
    }
  } catch (error) {
    throw bodyError(error, encoding, limit)
  }
}

/** As above; a large body is worked on in the thread pool, a small one at once. Rejects with `RequestError`. */
export async function decompressBody(body: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const encoding = encodingOf(body)
  if (body.length < SMALL_BODY_BYTES || (encoding !== 'gzip' && encoding !== 'zstd')) {
    return decompressBodySync(body, maxBytes)
  }
  const limit = maxBytes || NO_LIMIT
  const options = { chunkSize: CHUNK_BYTES, maxOutputLength: limit }
  try {
    return await (encoding === 'gzip' ? gunzipAsync(body, options) : zstdAsync(body, options))
  } catch (error) {
    throw bodyError(error, encoding, limit)
  }
}

/** A gzip member ends with its length: a buffer of that size takes it whole. It is only a hint, others may follow. */
function gzipChunk(body: Uint8Array): number {
  if (body.length < 18) return CHUNK_BYTES
  const length = new DataView(body.buffer, body.byteOffset + body.length - 4, 4).getUint32(0, true)
  return length > body.length && length < MOST_CHUNK_BYTES ? length + 64 : CHUNK_BYTES
}

function encodingOf(body: Uint8Array): Encoding {
  if (body[0] === 0x1f && body[1] === 0x8b) return 'gzip'
  if (body[0] === 0x28 && body[1] === 0xb5 && body[2] === 0x2f && body[3] === 0xfd) return 'zstd'
  if (body[0] === 0x04 && body[1] === 0x22 && body[2] === 0x4d && body[3] === 0x18) return 'lz4'
  return 'none'
}

function overLimit(limit: number): RequestError {
  return new RequestError(
    'invalid_argument',
    `body: more than ${limit} bytes uncompressed (--body-size-limit ${limit})`,
  )
}

function bodyError(error: unknown, encoding: Encoding, limit: number): RequestError {
  if (error instanceof RequestError) return error
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ERR_BUFFER_TOO_LARGE') return overLimit(limit)
  const what = code === 'Z_BUF_ERROR' ? 'truncated' : message
  return new RequestError('invalid_argument', `body: ${encoding}: ${what}`, { cause: error })
}
