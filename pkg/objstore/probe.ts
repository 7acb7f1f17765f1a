/**
 * Finds out whether a store honours conditions by trying: some that speak S3 take the header and overwrite all the same,
 * and nothing but a refusal shows that they look at it.
 */
import { randomBytes } from 'node:crypto'
import type { Bucket, CallOptions, PutOptions } from './contract.ts'
import { isBucketError } from './errors.ts'

export type Verdict = 'honoured' | 'ignored'

export interface ProbeResult {
  /** Both of the below. */
  readonly verdict: Verdict
  readonly create: Verdict
  readonly replace: Verdict
  /** What was done and what came of it, a line each. */
  readonly evidence: readonly string[]
}

/** Writes, overwrites and removes one object of its own below `probe/`. Rejects when the store cannot be written to at all. */
export async function probeConditions(bucket: Bucket, options: CallOptions = {}): Promise<ProbeResult> {
  const key = `probe/${randomBytes(12).toString('hex')}`
  const evidence: string[] = []

  /** `etag` of the write, or null where the condition was refused. */
  async function put(what: string, text: string, condition: PutOptions): Promise<{ etag: string } | null> {
    const say = (outcome: string) => evidence.push(`${what}: ${outcome}`)
    try {
      const stored = await bucket.put(key, Buffer.from(text), { ...condition, ...options })
      say(`written, etag ${stored.etag}`)
      return stored
    } catch (error) {
      if (isBucketError(error, 'precondition_failed')) say('refused')
      else if (isBucketError(error, 'unsupported')) say(`not supported: ${error.message}`)
      else throw error
      return null
    }
  }

  try {
    const first = await put('create what is not there', 'first', { ifNoneMatch: true })
    const again = await put('create what is there', 'second', { ifNoneMatch: true })
    const create = first !== null && again === null
    const base = create ? first : await put('write without a condition', 'third', {})
    const replaced = await put('replace the version that is there', 'fourth', { ifMatch: base!.etag })
    const stale = await put('replace a version that is gone', 'fifth', { ifMatch: base!.etag })
    const replace = replaced !== null && stale === null
    return {
      verdict: create && replace ? 'honoured' : 'ignored',
      create: create ? 'honoured' : 'ignored',
      replace: replace ? 'honoured' : 'ignored',
      evidence,
    }
  } finally {
    await bucket.remove(key, options).catch(() => {})
  }
}
