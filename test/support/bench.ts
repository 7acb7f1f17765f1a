/** What the benchmarks share: temporary folders, times, tables, the figure that they are held to. */
import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Load } from './standard-load.ts'

export const isSmall = process.argv.includes('--small')

/** Runs with a folder that is removed at the end. */
export async function withFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'decima-bench-'))
  try {
    return await run(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A line with a figure and, where there is one, what it should not exceed. */
export function figure(name: string, value: number, unit: string, atMost?: number): void {
  const number = value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
  const target = atMost === undefined ? '' : `   at most ${atMost}: ${value <= atMost ? 'met' : 'MISSED'}`
  console.log(`  ${name.padEnd(44)} ${number.padStart(9)} ${unit}${target}`)
}

/** Seconds of CPU that this thread takes for gunzipSync of every body: the best of three. */
export function gunzipSeconds(load: Load): number {
  let best = Number.POSITIVE_INFINITY
  const bodies = load.profiles.map((_, i) => load.body(i))
  for (let round = 0; round < 3; round++) {
    const before = process.threadCpuUsage()
    for (const body of bodies) gunzipSync(body)
    const { user, system } = process.threadCpuUsage(before)
    best = Math.min(best, (user + system) / 1e6)
  }
  return best
}

export interface FileBytes {
  /** Relative to the folder. */
  readonly path: string
  readonly bytes: number
  readonly allocated: number
}

/** Every file below the folder, an inode once. */
export function filesOf(folder: string): FileBytes[] {
  const seen = new Set<number>()
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap(path => {
    const stat = lstatSync(join(folder, path))
    if (!stat.isFile() || seen.has(stat.ino)) return []
    seen.add(stat.ino)
    return [{ path, bytes: stat.size, allocated: stat.blocks * 512 }]
  })
}

export const sum = (numbers: Iterable<number>): number => {
  let total = 0
  for (const n of numbers) total += n
  return total
}

export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))]!
}
