/**
 * Stack trees as pictures. A line is a stack from the root to the leaf and its value: `main;serve;read 3`; a stack of
 * `-` is a sample without one. A frame is `[~][mapping!]name[@file[:line]]`: `~` says inlined; a name `0x…` is an
 * address without a function.
 */
import type { FrameColumns, Merged, StackTree, StringColumn, Sums } from '../../pkg/query/result.ts'

export interface FramePicture {
  readonly name: string // '' = none
  readonly mapping: string
  readonly file: string
  readonly line: number
  readonly address: bigint
  readonly inlined: boolean
}

export function parseFrame(text: string): FramePicture {
  const match = /^(~?)(?:([^!]*)!)?([^@]*)(?:@([^:]*)(?::(\d+))?)?$/.exec(text)
  if (match === null) throw new Error(`not a frame: ${text}`)
  const [, inlined, mapping = '', name = '', file = '', line = '0'] = match
  const isAddress = /^0x[0-9a-f]+$/.test(name)
  return {
    name: isAddress ? '' : name,
    mapping,
    file,
    line: Number(line),
    address: isAddress ? BigInt(name) : 0n,
    inlined: inlined === '~',
  }
}

export interface StackLine {
  readonly stack: readonly string[] // root first
  readonly value: bigint
}

export function parseStackLine(text: string): StackLine {
  const space = text.lastIndexOf(' ')
  const stack = text.slice(0, space).trim()
  return { stack: stack === '-' ? [] : stack.split(';'), value: BigInt(text.slice(space + 1)) }
}

export type Level = StackTree['level']

/** At level `function` frames must be given so that one function name is one frame. */
export function stackTree(lines: readonly string[], level: Level = 'function'): StackTree {
  return buildTree(lines.map(parseStackLine), null, level)
}

export function diffTree(base: readonly string[], compare: readonly string[], level: Level = 'function'): StackTree {
  return buildTree(compare.map(parseStackLine), base.map(parseStackLine), level)
}

export function buildTree(lines: readonly StackLine[], base: readonly StackLine[] | null, level: Level): StackTree {
  const parent = [-1]
  const frame = [-1]
  const self = [0n]
  const baseSelf = [0n]
  const frames: string[] = []
  const frameIds = new Map<string, number>()
  const nodes = new Map<string, number>()
  const nodeOf = (stack: readonly string[]): number => {
    let node = 0
    for (const text of stack) {
      let f = frameIds.get(text)
      if (f === undefined) {
        f = frames.length
        frameIds.set(text, f)
        frames.push(text)
      }
      const key = `${node} ${f}`
      let child = nodes.get(key)
      if (child === undefined) {
        child = parent.length
        nodes.set(key, child)
        parent.push(node)
        frame.push(f)
        self.push(0n)
        baseSelf.push(0n)
      }
      node = child
    }
    return node
  }
  for (const { stack, value } of lines) {
    const node = nodeOf(stack)
    self[node] = self[node]! + value
  }
  for (const { stack, value } of base ?? []) {
    const node = nodeOf(stack)
    baseSelf[node] = baseSelf[node]! + value
  }
  const table = frameTable(frames.map(parseFrame))
  return {
    level,
    ...table,
    parent: Int32Array.from(parent),
    frame: Int32Array.from(frame),
    self: sumsOf(self),
    baseSelf: base === null ? null : sumsOf(baseSelf),
    length: parent.length,
  }
}

export function sumsOf(values: readonly bigint[]): Sums {
  if (values.every(v => BigInt(Number(v)) === v && Math.abs(Number(v)) < 2 ** 53)) {
    return { lo: Float64Array.from(values, Number), hi: null }
  }
  return {
    lo: Float64Array.from(values, v => Number(v & 0xffff_ffffn)),
    hi: Float64Array.from(values, v => Number(v >> 32n)),
  }
}

