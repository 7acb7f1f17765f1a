/**
 * Errors by whose they are: the caller's (`RequestError`), the configuration's (`ConfigError`), stored data's
 * (`CorruptionError`). Anything else that is thrown is a bug. Each protocol maps a `RequestCode` to its own status once.
 */

/** gRPC's status names, lower case. */
export type RequestCode =
  | 'canceled'
  | 'invalid_argument'
  | 'deadline_exceeded'
  | 'not_found'
  | 'already_exists'
  | 'permission_denied'
  | 'resource_exhausted'
  | 'failed_precondition'
  | 'out_of_range'
  | 'unimplemented'
  | 'internal'
  | 'unavailable'
  | 'unauthenticated'

/** The caller's to mend. `span` is [start, end) in UTF-16 units of the text that was wrong, where there is one. */
export class RequestError extends Error {
  readonly code: RequestCode
  readonly span: readonly [number, number] | null

  constructor(code: RequestCode, message: string, options: { span?: readonly [number, number]; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'RequestError'
    this.code = code
    this.span = options.span ?? null
  }

  /** Where an unknown throw becomes typed, once, at the edge. */
  static from(thrown: unknown): RequestError {
    if (thrown instanceof RequestError) return thrown
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    return new RequestError('internal', message, { cause: thrown })
  }
}

/** A setting is wrong: reads `file:line:column: message`. */
export class ConfigError extends Error {
  constructor(place: { readonly file: string; readonly line: number; readonly column: number }, message: string) {
    super(`${place.file}:${place.line}:${place.column}: ${message}`)
    this.name = 'ConfigError'
  }
}

/** Stored bytes are not what was written: reads `path@offset: message`. */
export class CorruptionError extends Error {
  readonly path: string
  readonly offset: number

  constructor(message: string, place: { readonly path: string; readonly offset: number }) {
    super(`${place.path}@${place.offset}: ${message}`)
    this.name = 'CorruptionError'
    this.path = place.path
    this.offset = place.offset
  }
}
