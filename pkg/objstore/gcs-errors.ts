/** What Google's API and its SDK say went wrong, as kinds. */
import { withoutAnswer } from './answer.ts'
import { describe, kindOfStatus, StoreError } from './errors.ts'

interface ApiError extends Error {
  /** The HTTP status, as number or text; or the code of a broken connection. */
  readonly code?: number | string
  readonly errors?: readonly { readonly reason?: string }[]
}

export function gcsError(thrown: unknown): unknown {
  if (thrown instanceof StoreError || !(thrown instanceof Error)) return thrown
  const { code, errors } = thrown as ApiError
  const status = Number(code)
  if (!Number.isInteger(status) || status < 300) return withoutAnswer(thrown)
  return gcsStatusError(status, errors?.[0]?.reason, thrown.message, thrown)
}

export function gcsStatusError(status: number, reason: string | undefined, text: string, cause?: unknown): StoreError {
  const message = messageOf(text)
  const detail = describe(status, reason, message)
  if (status === 404 && /bucket does not exist/i.test(message)) return new StoreError('misconfigured', detail, cause)
  // Another writes to the object at this moment.
  if (status === 409) return new StoreError('unavailable', detail, cause)
  return new StoreError(kindOfStatus(status), detail, cause)
}

/** Out of the JSON of an answer, where it is one. */
function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { error?: { message?: string } }).error?.message ?? text
  } catch {
    return text
  }
}
