/** A bucket within a bucket: every key has `prefix/` put before it. Counters are those of the whole bucket. */
import type { Bucket } from './contract.ts'
import { StoreError } from './errors.ts'
import { normalizePrefix } from './key.ts'

/** `close` closes the bucket itself. An empty prefix is the bucket as it is. */
export function withPrefix(bucket: Bucket, prefix: string): Bucket {
  const bare = normalizePrefix(prefix)
  if (bare === null) throw new StoreError('invalid', `${JSON.stringify(prefix)} is no prefix for keys`)
  if (bare === '') return bucket
  const keyOf = (key: string): string => `${bare}/${key}`
  return {
    name: `${bucket.name.replace(/\/$/, '')}/${bare}`,
    get reads() {
      return bucket.reads
    },
    get: (key, range, options) => bucket.get(keyOf(key), range, options),
    getTagged: (key, options) => bucket.getTagged(keyOf(key), options),
    put: (key, body, options) => bucket.put(keyOf(key), body, options),
    head: (key, options) => bucket.head(keyOf(key), options),
    remove: (key, options) => bucket.remove(keyOf(key), options),
    async *list(start, options) {
      for await (const object of bucket.list(keyOf(start), options))
        yield { ...object, key: object.key.slice(bare.length + 1) }
    },
    close: () => bucket.close(),
  }
}
