/**
 * What goes wrong with a bucket, by what the caller can do about it. A store throws `StoreError` (one request, no place);
 * the shell in `bucket.ts` turns it into the `BucketError` that callers see.
 */

export type BucketErrorKind =
  | 'not_found' // no such object
  | 'precondition_failed' // somebody else wrote: read again, decide again
  | 'denied' // credentials are wrong or do not suffice
  | 'misconfigured' // no such bucket, wrong region, wrong endpoint
  | 'invalid' // the request itself is wrong: a key, a range without length, a file of another size
  | 'out_of_range' // the range is not inside the object
  | 'unsupported' // the store cannot do this at all
  | 'full' // no space, or over quota
  | 'corrupt' // bytes came out, or went in, other than they are
  | 'unavailable' // outage, overload, timeout, broken connection
  | 'canceled' // the caller's signal, or the bucket was closed

export type Operation = 'get' | 'put' | 'head' | 'list' | 'remove'

/** What one request ran into. The shell adds where. */
export class StoreError extends Error {
  readonly kind: BucketErrorKind

  constructor(kind: BucketErrorKind, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause })
    this.name = 'StoreError'
    this.kind = kind
  }
}

/** Reads `s3://fleet: put writers/a/manifest: 503 SlowDown: reduce your request rate (unavailable, 6 attempts)`. */
export class BucketError extends Error {
  readonly kind: BucketErrorKind
  readonly bucket: string
  readonly operation: Operation
  readonly key: string
  readonly attempts: number

  constructor(error: StoreError, place: { bucket: string; operation: Operation; key: string; attempts: number }) {
    const tries = place.attempts > 1 ? `, ${place.attempts} attempts` : ''
    super(`${place.bucket}: ${place.operation} ${place.key}: ${error.message} (${error.kind}${tries})`, {
      cause: error,
    })
    this.name = 'BucketError'
    this.kind = error.kind
    this.bucket = place.bucket
    this.operation = place.operation
    this.key = place.key
    this.attempts = place.attempts
  }
}

export function isBucketError(thrown: unknown, kind?: BucketErrorKind): thrown is BucketError {
  return thrown instanceof BucketError && (kind === undefined || thrown.kind === kind)
}

/** Waiting and asking again may help. */
export const isPassing = (kind: BucketErrorKind): boolean => kind === 'unavailable' || kind === 'corrupt'

/** What an HTTP status means where the store's own code does not say more. */
export function kindOfStatus(status: number): BucketErrorKind {
  if (status === 404) return 'not_found'
  if (status === 401 || status === 403) return 'denied'
  if (status === 412) return 'precondition_failed'
  if (status === 416) return 'out_of_range'
  if (status === 501) return 'unsupported'
  if (status === 408 || status === 429 || status >= 500) return 'unavailable'
  if (status >= 300 && status < 400) return 'misconfigured'
  return 'invalid'
}

/** `503 SlowDown: text`, one line, short, without what signs a request. */
export function describe(status: number | undefined, code: string | undefined, message: string | undefined): string {
  const line = (message ?? '')
    .split('\n')[0]!
    .replaceAll(/([?&]?\b(?:sig|signature|x-amz-signature|token)=)[^&\s"]+/gi, '$1…')
  const head = [status, code].filter(part => part !== undefined && part !== '').join(' ')
  return [head, line.slice(0, 300)].filter(part => part !== '').join(': ') || 'no answer'
}
