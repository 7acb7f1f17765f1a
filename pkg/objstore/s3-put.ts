/**
 * Writing to S3: small bodies in one request, large ones in parts that are sent again one by one. The condition goes with
 * the request that makes the object appear: the only one, or the one that completes the parts.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { md5Of } from './content.ts'
import { StoreError } from './errors.ts'
import type { S3Send } from './s3.ts'
import { s3Error } from './s3-errors.ts'
import { mapParallel } from './semaphore.ts'
import type { S3Bucket, S3Encryption } from './settings.ts'
import type { Attempt, Condition, PutRequest } from './store.ts'

/** Of the protocol. */
const MAX_PARTS = 10_000
/** Parts on their way at once: with `partSize` this bounds memory. */
const PARALLEL_PARTS = 2

interface Context {
  readonly settings: S3Bucket
  readonly send: S3Send
  readonly attempt: Attempt
}

export async function putS3Object(context: Context, key: string, request: PutRequest): Promise<{ etag: string }> {
  const { partSize } = context.settings
  if (partSize === null || request.content.size <= partSize) return await putWhole(context, key, request)
  return await putParts(context, key, request, Math.max(partSize, Math.ceil(request.content.size / MAX_PARTS)))
}

async function putWhole({ settings, send, attempt }: Context, Key: string, request: PutRequest) {
  const { content, condition } = request
  const bytes = async (abortSignal: AbortSignal) =>
    await send(async (sdk, s3) => {
      const input = {
        Bucket: settings.bucket,
        Key,
        Body: await content.read(0, content.size),
        ContentLength: content.size,
        ...(settings.contentMd5 ? { ContentMD5: content.md5.toString('base64') } : {}),
        ...conditionHeaders(condition),
        ...(await objectHeaders(settings, request)),
      }
      const answer = await s3.send(new sdk.PutObjectCommand(input), { abortSignal })
      return { etag: answer.ETag ?? '' }
    })
  return await attempt('put', signal => conditional(condition, bytes(signal)), content.size)
}

async function putParts({ settings, send, attempt }: Context, Key: string, request: PutRequest, partSize: number) {
  const { content, condition } = request
  const Bucket = settings.bucket
  const { UploadId } = await attempt('put', abortSignal =>
    send(async (sdk, s3) => {
      const input = { Bucket, Key, ...(await objectHeaders(settings, request)) }
      return await s3.send(new sdk.CreateMultipartUploadCommand(input), { abortSignal })
    }),
  )
  try {
    const starts = Array.from({ length: Math.ceil(content.size / partSize) }, (_, i) => i * partSize)
    const Parts = await mapParallel(starts, PARALLEL_PARTS, async (start, i) => {
      const length = Math.min(partSize, content.size - start)
      const PartNumber = i + 1
      const sendPart = (abortSignal: AbortSignal) =>
        send(async (sdk, s3) => {
          const Body = await content.read(start, length)
          const input = {
            ...{ Bucket, Key, UploadId, PartNumber, Body, ContentLength: length },
            ...(settings.contentMd5 ? { ContentMD5: md5Of(Body).toString('base64') } : {}),
            ...(await sseOfReads(settings.encryption)),
          }
          const { ETag } = await s3.send(new sdk.UploadPartCommand(input), { abortSignal })
          return { PartNumber, ETag }
        })
      return await attempt('put', sendPart, length)
    })
    const complete = (abortSignal: AbortSignal) =>
      send(async (sdk, s3) => {
        const input = {
          ...{ Bucket, Key, UploadId, MultipartUpload: { Parts } },
          ...conditionHeaders(condition),
          ...(await sseOfReads(settings.encryption)),
        }
        const { ETag } = await s3.send(new sdk.CompleteMultipartUploadCommand(input), { abortSignal })
        return { etag: ETag ?? '' }
      })
    return await attempt('put', signal => conditional(condition, complete(signal)))
  } catch (error) {
    // Parts nobody completes are paid for until a rule of the bucket clears them; this saves waiting for it.
    await send((sdk, s3) => s3.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId }))).catch(() => {})
    throw error
  }
}

function conditionHeaders(condition: Condition) {
  if (condition.kind === 'absent') return { IfNoneMatch: '*' }
  return condition.kind === 'version' ? { IfMatch: condition.etag } : {}
}

/** To replace what is not there is answered with 404. */
async function conditional<T>(condition: Condition, sent: Promise<T>): Promise<T> {
  try {
    return await sent
  } catch (thrown) {
    if (condition.kind === 'version' && thrown instanceof StoreError && thrown.kind === 'not_found')
      throw new StoreError('precondition_failed', 'the object is not there', thrown)
    throw s3Error(thrown, false)
  }
}

async function objectHeaders(settings: S3Bucket, { content, token }: PutRequest) {
  const { 'x-amz-storage-class': StorageClass, ...metadata } = Object.fromEntries(
    Object.entries(settings.metadata).map(([name, value]) => [name.toLowerCase(), value]),
  )
  return {
    Metadata: { ...metadata, decimamd5: content.md5.toString('hex'), decimaput: token },
    ...(StorageClass === undefined ? {} : { StorageClass: StorageClass as 'STANDARD' }),
    ...(await sseOfWrites(settings.encryption)),
  }
}

async function sseOfWrites(encryption: S3Encryption | null) {
  switch (encryption?.kind) {
    case 'SSE-S3':
      return { ServerSideEncryption: 'AES256' as const }
    case 'SSE-KMS': {
      const context = Buffer.from(JSON.stringify(encryption.context)).toString('base64')
      return {
        ServerSideEncryption: 'aws:kms' as const,
        SSEKMSKeyId: encryption.keyId,
        ...(Object.keys(encryption.context).length === 0 ? {} : { SSEKMSEncryptionContext: context }),
      }
    }
    default:
      return await sseOfReads(encryption)
  }
}

/** A key of the customer's own goes with every request that touches the object. */
export async function sseOfReads(encryption: S3Encryption | null) {
  if (encryption?.kind !== 'SSE-C') return {}
  const key = await readFile(encryption.keyFile)
  return {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: key.toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
  }
}
