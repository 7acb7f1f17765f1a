/** What S3 and its SDK say went wrong, as kinds. Codes first, as several of them share a status; then the status. */
import { withoutAnswer } from './answer.ts'
import { type BucketErrorKind, describe, kindOfStatus, StoreError } from './errors.ts'

const KINDS: Readonly<Record<string, BucketErrorKind>> = {
  NoSuchKey: 'not_found',
  NotFound: 'not_found',
  NoSuchUpload: 'precondition_failed',
  PreconditionFailed: 'precondition_failed',
  InvalidRange: 'out_of_range',
  NoSuchBucket: 'misconfigured',
  InvalidBucketName: 'misconfigured',
  PermanentRedirect: 'misconfigured',
  AuthorizationHeaderMalformed: 'misconfigured',
  NotImplemented: 'unsupported',
  CredentialsProviderError: 'denied',
  QuotaExceeded: 'full',
  XMinioStorageFull: 'full',
  BadDigest: 'unavailable',
  ConditionalRequestConflict: 'unavailable',
  IncompleteBody: 'unavailable',
  OperationAborted: 'unavailable',
  RequestTimeout: 'unavailable',
  RequestTimeTooSkewed: 'unavailable',
  XAmzContentSHA256Mismatch: 'unavailable',
}

const OVER = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidToken',
  'TokenRefreshRequired',
  'InvalidAccessKeyId',
])

interface SdkError extends Error {
  readonly Code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** The store does not know these credentials any more. */
export const areCredentialsOver = (thrown: unknown): boolean => thrown instanceof Error && OVER.has(codeOf(thrown))

/** `renewable`: credentials that are over are fetched anew for the next attempt. What is no answer of the store or of the network stays as it is. */
export function s3Error(thrown: unknown, renewable: boolean): unknown {
  if (thrown instanceof StoreError || !(thrown instanceof Error)) return thrown
  const { $metadata } = thrown as SdkError
  const code = codeOf(thrown)
  const status = $metadata?.httpStatusCode
  if (status === undefined && KINDS[code] === undefined) return withoutAnswer(thrown)
  const kind = OVER.has(code) ? (renewable ? 'unavailable' : 'denied') : (KINDS[code] ?? kindOfStatus(status ?? 500))
  return new StoreError(kind, describe(status, code, thrown.message === code ? '' : thrown.message), thrown)
}

function codeOf(error: SdkError): string {
  return error.Code ?? error.name
}
