/** Parts in the order they start; they stop in reverse, each given the time it asks for, whatever the others do. */
import type { Log } from '../../pkg/base/ports.ts'

export interface Group {
  /** Remembers how to stop a part that has started. */
  add(name: string, stop: () => Promise<void> | void): void
  stop(): Promise<void>
}

export function createGroup(log: Log): Group {
  const parts: { readonly name: string; readonly stop: () => Promise<void> | void }[] = []
  let stopping: Promise<void> | null = null
  return {
    add: (name, stop) => void parts.push({ name, stop }),
    stop() {
      stopping ??= (async () => {
        for (const { name, stop } of parts.reverse()) {
          const started = performance.now()
          try {
            await stop()
            log.debug('stopped', { part: name, took_ms: Math.round(performance.now() - started) })
          } catch (error) {
            log.error('could not be stopped cleanly', { part: name, error: (error as Error).message })
          }
        }
      })()
      return stopping
    },
  }
}
