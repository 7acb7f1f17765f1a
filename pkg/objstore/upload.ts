/**
 * Brings one file into the bucket and makes sure of it: the source may be deleted after this has resolved, not before.
 * What is already there with the same size and MD5 is not sent again, so an upload that was cut off goes on where it was.
 */
import { md5OfFile } from './content.ts'
import type { Bucket, CallOptions, FileBody, ObjectInfo } from './contract.ts'
import { BucketError, StoreError } from './errors.ts'

export interface Uploaded extends ObjectInfo {
  /** False when it was there already. */
  readonly sent: boolean
}

export async function upload(
  bucket: Bucket,
  key: string,
  file: FileBody,
  options: CallOptions = {},
): Promise<Uploaded> {
  const fail = (error: StoreError) =>
    new BucketError(error, { bucket: bucket.name, operation: 'put', key, attempts: 1 })
  const md5 = await md5OfFile(file.path, file.size).catch((thrown: unknown) => {
    throw thrown instanceof StoreError ? fail(thrown) : thrown
  })
  const want = md5.toString('hex')
  const before = await bucket.head(key, options)
  if (before !== null && before.size === file.size && before.md5 === want) return { ...before, sent: false }

  const { etag } = await bucket.put(key, { ...file, md5: want }, options)
  const after = await bucket.head(key, options)
  if (after === null) throw fail(new StoreError('corrupt', 'the object is not there after the upload'))
  if (after.size !== file.size || after.md5 !== want || after.etag !== etag)
    throw fail(
      new StoreError(
        'corrupt',
        `the object is not what was sent: ${after.size} bytes, MD5 ${after.md5}, want ${file.size} bytes, MD5 ${want}`,
      ),
    )
  return { ...after, sent: true }
}
