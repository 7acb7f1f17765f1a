/** What Azure and its SDK say went wrong, as kinds. */
import { withoutAnswer } from './answer.ts'
import { type BucketErrorKind, describe, kindOfStatus, StoreError } from './errors.ts'
import type { Condition } from './store.ts'

const KINDS: Readonly<Record<string, BucketErrorKind>> = {
  ContainerNotFound: 'misconfigured',
  ContainerBeingDeleted: 'unavailable',
  AccountIsDisabled: 'denied',
  InvalidRange: 'out_of_range',
  Md5Mismatch: 'unavailable',
  OperationTimedOut: 'unavailable',
  UnsupportedHeader: 'unsupported',
}

/** How a condition fails besides 412: the object appeared, is gone, or another's commit threw our blocks away. */
const REFUSALS = new Set(['BlobAlreadyExists', 'BlobNotFound', 'InvalidBlockList'])

interface RestError extends Error {
  readonly code?: string
  readonly statusCode?: number
  readonly details?: { readonly errorCode?: string }
}

export function azureError(thrown: unknown, condition: Condition): unknown {
  if (thrown instanceof StoreError || !(thrown instanceof Error)) return thrown
  const { statusCode, code: ownCode, details } = thrown as RestError
  if (statusCode === undefined) return withoutAnswer(thrown)
  // A HEAD has no body to say why; the code comes in a header then.
  const code = details?.errorCode ?? ownCode ?? ''
  const isRefusal = condition.kind !== 'none' && REFUSALS.has(code)
  const kind = isRefusal ? 'precondition_failed' : (KINDS[code] ?? kindOfStatus(statusCode))
  return new StoreError(kind, describe(statusCode, code, thrown.message), thrown)
}
