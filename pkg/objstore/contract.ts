/**
 * A bucket: objects by key, written whole, read by range, replaced under a condition.
 *
 *   get     bytes that are there, checked for length (and MD5 where the store keeps one)
 *   put     whole or not at all; the condition is decided by the store, in one step with the write
 *   head    size and etag, or null
 *   remove  nothing there is fine
 *   list    for tools that clean up; may lag behind writes, so it never answers a query
 *
 * Every call tries again by itself while trying again can help, within a budget, and rejects with a `BucketError` only.
 * A conditional put whose answer was lost is settled by looking: it never reports a refusal for a write of its own.
 */

/** [offset, offset + length), all of it inside the object; length > 0. */
export interface ByteRange {
  readonly offset: number
  readonly length: number
}

/** A file of exactly `size` bytes that nobody changes from now on: a bucket on the same file system links it. */
export interface FileBody {
  readonly path: string
  readonly size: number
  /** Hex, where it is known already: saves reading the file once more. */
  readonly md5?: string
}

export type Body = Uint8Array | FileBody

export interface CallOptions {
  /** Ends the call with kind `canceled`. A write that was under way may still land. */
  readonly signal?: AbortSignal
}

export interface PutOptions extends CallOptions {
  /** Only if no object has the key. */
  readonly ifNoneMatch?: boolean
  /** Only over the version with this etag. */
  readonly ifMatch?: string
}

/** One version of an object. The etag is opaque: the store's own ETag or generation. */
export interface ObjectInfo {
  readonly size: number
  readonly etag: string
  /** Hex; null where the store has none (an object that somebody else put there in parts). */
  readonly md5: string | null
}

export interface TaggedBytes {
  readonly body: Uint8Array
  readonly etag: string
}

export interface ListedObject {
  readonly key: string
  readonly size: number
  readonly lastModifiedMs: number
}

/** Requests as they were sent, repeats and the parts of an upload included; bytes of bodies received by `get`. */
export interface BucketReads {
  readonly gets: number
  readonly bytes: number
  readonly puts: number
  readonly heads: number
  readonly lists: number
  readonly removes: number
}

export interface Bucket {
  /** For logs and errors: `s3://fleet/profiles`. */
  readonly name: string
  /** A copy of the counts so far. */
  readonly reads: BucketReads
  get(key: string, range?: ByteRange, options?: CallOptions): Promise<Uint8Array>
  /** The whole object with the etag of just this version: what a read-modify-write begins with. */
  getTagged(key: string, options?: CallOptions): Promise<TaggedBytes>
  put(key: string, body: Body, options?: PutOptions): Promise<{ readonly etag: string }>
  head(key: string, options?: CallOptions): Promise<ObjectInfo | null>
  remove(key: string, options?: CallOptions): Promise<void>
  /** Keys that begin with `prefix`, in the order of their bytes. */
  list(prefix: string, options?: CallOptions): AsyncIterable<ListedObject>
  /** Drops connections; later calls reject. Safe to call twice. */
  close(): Promise<void>
}
