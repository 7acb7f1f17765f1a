/** Looks through the indexes of blocks and makes those again that are missing or damaged. Runs in a worker. */
import { indexFault, rebuildIndex } from './rebuild.ts'

export interface Mended {
  readonly block: string
  readonly fault: string
  /** Why it could not be mended, else null. */
  readonly error: string | null
  readonly profiles: number
  /** Profiles without rows, which did not come back. */
  readonly lost: number
}

/** What was found to mend. Blocks are taken one after the other; one that cannot be mended is no reason to stop. */
export async function mendIndexes(
  blocks: readonly { readonly ulid: string; readonly directory: string }[],
): Promise<Mended[]> {
  const out: Mended[] = []
  for (const { ulid, directory } of blocks) {
    const fault = indexFault(directory)
    if (fault === null) continue
    try {
      out.push({ block: ulid, fault, error: null, ...(await rebuildIndex(directory)) })
    } catch (error) {
      out.push({ block: ulid, fault, error: (error as Error).message, profiles: 0, lost: 0 })
    }
  }
  return out
}
