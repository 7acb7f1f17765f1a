/**
 * Writes the pprof of one CPU profile from stacks of a universe, as Go's runtime does: only what the profile uses, numbered
 * by first use, strings last but for what changes from profile to profile. One buffer is used again for every profile.
 */
import type { StackUniverse } from './stack-universe.ts'

export interface WriterOptions {
  readonly universe: StackUniverse
  /** Address of a location in the binary that is profiled. */
  readonly addressOf: (location: number) => number
  readonly binary: string
}

export interface ProfileContent {
  /** Stacks of the universe, each once. */
  readonly stacks: Int32Array
  /** Times a stack was seen, beside it. */
  readonly counts: Int32Array
}

const PERIOD = 10_000_000
const DURATION = 10_000_000_000

/** The encoder of one binary's profiles. What it returns is valid until the next call, and lacks `time_nanos`. */
export function createPprofWriter({ universe, addressOf, binary }: WriterOptions): (content: ProfileContent) => Buffer {
  const buffer = Buffer.allocUnsafe(4 << 20)
  let at = 0
  const strings = new Map<string, number>()
  const locationRow = new Int32Array(universe.locations.length)
  const functionRow = new Int32Array(universe.functions.length)

  function varint(value: number): void {
    while (value > 127) {
      buffer[at++] = (value % 128) | 128
      value = Math.floor(value / 128)
    }
    buffer[at++] = value
  }
  function int(field: number, value: number): void {
    if (value === 0) return
    varint(field * 8)
    varint(value)
  }
  /** A message or packed numbers: written behind room for a length of two bytes, which is then set. */
  function nested(field: number, write: () => void): void {
    varint(field * 8 + 2)
    const start = at
    at += 2
    write()
    const length = at - start - 2
    if (length >= 1 << 14) throw new Error('a message of the generator is longer than 16 KiB')
    buffer[start] = (length & 127) | 128
    buffer[start + 1] = length >> 7
  }
  function string(text: string): number {
    let row = strings.get(text)
    if (row === undefined) strings.set(text, (row = strings.size))
    return row
  }
  const valueType = (field: number, type: string, unit: string): void =>
    nested(field, () => {
      int(1, string(type))
      int(2, string(unit))
    })

  return ({ stacks, counts }) => {
    at = 0
    strings.clear()
    string('')
    locationRow.fill(0)
    functionRow.fill(0)
    const usedLocations: number[] = []
    const usedFunctions: number[] = []
    valueType(1, 'samples', 'count')
    valueType(1, 'cpu', 'nanoseconds')
    for (let i = 0; i < stacks.length; i++) {
      const path = universe.stacks[stacks[i]!]!
      nested(2, () => {
        nested(1, () => {
          for (let k = path.length - 1; k >= 0; k--) {
            const location = path[k]!
            if (locationRow[location] === 0) locationRow[location] = usedLocations.push(location)
            varint(locationRow[location]!)
          }
        })
        nested(2, () => {
          varint(counts[i]!)
          varint(counts[i]! * PERIOD)
        })
      })
    }
    nested(3, () => {
      int(1, 1)
      int(2, 0x40_0000)
      int(3, 0x190_0000)
      int(5, string(binary))
      int(7, 1)
    })
    for (const [i, location] of usedLocations.entries()) {
      nested(4, () => {
        int(1, i + 1)
        int(2, 1)
        int(3, addressOf(location))
        for (const { fn, line } of universe.locations[location]!.lines) {
          if (functionRow[fn] === 0) functionRow[fn] = usedFunctions.push(fn)
          nested(4, () => {
            int(1, functionRow[fn]!)
            int(2, line)
          })
        }
      })
    }
    for (const [i, fn] of usedFunctions.entries()) {
      const f = universe.functions[fn]!
      nested(5, () => {
        int(1, i + 1)
        int(2, string(f.name))
        int(3, string(f.systemName))
        int(4, string(f.file))
        int(5, f.startLine)
      })
    }
    valueType(11, 'cpu', 'nanoseconds')
    int(12, PERIOD)
    int(10, DURATION)
    for (const text of strings.keys()) {
      varint(6 * 8 + 2)
      const length = Buffer.byteLength(text)
      varint(length)
      at += buffer.write(text, at)
    }
    return buffer.subarray(0, at)
  }
}

/** The field `time_nanos` of a profile. */
export function timeField(timeNanos: bigint): Uint8Array {
  const bytes = [9 * 8]
  let rest = timeNanos
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}
