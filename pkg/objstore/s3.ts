/**
 * S3 and what speaks like it, through the official SDK, which is loaded when the first request is made. The SDK signs and
 * finds credentials; trying again is ours, and checksums are Content-MD5, which every compatible store knows.
 *
 * Objects carry `decimamd5` and `decimaput` as user metadata: an ETag is an MD5 only sometimes, and says so never.
 */
import type { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import { readBody } from './answer.ts'
import type { ByteRange } from './contract.ts'
import { StoreError } from './errors.ts'
import { s3Client } from './s3-client.ts'
import { areCredentialsOver, s3Error } from './s3-errors.ts'
import { putS3Object, sseOfReads } from './s3-put.ts'
import type { S3Bucket } from './settings.ts'
import type { FetchedObject, ListPage, Store, StoredObject } from './store.ts'

export type S3Sdk = typeof import('@aws-sdk/client-s3')

/** Runs one request with the SDK and a client, and says what went wrong in our words. */
export type S3Send = <T>(request: (sdk: S3Sdk, client: S3Client) => Promise<T>) => Promise<T>

export function s3Store(settings: S3Bucket): Store {
  const Bucket = settings.bucket
  let client: Promise<{ sdk: S3Sdk; client: S3Client }> | null = null

  const send: S3Send = async request => {
    const opened = (client ??= s3Client(settings).catch(error => {
      client = null
      throw error
    }))
    try {
      const { sdk, client } = await opened
      return await request(sdk, client)
    } catch (thrown) {
      // Rotated keys: a new client asks for credentials anew, and the request is repeated with those.
      // The old one is left to those who still wait for its answers.
      if (settings.credentials === null && areCredentialsOver(thrown) && client === opened) client = null
      throw s3Error(thrown, settings.credentials === null)
    }
  }

  async function get(Key: string, range: ByteRange | null, abortSignal: AbortSignal): Promise<FetchedObject> {
    return await send(async (sdk, s3) => {
      const Range = range === null ? undefined : `bytes=${range.offset}-${range.offset + range.length - 1}`
      const input = { Bucket, Key, Range, ...(await sseOfReads(settings.encryption)) }
      const answer = await s3.send(new sdk.GetObjectCommand(input), { abortSignal })
      const body = await readBody(answer.Body as Readable, () => answer.ContentLength ?? null, abortSignal)
      if (range !== null && body.byteLength > range.length)
        throw new StoreError('unsupported', 'the store does not look at Range')
      return { body, etag: answer.ETag ?? '', md5: answer.Metadata?.['decimamd5'] ?? null }
    })
  }

  async function head(Key: string, abortSignal: AbortSignal): Promise<StoredObject | null> {
    return await send(async (sdk, s3) => {
      try {
        const input = { Bucket, Key, ...(await sseOfReads(settings.encryption)) }
        const answer = await s3.send(new sdk.HeadObjectCommand(input), { abortSignal })
        return {
          size: answer.ContentLength ?? 0,
          etag: answer.ETag ?? '',
          md5: answer.Metadata?.['decimamd5'] ?? null,
          token: answer.Metadata?.['decimaput'] ?? null,
        }
      } catch (thrown) {
        const error = s3Error(thrown, false)
        if (error instanceof StoreError && error.kind === 'not_found') return null
        throw thrown
      }
    })
  }

  async function listPage(Prefix: string, cursor: string | null, abortSignal: AbortSignal): Promise<ListPage> {
    return await send(async (sdk, s3) => {
      const input = { Bucket, Prefix, MaxKeys: 1000 }
      if (settings.listVersion === 1) {
        const command = new sdk.ListObjectsCommand({ ...input, Marker: cursor ?? undefined })
        const { Contents = [], IsTruncated, NextMarker } = await s3.send(command, { abortSignal })
        return { objects: Contents.map(listed), next: IsTruncated ? (NextMarker ?? Contents.at(-1)!.Key!) : null }
      }
      const command = new sdk.ListObjectsV2Command({ ...input, ContinuationToken: cursor ?? undefined })
      const { Contents = [], IsTruncated, NextContinuationToken } = await s3.send(command, { abortSignal })
      return { objects: Contents.map(listed), next: IsTruncated ? NextContinuationToken! : null }
    })
  }

  return {
    name: `s3://${Bucket}`,
    get,
    head,
    listPage,
    put: (key, request, attempt) => putS3Object({ settings, send, attempt }, key, request),
    remove: (Key, abortSignal) =>
      send(async (sdk, s3) => {
        await s3.send(new sdk.DeleteObjectCommand({ Bucket, Key }), { abortSignal })
      }),
    async close() {
      const opened = await client?.catch(() => null)
      opened?.client.destroy()
    },
  }
}

function listed(object: { Key?: string; Size?: number; LastModified?: Date }) {
  return { key: object.Key!, size: object.Size ?? 0, lastModifiedMs: object.LastModified?.getTime() ?? 0 }
}
