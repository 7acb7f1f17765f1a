/**
 * Reports over a generated tree of functions: time to the finished bytes, and its ratio to building a tree of Maps from
 * the same stacks, which is the least that a recursive implementation does before it draws anything.
 *
 *   node test/bench/report.ts [nodes …]      10000 130000 unless given
 */
import { performance } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'
import type { ReportKind, ReportRequest } from '../../pkg/query/engine.ts'
import type { StackTree } from '../../pkg/query/result.ts'
import { report } from '../../pkg/report/report.ts'
import { modelTree } from '../support/model-tree.ts'
import { mergedOf, type StackLine, stringColumn } from '../support/stacks.ts'

const RUNS = 15

/**
 * Call paths of services: each has functions of its own beneath shared ones, a few heavy children and many light ones
 * per node; self values fall off as they do in profiles.
 */
export function generateTree(nodes: number, seed = 1): StackTree {
  let state = seed
  const random = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return state / 2 ** 32
  }
  const functions = Math.max(100, Math.round(nodes / 8))
  const parent = new Int32Array(nodes)
  const frame = new Int32Array(nodes)
  const depth = new Int32Array(nodes)
  const self = new Float64Array(nodes)
  parent[0] = frame[0] = -1
  const children = new Map<number, number>()
  for (let i = 1; i < nodes; i++) {
    let p = random() < 0.8 ? i - 1 : Math.floor(i * random() ** 2)
    while (depth[p]! > 45) p = parent[p]!
    let f: number
    let key: number
    do {
      f = Math.floor(functions * random() ** 2)
      key = p * functions + f
    } while (children.has(key))
    children.set(key, i)
    parent[i] = p
    frame[i] = f
    depth[i] = depth[p]! + 1
    if (random() < 0.35) self[i] = 10_000_000 * Math.ceil(1 / (random() ** 1.5 + 1e-5))
  }
  const name = (i: number): string => `github.com/acme/service${i % 20}/internal/part${i % 400}.(*Kind${i % 37}).Do${i}`
  const texts = Array.from({ length: functions }, (_, i) => name(i))
  const files = Math.ceil(functions / 12)
  for (let i = 0; i < files; i++) texts.push(`/src/service${i % 20}/internal/part${i % 400}/file${i}.go`)
  for (let i = 0; i < 20; i++) texts.push(`/usr/bin/service${i}`)
  const none = new Int32Array(functions).fill(-1)
  const column = (of: (i: number) => number): Int32Array => Int32Array.from({ length: functions }, (_, i) => of(i))
  return {
    level: 'function',
    strings: stringColumn(texts),
    frames: {
      length: functions,
      functionName: column(i => i),
      systemName: column(i => i),
      file: column(i => functions + (i % files)),
      line: Float64Array.from({ length: functions }, (_, i) => (i % 3 === 0 ? 0 : i % 900)),
      startLine: Float64Array.from({ length: functions }, (_, i) => i % 800),
      address: new BigUint64Array(functions),
      inlined: new Uint8Array(functions),
      mapping: column(i => functions + files + (i % 20)),
      buildId: none,
    },
    parent,
    frame,
    self: { lo: self, hi: null },
    baseSelf: null,
    length: nodes,
  }
}

function samplesOf(tree: StackTree): StackLine[] {
  const out: StackLine[] = []
  for (let i = 1; i < tree.length; i++) {
    if (tree.self.lo[i] === 0) continue
    const stack: string[] = []
    for (let node = i; node > 0; node = tree.parent[node]!) stack.push(String(tree.frame[node]))
    out.push({ stack: stack.reverse(), value: BigInt(tree.self.lo[i]!) })
  }
  return out
}

function median(run: () => void, runs = RUNS): number {
  const times = Array.from({ length: runs }, () => {
    const start = performance.now()
    run()
    return performance.now() - start
  })
  return times.sort((a, b) => a - b)[runs >> 1]!
}

interface Case {
  readonly kind: ReportKind
  readonly trim: number
  /** `frame`: functions are made of frames first. */
  readonly level?: StackTree['level']
  readonly invert?: boolean
}

const CASES: readonly Case[] = [
  { kind: 'flamegraph_arrow', trim: 0 },
  { kind: 'flamegraph_arrow', trim: 0.1 },
  { kind: 'flamegraph_arrow', trim: 1 },
  { kind: 'flamegraph_arrow', trim: 1, level: 'frame' },
  { kind: 'flamegraph_arrow', trim: 1, invert: true },
  { kind: 'web_flamegraph', trim: 0 },
  { kind: 'web_flamegraph', trim: 0.1 },
  { kind: 'web_flamegraph', trim: 1 },
  { kind: 'table_arrow', trim: 0 },
  { kind: 'top', trim: 0 },
  { kind: 'pprof', trim: 0, level: 'frame' },
]

export function benchReport(nodes: number, print: (line: string) => void): void {
  const tree = generateTree(nodes)
  const samples = samplesOf(tree)
  const dumb = median(() => modelTree(samples), 5)
  print(`${nodes} nodes, ${samples.length} stacks: a tree of Maps takes ${dumb.toFixed(1)} ms`)
  const range = { start: 0n, end: 0n }
  for (const { kind, trim, level = 'function', invert = false } of CASES) {
    const merged = mergedOf({ ...tree, level })
    const request: ReportRequest = {
      selection: { kind: 'merge', query: '', range },
      report: kind,
      timesPeriod: true,
      trimPercent: trim,
      groupBy: [],
      invert,
      filters: [],
      sandwichFunction: null,
    }
    const { body } = report(merged, request)
    const size = 'record' in body ? `${(body.record.length / 1024).toFixed(0)} KB` : ''
    const ms = median(() => report(merged, request))
    const what = `${kind}${level === 'frame' ? ' of frames' : ''}${invert ? ' inverted' : ''}`
    const ratio = `${(dumb / ms).toFixed(1).padStart(6)}× as fast`
    print(`  ${what.padEnd(27)} trim ${String(trim).padEnd(3)} % ${ms.toFixed(2).padStart(7)} ms ${ratio}  ${size}`)
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const sizes = process.argv.slice(2).map(Number)
  for (const nodes of sizes.length > 0 ? sizes : [10_000, 130_000]) benchReport(nodes, console.log)
}
