/** From settings to a bucket. Nothing is sent yet: SDKs are loaded, and credentials looked for, with the first request. */
import { assertNever } from '../base/assert.ts'
import { azureStore } from './azure.ts'
import { type BucketOptions, createBucket } from './bucket.ts'
import type { Bucket } from './contract.ts'
import { filesystemStore } from './filesystem.ts'
import { gcsStore } from './gcs.ts'
import { withPrefix } from './prefix.ts'
import { s3Store } from './s3.ts'
import type { BucketSettings } from './settings.ts'
import type { Store } from './store.ts'

export function openBucket(settings: BucketSettings, options: BucketOptions = {}): Bucket {
  const attempts = settings.kind === 'filesystem' ? null : settings.maxAttempts
  const retry = attempts === null ? options.retry : { ...options.retry, attempts }
  return withPrefix(createBucket(storeOf(settings, options), { ...options, ...(retry && { retry }) }), settings.prefix)
}

function storeOf(settings: BucketSettings, { clock }: BucketOptions): Store {
  switch (settings.kind) {
    case 'filesystem':
      return filesystemStore(settings, clock)
    case 's3':
      return s3Store(settings)
    case 'gcs':
      return gcsStore(settings)
    case 'azure':
      return azureStore(settings)
    default:
      return assertNever(settings)
  }
}
