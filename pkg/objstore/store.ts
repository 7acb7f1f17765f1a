/**
 * What a provider brings: requests, one try each, that throw `StoreError`. Keys are valid, ranges have a length.
 * Counting, trying again, timeouts and settling lost answers are the shell's (`bucket.ts`).
 */
import type { Content } from './content.ts'
import type { ByteRange, ListedObject } from './contract.ts'
import type { Operation } from './errors.ts'

export type Condition =
  | { readonly kind: 'none' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'version'; readonly etag: string }

export interface StoredObject {
  readonly size: number
  readonly etag: string
  /** Hex. */
  readonly md5: string | null
  /** Which put wrote it, as given to `put`; null for objects of others. */
  readonly token: string | null
}

export interface FetchedObject {
  readonly body: Uint8Array
  readonly etag: string
  /** Of the whole object, hex. */
  readonly md5: string | null
}

/** Sends one request as often as it takes. A store may make several to carry out one put. */
export type Attempt = <T>(operation: Operation, send: (signal: AbortSignal) => Promise<T>, bytes?: number) => Promise<T>

export interface PutRequest {
  readonly content: Content
  readonly condition: Condition
  /** Kept with the object, so that a put whose answer was lost can be told from another's. */
  readonly token: string
}

export interface Store {
  readonly name: string
  get(key: string, range: ByteRange | null, signal: AbortSignal): Promise<FetchedObject>
  put(key: string, request: PutRequest, attempt: Attempt): Promise<{ readonly etag: string }>
  head(key: string, signal: AbortSignal): Promise<StoredObject | null>
  remove(key: string, signal: AbortSignal): Promise<void>
  /** From `cursor` on (null = the beginning), in the order of the keys' bytes. */
  listPage(prefix: string, cursor: string | null, signal: AbortSignal): Promise<ListPage>
  close(): Promise<void>
}

export interface ListPage {
  readonly objects: readonly ListedObject[]
  readonly next: string | null
}
