/** Writes of every sort a store has to take: several types and label sets, inlined frames, bare addresses, big and negative values. */
import type { LocationModel, WriteModel } from './profile-write.ts'
import type { Random } from './random.ts'

export interface RandomWritesOptions {
  readonly profiles: number
  readonly samples: number
  /** Times are spread over so many milliseconds from T0 on. */
  readonly spanMs: number
  readonly wide?: boolean
}

/** 2023-11-14T22:00:00Z, the start of an hour. */
export const T0_MS = 1_699_999_200_000

const TYPES: readonly (readonly string[])[] = [
  ['process_cpu:samples:count:cpu:nanoseconds:delta', 'process_cpu:cpu:nanoseconds:cpu:nanoseconds:delta'],
  ['memory:inuse_space:bytes:space:bytes'],
  ['odd-name:größe::: :delta'.replace(' ', '')],
]
const LABELS: readonly Readonly<Record<string, string>>[] = [
  { job: 'api', 'http.route': '/x' },
  { job: 'api', 'http.route': '/y', größe: 'groß' },
  { service_name: 'web', pod: 'p-1', 'a"b\\c': 'quote" and \\' },
  { service_name: 'web', pod: 'p-2', empty: '' },
  {},
]
const FILES = ['', 'main.go', 'pfad/größe.go']

export function randomWrites(random: Random, options: RandomWritesOptions): WriteModel[] {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)]!
  const line = () => ({
    function: random.below(12) === 0 ? '' : `f${random.below(30)}`,
    ...(random.below(4) === 0 ? { systemName: `_f${random.below(5)}` } : {}),
    file: pick(FILES),
    line: random.below(20) === 0 ? 2 ** 40 + random.below(9) : random.below(5),
    startLine: random.below(3),
  })
  const location = (): LocationModel => ({
    lines: random.below(8) === 0 ? [] : Array.from({ length: 1 + random.below(3) }, line),
    address: random.below(9) === 0 ? 2n ** 63n + BigInt(random.below(4)) : BigInt(random.below(6)),
    mapping: pick(['', 'bin', 'libc.so']),
    buildId: pick(['', 'abc']),
  })
  const locations = Array.from({ length: 40 }, location)
  const value = (): bigint => {
    switch (random.below(options.wide ? 6 : 4)) {
      case 0:
        return 0n
      case 1:
        return -BigInt(random.below(1000))
      case 4:
        return BigInt(random.below(1000)) * 2n ** 52n - 2n ** 61n
      case 5:
        return pick([2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n])
      default:
        return BigInt(random.below(100_000))
    }
  }
  return Array.from({ length: options.profiles }, () => {
    const types = pick(TYPES)
    // A stack once a profile: what leaves int64 is another test's.
    const stacks = new Map<string, LocationModel[]>()
    for (let i = random.below(options.samples + 1); i > 0; i--) {
      const stack = Array.from({ length: random.below(9) }, () => pick(locations))
      stacks.set(stack.map(l => locations.indexOf(l)).join(), stack)
    }
    const samples = [...stacks.values()].map(stack => ({ stack, values: types.map(value) }))
    const half = Math.floor(samples.length / 2)
    const labels = pick(LABELS)
    const split = random.below(4) === 0 && half > 0
    const rows = samples.map((_, i) => i)
    return {
      types,
      series: split
        ? [
            { labels, samples: rows.slice(0, half) },
            { labels: { ...labels, thread: 't1' }, samples: rows.slice(half) },
          ]
        : [{ labels }],
      samples,
      timeNanos: BigInt(T0_MS + random.below(options.spanMs)) * 1_000_000n + BigInt(random.below(3)),
      durationNanos: types[0]!.endsWith(':delta') ? 10_000_000_000n : 0n,
      period: BigInt(random.below(2)) * 10_000_000n,
    }
  })
}
