/**
 * Stacks like real ones, in any number: those of the corpus, cut and joined where two of them are in the same function,
 * so that every call in a stack was seen in a real profile. A stack is a list of locations, the root first; a location
 * keeps the lines (inlined functions) that it had.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodePprof } from '../../pkg/pprof/decode.ts'
import { decompressBodySync } from '../../pkg/pprof/decompress.ts'
import { randomFrom } from './random.ts'

export interface StackFunction {
  readonly name: string
  readonly systemName: string
  readonly file: string
  readonly startLine: number
}

export interface StackLocation {
  /** Innermost first, as pprof has them. */
  readonly lines: readonly { readonly fn: number; readonly line: number }[]
}

export interface StackUniverse {
  readonly functions: readonly StackFunction[]
  readonly locations: readonly StackLocation[]
  /** Distinct; locations, the root first. */
  readonly stacks: readonly Int32Array[]
  /** Mean number of frames, inlined ones included. */
  readonly depth: number
}

const CORPUS = join(import.meta.dirname, '../corpus')
/** Frames of a stack: those joined are aimed at between `least` and `most`, evenly, so that the mean is about 17. */
const DEPTH = { least: 5, most: 23 }
/** Places looked at for one that brings the stack near the depth that is aimed at. */
const TRIES = 12

export function stackUniverse(size: number, seed: number): StackUniverse {
  const { functions, locations, stacks } = readCorpus()
  const random = randomFrom(seed)
  const physical = (location: number): number => locations[location]!.lines.at(-1)!.fn
  const places = new Map<number, { stack: number; at: number }[]>()
  for (const [stack, path] of stacks.entries()) {
    for (const [at, location] of path.entries()) {
      const fn = physical(location)
      if (!places.has(fn)) places.set(fn, [])
      places.get(fn)!.push({ stack, at })
    }
  }
  const frames = (path: readonly number[]): number => path.reduce((sum, l) => sum + locations[l]!.lines.length, 0)
  const seen = new Set<string>()
  const made: number[][] = []
  const add = (path: number[]): void => {
    const key = path.join(' ')
    if (!seen.has(key)) made.push(path)
    seen.add(key)
  }
  for (const path of stacks) add(path)
  while (made.length < size) {
    const target = DEPTH.least + random.below(DEPTH.most - DEPTH.least + 1)
    const from = made[random.below(made.length)]!
    let best = from
    for (let i = 0; i < TRIES && Math.abs(frames(best) - target) > 1; i++) {
      const at = random.below(from.length)
      const others = places.get(physical(from[at]!))!
      const other = others[random.below(others.length)]!
      const path = [...from.slice(0, at), ...stacks[other.stack]!.slice(other.at)]
      if (Math.abs(frames(path) - target) < Math.abs(frames(best) - target)) best = path
    }
    if (best !== from) add(best)
  }
  const taken = made.slice(0, size)
  return {
    functions,
    locations,
    stacks: taken.map(path => Int32Array.from(path)),
    depth: taken.reduce((sum, path) => sum + frames(path), 0) / taken.length,
  }
}

function readCorpus() {
  const functions: StackFunction[] = []
  const locations: StackLocation[] = []
  const functionIds = new Map<string, number>()
  const locationIds = new Map<string, number>()
  const stacks = new Map<string, number[]>()
  const idOf = <T>(ids: Map<string, number>, list: T[], value: T): number => {
    const key = JSON.stringify(value)
    if (!ids.has(key)) ids.set(key, list.push(value) - 1)
    return ids.get(key)!
  }
  const decoder = new TextDecoder()
  for (const file of readdirSync(CORPUS, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!file.endsWith('.pb.gz')) continue
    const raw = decompressBodySync(readFileSync(join(CORPUS, file)), 2 ** 26)
    const p = decodePprof(raw, { samples: 0, strings: 0, stringLength: 0 })
    const text = (i: number): string => decoder.decode(p.strings.bytes.subarray(p.strings.start[i]!, p.strings.end[i]!))
    const functionOf = Array.from({ length: p.functions.length }, (_, i) =>
      idOf(functionIds, functions, {
        name: text(p.functions.name[i]!),
        systemName: text(p.functions.systemName[i]!),
        file: text(p.functions.file[i]!),
        startLine: p.functions.startLine[i]!,
      }),
    )
    const locationOf = Array.from({ length: p.locations.length }, (_, i) => {
      const lines = []
      for (let k = p.locations.lineStart[i]!; k < p.locations.lineStart[i + 1]!; k++) {
        const fn = p.locations.lineFunction[k]!
        if (fn >= 0) lines.push({ fn: functionOf[fn]!, line: p.locations.line[k]! })
      }
      return lines.length === 0 ? -1 : idOf(locationIds, locations, { lines })
    })
    for (let i = 0; i < p.samples.length; i++) {
      const own = p.samples.location.subarray(p.samples.locationStart[i]!, p.samples.locationStart[i + 1]!)
      const path = Array.from(own, l => locationOf[l]!).reverse()
      if (path.length > 0 && !path.includes(-1)) stacks.set(path.join(' '), path)
    }
  }
  // Every other one: with them all a profile would name more functions than those of real services do.
  return { functions, locations, stacks: [...stacks.values()].filter((_, i) => i % 2 === 0) }
}
