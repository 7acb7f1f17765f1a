/** Node's error codes as kinds of what went wrong. */
import { type BucketErrorKind, StoreError } from './errors.ts'

const KINDS: Readonly<Record<string, BucketErrorKind>> = {
  ENOENT: 'not_found',
  ENOTDIR: 'not_found',
  EISDIR: 'not_found',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ENOSPC: 'full',
  EDQUOT: 'full',
  ENAMETOOLONG: 'invalid',
}

export function errorOf(thrown: unknown): unknown {
  if (thrown instanceof StoreError || !(thrown instanceof Error)) return thrown
  const { code, syscall } = thrown as NodeJS.ErrnoException
  // Without a code it is no answer of the system but a mistake of ours.
  if (code === undefined || syscall === undefined) return thrown
  return new StoreError(KINDS[code] ?? 'unavailable', `${syscall}: ${code}`, thrown)
}
