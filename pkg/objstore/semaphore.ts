/** A cap on what runs at once, by count or by weight (bytes in flight). First come, first served, so nobody starves. */
import { assert } from '../base/assert.ts'

export interface Semaphore {
  /** Runs `task` when there is room for `weight`; one heavier than the whole cap runs alone. */
  run<T>(task: () => Promise<T>, weight?: number): Promise<T>
  readonly inUse: number
}

export function createSemaphore(cap: number): Semaphore {
  assert(cap > 0, 'a semaphore without room')
  let inUse = 0
  const waiting: { weight: number; start: () => void }[] = []

  const startNext = (): void => {
    while (waiting.length > 0 && (inUse === 0 || inUse + waiting[0]!.weight <= cap)) {
      const next = waiting.shift()!
      inUse += next.weight
      next.start()
    }
  }

  return {
    get inUse() {
      return inUse
    },
    async run(task, weight = 1) {
      const share = Math.min(weight, cap)
      await new Promise<void>(start => {
        waiting.push({ weight: share, start })
        startNext()
      })
      try {
        return await task()
      } finally {
        inUse -= share
        startNext()
      }
    },
  }
}

/** `task` over all items, at most `cap` at once, answers in the order of the items. The first failure stops the rest from starting. */
export async function mapParallel<T, R>(
  items: readonly T[],
  cap: number,
  task: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length)
  let next = 0
  let failed = false
  const worker = async (): Promise<void> => {
    while (!failed && next < items.length) {
      const index = next++
      try {
        results[index] = await task(items[index]!, index)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const workers = await Promise.allSettled(Array.from({ length: Math.min(cap, items.length) }, worker))
  for (const outcome of workers) if (outcome.status === 'rejected') throw outcome.reason
  return results
}
