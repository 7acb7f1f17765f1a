/**
 * Writing to Google Cloud Storage: small bodies in one request, large ones through a resumable session, chunk by chunk.
 * The session's address is the permission to write to it, so chunks need no signature, and one that is lost is sent again
 * by the same rules as any request. The MD5 is said at the beginning and checked by the store at the end.
 */
import type { File, Storage } from '@google-cloud/storage'
import { withoutAnswer } from './answer.ts'
import { StoreError } from './errors.ts'
import type { GcsSend } from './gcs.ts'
import { gcsError, gcsStatusError } from './gcs-errors.ts'
import type { GcsBucket } from './settings.ts'
import type { Attempt, Condition, PutRequest } from './store.ts'

const DEFAULT_CHUNK = 16 * 1024 * 1024

interface Context {
  readonly settings: GcsBucket
  readonly send: GcsSend
  readonly attempt: Attempt
  readonly file: (storage: Storage) => File
}

export async function putGcsObject(context: Context, request: PutRequest): Promise<{ etag: string }> {
  const chunkSize = context.settings.chunkSize ?? DEFAULT_CHUNK
  if (request.content.size <= chunkSize) return await putWhole(context, request)
  return await putChunks(context, request, chunkSize)
}

async function putWhole({ send, attempt, file }: Context, request: PutRequest): Promise<{ etag: string }> {
  const { content } = request
  const sendWhole = (signal: AbortSignal) =>
    send(async storage => {
      const bytes = await content.read(0, content.size)
      const target = file(storage)
      const stream = target.createWriteStream({ resumable: false, validation: false, ...headersOf(request) })
      const stop = () => stream.destroy(new StoreError('canceled', 'given up while writing'))
      signal.addEventListener('abort', stop, { once: true })
      try {
        await new Promise<void>((resolve, reject) => stream.on('error', reject).on('finish', resolve).end(bytes))
      } finally {
        signal.removeEventListener('abort', stop)
      }
      return { etag: String(target.metadata.generation) }
    })
  return await attempt('put', sendWhole, content.size)
}

async function putChunks({ send, attempt, file }: Context, request: PutRequest, chunkSize: number) {
  const { content } = request
  const session = await attempt('put', () =>
    send(async storage => {
      const [address] = await file(storage).createResumableUpload(headersOf(request))
      return address
    }),
  )
  for (let offset = 0; ; ) {
    const length = Math.min(chunkSize, content.size - offset)
    const sendChunk = async (signal: AbortSignal): Promise<ChunkAnswer> => {
      try {
        const bytes = await content.read(offset, length)
        return await putChunk(session, bytes, offset, content.size, signal)
      } catch (thrown) {
        throw gcsError(withoutAnswer(thrown))
      }
    }
    const answer = await attempt('put', sendChunk, length)
    if (answer.etag !== null) return { etag: answer.etag }
    offset = answer.received
  }
}

interface ChunkAnswer {
  /** Of the object, once it is complete. */
  readonly etag: string | null
  /** Bytes that the store holds for good. */
  readonly received: number
}

async function putChunk(
  session: string,
  bytes: Uint8Array,
  offset: number,
  size: number,
  signal: AbortSignal,
): Promise<ChunkAnswer> {
  const range = `bytes ${offset}-${offset + bytes.byteLength - 1}/${size}`
  const response = await fetch(session, {
    method: 'PUT',
    headers: { 'content-range': range },
    body: bytes as Uint8Array<ArrayBuffer>,
    redirect: 'manual',
    signal,
  })
  const text = await response.text()
  if (response.ok) {
    const { generation } = JSON.parse(text) as { generation: string }
    return { etag: String(generation), received: size }
  }
  if (response.status !== 308) throw gcsStatusError(response.status, undefined, text)
  const last = /^bytes=0-(\d+)$/.exec(response.headers.get('range') ?? '')?.[1]
  return { etag: null, received: last === undefined ? 0 : Number(last) + 1 }
}

function headersOf({ content, condition, token }: PutRequest) {
  return {
    metadata: {
      contentType: 'application/octet-stream',
      md5Hash: content.md5.toString('base64'),
      metadata: { decimaput: token },
    },
    preconditionOpts: preconditionOf(condition),
  }
}

function preconditionOf(condition: Condition) {
  if (condition.kind === 'none') return {}
  if (condition.kind === 'absent') return { ifGenerationMatch: 0 }
  if (!/^\d+$/.test(condition.etag)) throw new StoreError('precondition_failed', `no generation is ${condition.etag}`)
  return { ifGenerationMatch: condition.etag as unknown as number }
}
