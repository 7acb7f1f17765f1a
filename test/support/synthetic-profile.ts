/**
 * CPU profiles like those of the standard load, made from the functions of the corpus: walks over a fixed call graph
 * are a pool of stacks, of which each profile draws some hundred, the first ones far more often than the last. Equal
 * arguments make equal profiles.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodePprof } from '../../pkg/pprof/decode.ts'
import { decompressBodySync } from '../../pkg/pprof/decompress.ts'
import type { EncodeInput } from '../../pkg/pprof/encode.ts'
import { viewOfColumns } from './profile-view.ts'

const POOL = 3000

export interface SyntheticOptions {
  readonly seed: number
  readonly samples: number
  /** Mean; stacks are half to one and a half times as deep. */
  readonly depth: number
  /** Locations of the binary, of which a profile has those that it draws. */
  readonly locations: number
}
export const STANDARD: SyntheticOptions = { seed: 1, samples: 303, depth: 17, locations: 1000 }

interface FunctionName {
  readonly name: string
  readonly file: string
}

/** As many as make the tables of the standard load: about 750 locations, 560 functions and 750 strings a profile. */
const FUNCTIONS = 650

/** The first distinct functions of the corpus, in the order of its files. */
export function corpusFunctions(): FunctionName[] {
  const folder = join(import.meta.dirname, '../corpus')
  const byName = new Map<string, FunctionName>()
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.pb.gz')) continue
    const raw = decompressBodySync(readFileSync(join(folder, file)), 2 ** 26)
    for (const f of viewOfColumns(decodePprof(raw, { samples: 0, strings: 0, stringLength: 0 })).functions) {
      byName.set(f.name, { name: f.name, file: f.file })
    }
  }
  return [...byName.values()].slice(0, FUNCTIONS)
}

export function syntheticProfile(options: SyntheticOptions, functions = corpusFunctions()): EncodeInput {
  const pool = stackPool(options, functions.length)
  const next = randomFrom(options.seed)
  const stacks = Array.from({ length: options.samples }, () => pool[Math.floor(POOL * next() ** 3)]!)

  const strings: string[] = ['']
  const stringRows = new Map([['', 0]])
  const string = (text: string): number => {
    if (!stringRows.has(text)) stringRows.set(text, strings.push(text) - 1)
    return stringRows.get(text)!
  }
  const functionRows = rowsOf(stacks.flatMap(stack => stack.map(l => l % functions.length)))
  const locationRows = rowsOf(stacks.flat())
  const functionList = [...functionRows.keys()].map(i => functions[i]!)
  const locationList = [...locationRows.keys()]
  const name = Int32Array.from(functionList, f => string(f.name))
  const file = Int32Array.from(functionList, f => string(f.file))
  const binary = string('/usr/bin/service')
  const bytes = new TextEncoder().encode(strings.join(''))
  const ends = new Int32Array(strings.length)
  let end = 0
  for (let i = 0; i < strings.length; i++) ends[i] = end += Buffer.byteLength(strings[i]!)

  return {
    strings: { bytes, start: Int32Array.of(0, ...ends.subarray(0, -1)), end: ends, length: strings.length },
    mappings: {
      length: 1,
      start: BigUint64Array.of(0x40_0000n),
      limit: BigUint64Array.of(0x90_0000n),
      offset: BigUint64Array.of(0n),
      file: Int32Array.of(binary),
      buildId: Int32Array.of(0),
    },
    functions: {
      length: functionList.length,
      name,
      systemName: name,
      file,
      startLine: Float64Array.from(functionList, (_, i) => 10 + ((i * 37) % 900)),
    },
    locations: {
      length: locationList.length,
      mapping: new Int32Array(locationList.length),
      address: BigUint64Array.from(locationList, l => 0x40_0000n + BigInt(Math.imul(l, 0x9e3779b1) >>> 10)),
      lineStart: Int32Array.from({ length: locationList.length + 1 }, (_, i) => i),
      lineFunction: Int32Array.from(locationList, l => functionRows.get(l % functions.length)!),
      line: Float64Array.from(locationList, l => 12 + ((l * 13) % 900)),
    },
    samples: {
      length: stacks.length,
      locationStart: Int32Array.from([0, ...stacks].map(runningLength())),
      location: Int32Array.from(stacks.flat(), l => locationRows.get(l)!),
      value: BigInt64Array.from(
        stacks.flatMap(() => {
          const count = BigInt(1 + Math.floor(8 * next() ** 4))
          return [count, 10_000_000n * count]
        }),
      ),
      labelStart: new Int32Array(stacks.length + 1),
      labelKey: new Int32Array(0),
      labelString: new Int32Array(0),
      labelNumber: new BigInt64Array(0),
      labelUnit: new Int32Array(0),
    },
    sampleTypes: [
      { type: 'samples', unit: 'count' },
      { type: 'cpu', unit: 'nanoseconds' },
    ],
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    period: 10_000_000n,
    timeNanos: 1_700_000_000_000_000_000n + 10_000_000_000n * BigInt(options.seed),
    durationNanos: 10_000_000_000n,
    defaultSampleType: '',
    dropFrames: '',
    keepFrames: '',
    comments: [],
    docUrl: '',
  }
}

/** Leaf first. Location l is of function l % functions; a location calls one of four others. */
function stackPool({ depth, locations }: SyntheticOptions, functions: number): number[][] {
  const next = randomFrom(7)
  return Array.from({ length: POOL }, () => {
    const stack = [0]
    const length = Math.round(depth * (0.5 + next()))
    while (stack.length < length) {
      const caller = stack[0]!
      const callee = (Math.imul(caller + 1, 40_503 + 977 * Math.floor(4 * next() ** 2)) >>> 3) % locations
      stack.unshift(callee % functions === caller % functions ? (callee + 1) % locations : callee)
    }
    return stack
  })
}

/** Distinct keys, numbered by first use. */
function rowsOf(keys: readonly number[]): Map<number, number> {
  const rows = new Map<number, number>()
  for (const key of keys) if (!rows.has(key)) rows.set(key, rows.size)
  return rows
}

function runningLength(): (item: number | number[]) => number {
  let total = 0
  return item => (total += typeof item === 'number' ? item : item.length)
}

function randomFrom(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}
