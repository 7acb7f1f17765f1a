/** Assertions: a failure is a bug of ours, never of a caller or of stored data. */

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`BUG: ${message}`)
}

/** Ends a switch over a union: the compiler refuses a member that was forgotten. */
export function assertNever(value: never): never {
  throw new Error(`BUG: unexpected ${JSON.stringify(value)}`)
}
