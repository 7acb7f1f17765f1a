/**
 * Under load the heap may grow well past what is live before V8 collects it (`--heap-growing-percent` in `bin/run.mjs`),
 * which a quiet server would take many minutes to fill. So garbage is also collected once there is a certain amount of it,
 * looked at every half minute: a few tens of milliseconds of CPU every few minutes.
 */
import v8 from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock } from '../../pkg/base/ports.ts'

const EVERY_MS = 30_000
const GARBAGE_BYTES = 10 << 20

type Collect = (options: { readonly type: 'major'; readonly execution: 'async' }) => Promise<void>

/** Returns its end. */
export function collectWhenQuiet(clock: Clock): () => void {
  v8.setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as Collect
  v8.setFlagsFromString('--no-expose-gc')
  const ended = new AbortController()
  const inUse = (): number => {
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  void (async () => {
    let live = inUse()
    while (!ended.signal.aborted) {
      await clock.sleep(EVERY_MS, ended.signal)
      if (ended.signal.aborted || inUse() - live < GARBAGE_BYTES) continue
      await collect({ type: 'major', execution: 'async' })
      live = inUse()
    }
  })()
  return () => ended.abort()
}
