/** What every kind of discovery is: something that goes on telling which target groups there are. */
import type { TargetGroup } from '../../pkg/config/types.ts'

export interface Discovery {
  /** Unique in its job: `static`. */
  readonly name: string
  /**
   * Emits groups until `signal` aborts, then resolves. A group takes the place of an earlier one with the same `source`; one
   * without targets ends it. What fails keeps the groups that are there and is tried again; it does not reject.
   */
  run(emit: (groups: readonly TargetGroup[]) => void, signal: AbortSignal): Promise<void>
}
