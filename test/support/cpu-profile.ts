/** Where the time of a thread went, from the files that `node --cpu-prof` writes: one per thread. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[] // µs
}

/** The folder of `--cpu-prof` on a benchmark's command line, made if it names none; null without the flag. */
export function profileFolder(): string | null {
  const given = process.argv.find(a => a === '--cpu-prof' || a.startsWith('--cpu-prof='))
  if (given === undefined) return null
  return given.includes('=') ? given.slice(given.indexOf('=') + 1) : mkdtempSync(join(tmpdir(), 'decima-cpu-'))
}

export const profileFlags = (folder: string | null): string[] =>
  folder === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`]

/** Prints the functions of each thread that took most time by themselves, without what was idle. */
export function printHotSpots(folder: string, most = 25): void {
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.cpuprofile')) continue
    const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile
    const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
    const self = new Map<string, number>()
    let total = 0
    for (const [i, id] of samples.entries()) {
      const { functionName, url, lineNumber } = frames.get(id)!
      if (functionName === '(idle)') continue
      const place = url === '' ? '' : ` ${shorten(url)}:${lineNumber + 1}`
      const key = `${functionName || '(anonymous)'}${place}`
      self.set(key, (self.get(key) ?? 0) + timeDeltas[i]!)
      total += timeDeltas[i]!
    }
    console.log(`${name}: ${(total / 1e6).toFixed(2)} s`)
    for (const [key, us] of [...self].sort((a, b) => b[1] - a[1]).slice(0, most)) {
      console.log(
        `  ${((us / total) * 100).toFixed(1).padStart(5)} %  ${(us / 1000).toFixed(0).padStart(6)} ms  ${key}`,
      )
    }
  }
}

const shorten = (url: string): string => url.replace(/^file:\/\//, '').replace(join(import.meta.dirname, '../../'), '')
