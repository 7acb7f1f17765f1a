/**
 * Google Cloud Storage through the official SDK, loaded with the first request. The etag is the generation, so conditions
 * are `ifGenerationMatch`, with 0 for what must not exist. The SDK signs and finds credentials; trying again is ours, and so
 * is reading: a body that ends early never ends in the SDK's stream.
 */
import type { File, Storage } from '@google-cloud/storage'
import type { ByteRange } from './contract.ts'
import { StoreError } from './errors.ts'
import { gcsError, gcsStatusError } from './gcs-errors.ts'
import { putGcsObject } from './gcs-put.ts'
import type { GcsBucket } from './settings.ts'
import type { FetchedObject, ListPage, Store, StoredObject } from './store.ts'

export interface GcsOptions {
  /** `http://127.0.0.1:port` of a double or an emulator; only a service account that is configured is used there. */
  readonly endpoint?: string
}

export type GcsSend = <T>(request: (storage: Storage) => Promise<T>) => Promise<T>

export function gcsStore(settings: GcsBucket, options: GcsOptions = {}): Store {
  let opened: Promise<Storage> | null = null
  const open = async (): Promise<Storage> => {
    const sdk = await import('@google-cloud/storage')
    return new sdk.Storage({
      retryOptions: { autoRetry: false },
      ...(options.endpoint === undefined ? {} : { apiEndpoint: options.endpoint }),
      useAuthWithCustomEndpoint: settings.serviceAccount !== null,
      ...(settings.serviceAccount === null ? {} : { credentials: JSON.parse(settings.serviceAccount) }),
    })
  }
  const send: GcsSend = async request => {
    try {
      return await request(await (opened ??= open()))
    } catch (thrown) {
      throw gcsError(thrown)
    }
  }
  /** An emulator without an account asks for no credentials, so none are looked for. */
  const isOpen = (storage: Storage): boolean => storage.customEndpoint && settings.serviceAccount === null
  const fileOf = (storage: Storage, key: string): File => storage.bucket(settings.bucket).file(key)

  async function get(key: string, range: ByteRange | null, signal: AbortSignal): Promise<FetchedObject> {
    return await send(async storage => {
      const path = `${encodeURIComponent(settings.bucket)}/o/${encodeURIComponent(key)}`
      const url = `${storage.apiEndpoint}/storage/v1/b/${path}?alt=media`
      const headers = new Headers(isOpen(storage) ? {} : await storage.authClient.getRequestHeaders(url))
      headers.set('accept-encoding', 'identity')
      if (range !== null) headers.set('range', `bytes=${range.offset}-${range.offset + range.length - 1}`)
      const response = await fetch(url, { headers, signal })
      const body = new Uint8Array(await response.arrayBuffer())
      if (!response.ok) throw gcsStatusError(response.status, undefined, new TextDecoder().decode(body))
      if (range !== null && body.byteLength > range.length)
        throw new StoreError('unsupported', 'the store does not look at Range')
      const md5 = /md5=([A-Za-z0-9+/=]+)/.exec(response.headers.get('x-goog-hash') ?? '')?.[1]
      const etag = response.headers.get('x-goog-generation') ?? ''
      return { body, etag, md5: md5 === undefined ? null : hexOf(md5) }
    })
  }

  async function head(key: string): Promise<StoredObject | null> {
    return await send(async storage => {
      try {
        const [{ size, generation, md5Hash, metadata }] = await fileOf(storage, key).getMetadata()
        const md5 = md5Hash === undefined ? null : hexOf(md5Hash)
        const token = metadata?.['decimaput']
        return { size: Number(size), etag: String(generation), md5, token: typeof token === 'string' ? token : null }
      } catch (thrown) {
        const error = gcsError(thrown)
        if (error instanceof StoreError && error.kind === 'not_found') return null
        throw thrown
      }
    })
  }

  async function listPage(prefix: string, cursor: string | null): Promise<ListPage> {
    return await send(async storage => {
      const query = { prefix, maxResults: 1000, autoPaginate: false }
      const [files, next] = await storage
        .bucket(settings.bucket)
        .getFiles(cursor === null ? query : { ...query, pageToken: cursor })
      const objects = files.map(({ name, metadata }) => ({
        key: name,
        size: Number(metadata.size),
        lastModifiedMs: Date.parse(metadata.updated ?? metadata.timeCreated ?? ''),
      }))
      return { objects, next: (next as { pageToken?: string } | null)?.pageToken ?? null }
    })
  }

  return {
    name: `gs://${settings.bucket}`,
    get,
    head,
    listPage,
    put: (key, request, attempt) =>
      putGcsObject({ settings, send, attempt, file: storage => fileOf(storage, key) }, request),
    remove: key =>
      send(async storage => {
        await fileOf(storage, key).delete({ ignoreNotFound: true })
      }),
    close: async () => {},
  }
}

const hexOf = (base64: string): string => Buffer.from(base64, 'base64').toString('hex')
