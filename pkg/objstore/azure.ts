/**
 * Azure Blob Storage through the official SDK, loaded with the first request. Small bodies are one Put Blob, large ones
 * blocks and the list that makes them an object. Blocks are named after the put, so that two writers never mix.
 */
import type { Readable } from 'node:stream'
import type { BlobRequestConditions, BlockBlobClient, ContainerClient } from '@azure/storage-blob'
import { readBody } from './answer.ts'
import { azureContainer } from './azure-client.ts'
import { azureError } from './azure-errors.ts'
import { md5Of } from './content.ts'
import type { ByteRange } from './contract.ts'
import { StoreError } from './errors.ts'
import { mapParallel } from './semaphore.ts'
import type { AzureBucket } from './settings.ts'
import type { Attempt, Condition, FetchedObject, ListPage, PutRequest, Store, StoredObject } from './store.ts'

export interface AzureOptions {
  /** Bodies above this are sent in blocks of it. */
  readonly blockSize?: number
}

const BLOCK = 16 * 1024 * 1024
/** Of the protocol. */
const MAX_BLOCKS = 50_000
/** Blocks on their way at once. */
const PARALLEL_BLOCKS = 2

export function azureStore(settings: AzureBucket, options: AzureOptions = {}): Store {
  let opened: Promise<ContainerClient> | null = null

  async function send<T>(condition: Condition, request: (container: ContainerClient) => Promise<T>): Promise<T> {
    const opening = (opened ??= azureContainer(settings))
    try {
      return await request(await opening)
    } catch (thrown) {
      // A container that could not be opened is opened anew by the next attempt.
      void opening.catch(() => {
        if (opened === opening) opened = null
      })
      throw azureError(thrown, condition)
    }
  }
  const blob = <T>(
    key: string,
    request: (blob: BlockBlobClient) => Promise<T>,
    condition: Condition = ANY,
  ): Promise<T> => send(condition, container => request(container.getBlockBlobClient(key)))

  async function get(key: string, range: ByteRange | null, abortSignal: AbortSignal): Promise<FetchedObject> {
    return await blob(key, async blob => {
      const answer = await blob.download(range?.offset ?? 0, range?.length, { abortSignal, maxRetryRequests: 0 })
      const length = answer.contentLength ?? null
      const body = await readBody(answer.readableStreamBody as Readable, () => length, abortSignal)
      const md5 = range === null ? hexOf(answer.contentMD5) : null
      return { body, etag: answer.etag ?? '', md5 }
    })
  }

  async function head(key: string, abortSignal: AbortSignal): Promise<StoredObject | null> {
    return await blob(key, async blob => {
      try {
        const { contentLength, etag, contentMD5, metadata } = await blob.getProperties({ abortSignal })
        return {
          size: contentLength ?? 0,
          etag: etag ?? '',
          md5: hexOf(contentMD5),
          token: metadata?.['decimaput'] ?? null,
        }
      } catch (thrown) {
        const error = azureError(thrown, ANY)
        if (error instanceof StoreError && error.kind === 'not_found') return null
        throw thrown
      }
    })
  }

  async function put(key: string, request: PutRequest, attempt: Attempt): Promise<{ etag: string }> {
    const { content, condition, token } = request
    const headers = {
      conditions: conditionsOf(condition),
      metadata: { decimaput: token },
      blobHTTPHeaders: { blobContentMD5: content.md5 },
    }
    const blockSize = Math.max(options.blockSize ?? BLOCK, Math.ceil(content.size / MAX_BLOCKS))
    if (content.size <= blockSize) {
      const sendWhole = (abortSignal: AbortSignal) =>
        blob(
          key,
          async blob => {
            const bytes = await content.read(0, content.size)
            const { etag } = await blob.upload(bytes, content.size, { ...headers, abortSignal })
            return { etag: etag ?? '' }
          },
          condition,
        )
      return await attempt('put', sendWhole, content.size)
    }
    const count = Math.ceil(content.size / blockSize)
    const ids = Array.from({ length: count }, (_, i) => btoa(`${token}-${String(i).padStart(5, '0')}`))
    await mapParallel(ids, PARALLEL_BLOCKS, async (id, i) => {
      const length = Math.min(blockSize, content.size - i * blockSize)
      const sendBlock = (abortSignal: AbortSignal) =>
        blob(key, async blob => {
          const bytes = await content.read(i * blockSize, length)
          await blob.stageBlock(id, bytes, length, { abortSignal, transactionalContentMD5: md5Of(bytes) })
        })
      await attempt('put', sendBlock, length)
    })
    const commit = (abortSignal: AbortSignal) =>
      blob(
        key,
        async blob => {
          const { etag } = await blob.commitBlockList(ids, { ...headers, abortSignal })
          return { etag: etag ?? '' }
        },
        condition,
      )
    return await attempt('put', commit)
  }

  async function listPage(prefix: string, cursor: string | null, abortSignal: AbortSignal): Promise<ListPage> {
    return await send(ANY, async container => {
      const pages = container
        .listBlobsFlat({ prefix, abortSignal })
        .byPage({ maxPageSize: 1000, ...(cursor === null ? {} : { continuationToken: cursor }) })
      const { value } = await pages.next()
      const items = (value?.segment.blobItems ?? []) as readonly {
        name: string
        properties: { contentLength?: number; lastModified: Date }
      }[]
      const objects = items.map(({ name, properties }) => ({
        key: name,
        size: properties.contentLength ?? 0,
        lastModifiedMs: properties.lastModified.getTime(),
      }))
      return { objects, next: value?.continuationToken || null }
    })
  }

  return {
    name: `azure://${accountOf(settings)}/${settings.container}`,
    get,
    put,
    head,
    listPage,
    remove: (key, abortSignal) =>
      blob(key, async blob => {
        await blob.deleteIfExists({ abortSignal })
      }),
    close: async () => {},
  }
}

function accountOf({ account, credentials }: AzureBucket): string {
  if (account !== '' || credentials.kind !== 'connection-string') return account
  return /(?:^|;)AccountName=([^;]+)/.exec(credentials.text)?.[1] ?? ''
}

const ANY: Condition = { kind: 'none' }

function conditionsOf(condition: Condition): BlobRequestConditions {
  if (condition.kind === 'absent') return { ifNoneMatch: '*' }
  return condition.kind === 'version' ? { ifMatch: condition.etag } : {}
}

const hexOf = (bytes: Uint8Array | undefined): string | null =>
  bytes === undefined ? null : Buffer.from(bytes).toString('hex')