function frameTable(frames: readonly FramePicture[]): { strings: StringColumn; frames: FrameColumns } {
  const texts: string[] = []
  const ids = new Map<string, number>()
  const id = (text: string): number => {
    if (text === '') return -1
    let i = ids.get(text)
    if (i === undefined) {
      i = texts.length
      ids.set(text, i)
      texts.push(text)
    }
    return i
  }
  const none = new Int32Array(frames.length).fill(-1)
  const table: FrameColumns = {
    length: frames.length,
    functionName: Int32Array.from(frames, f => id(f.name)),
    systemName: none,
    file: Int32Array.from(frames, f => id(f.file)),
    line: Float64Array.from(frames, f => f.line),
    startLine: new Float64Array(frames.length),
    address: BigUint64Array.from(frames, f => f.address),
    inlined: Uint8Array.from(frames, f => (f.inlined ? 1 : 0)),
    mapping: Int32Array.from(frames, f => id(f.mapping)),
    buildId: none,
  }
  return { frames: table, strings: stringColumn(texts) }
}

export function stringColumn(texts: readonly string[]): StringColumn {
  const encoded = texts.map(text => new TextEncoder().encode(text))
  const offsets = new Int32Array(texts.length + 1)
  encoded.forEach((e, i) => {
    offsets[i + 1] = offsets[i]! + e.length
  })
  const bytes = new Uint8Array(offsets[texts.length]!)
  encoded.forEach((e, i) => {
    bytes.set(e, offsets[i]!)
  })
  return { bytes, offsets, length: texts.length }
}

export function mergedOf(tree: StackTree, options: Partial<Merged> = {}): Merged {
  return {
    tree,
    groups: [],
    valueType: { type: 'cpu', unit: 'nanoseconds' },
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    period: 10_000_000n,
    timeNanos: 1_700_000_000_000_000_000n,
    durationNanos: 10_000_000_000n,
    profiles: 1,
    ...options,
  }
}

/** The name of a frame as it is drawn, with its place where it has one. */
export function frameText(tree: StackTree, f: number): string {
  const { frames, strings } = tree
  const text = (i: number): string =>
    i < 0 ? '' : new TextDecoder().decode(strings.bytes.subarray(strings.offsets[i]!, strings.offsets[i + 1]!))
  const name = frames.functionName[f]! < 0 ? `0x${frames.address[f]!.toString(16)}` : text(frames.functionName[f]!)
  const mapping = frames.mapping[f]! < 0 ? '' : `${text(frames.mapping[f]!)}!`
  const file = frames.file[f]! < 0 ? '' : `@${text(frames.file[f]!)}`
  const line = frames.line[f] === 0 ? '' : `:${frames.line[f]}`
  return `${frames.inlined[f] === 1 ? '~' : ''}${mapping}${name}${file}${line}`
}

/** The tree, children by name: name, total, self; in a diff the base side behind them. */
export function formatTree(tree: StackTree): string {
  const value = (sums: Sums, i: number): bigint =>
    sums.hi === null ? BigInt(sums.lo[i]!) : (BigInt(sums.hi[i]!) << 32n) + BigInt(sums.lo[i]!)
  const children: number[][] = Array.from({ length: tree.length }, () => [])
  const total: bigint[] = []
  const base: bigint[] = []
  for (let i = 0; i < tree.length; i++) {
    total.push(value(tree.self, i))
    base.push(tree.baseSelf === null ? 0n : value(tree.baseSelf, i))
  }
  for (let i = tree.length - 1; i > 0; i--) {
    const p = tree.parent[i]!
    children[p]!.push(i)
    total[p] = total[p]! + total[i]!
    base[p] = base[p]! + base[i]!
  }
  const rows: { name: string; rest: string }[] = []
  const walk = (i: number, depth: number): void => {
    const name = i === 0 ? 'root' : tree.frame[i]! < 0 ? '(labels)' : frameText(tree, tree.frame[i]!)
    const diff = tree.baseSelf === null ? '' : `  base ${base[i]} ${value(tree.baseSelf, i)}`
    rows.push({ name: '  '.repeat(depth) + name, rest: `total ${total[i]}  self ${value(tree.self, i)}${diff}` })
    const byName = children[i]!.map(c => ({ c, name: tree.frame[c]! < 0 ? '' : frameText(tree, tree.frame[c]!) }))
    byName.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.c - b.c))
    for (const { c } of byName) walk(c, depth + 1)
  }
  walk(0, 0)
  const width = Math.max(...rows.map(r => r.name.length))
  return rows.map(r => `${r.name.padEnd(width)}  ${r.rest}`).join('\n')
}

export const lines = (...parts: string[]): string => parts.join('\n')
