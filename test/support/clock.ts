/**
 * A clock that moves only when told. Sleepers wake in the order of their times; between two of them every promise that can
 * settle does, so a run of simulated hours takes milliseconds and is the same each time.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../pkg/base/ports.ts'

export interface SimClock extends Clock {
  /** Moves on by `ms`, waking whoever sleeps until then. */
  advance(ms: number): Promise<void>
  /** Sets the wall clock, as an operator does; the monotonic one and sleepers do not notice. */
  setWall(now: number): void
}

export function createSimClock(start = 1_700_000_000_000): SimClock {
  let elapsed = 0
  let wall = start
  let order = 0
  const sleepers = new Set<{ at: number; order: number; wake: () => void }>()

  const settle = async () => {
    for (let i = 0; i < 4; i++) await turn()
  }

  return {
    now: () => wall + elapsed,
    monotonic: () => elapsed,
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.resolve()
      return new Promise(resolve => {
        const sleeper = { at: elapsed + Math.max(0, ms), order: order++, wake: done }
        function done() {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', done)
          resolve()
        }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', done, { once: true })
      })
    },
    async advance(ms) {
      const end = elapsed + ms
      for (;;) {
        await settle()
        let next: { at: number; order: number; wake: () => void } | null = null
        for (const s of sleepers)
          if (s.at <= end && (next === null || s.at < next.at || (s.at === next.at && s.order < next.order))) next = s
        if (next === null) break
        elapsed = Math.max(elapsed, next.at)
        next.wake()
      }
      elapsed = end
      await settle()
    },
    setWall(now) {
      wall = now - elapsed
    },
  }
}
