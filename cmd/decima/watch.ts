/**
 * Watches the configuration file by reading it: in-place writes, renames over it and swapped symlinks all show as another
 * text. An unreadable or half-written file is looked at again the next time.
 */
import { readFile } from 'node:fs/promises'
import type { Clock } from '../../pkg/base/ports.ts'

const EVERY_MS = 2000

/** Calls `changed` once for each text that differs from the one before; `current` is the text in force. Returns its end. */
export function watchConfig(path: string, current: () => string, clock: Clock, changed: () => void): () => void {
  const ended = new AbortController()
  void (async () => {
    let seen = current()
    while (!ended.signal.aborted) {
      await clock.sleep(EVERY_MS, ended.signal)
      const text = await readFile(path, 'utf8').catch(() => null)
      if (ended.signal.aborted || text === null || text === seen) continue
      seen = text
      if (text !== current()) changed()
    }
  })()
  return () => ended.abort()
}
