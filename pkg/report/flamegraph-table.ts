/**
 * FLAMEGRAPH_TABLE of Parca's API: nodes in pre-order, siblings as in the Arrow flame graph, with tables of the strings,
 * functions, mappings and locations that they use.
 */
import type { FlamegraphTable, ReportBody } from '../query/engine.ts'
import type { StackTree } from '../query/result.ts'
import { preOrder, trimWeight } from './shape.ts'
import { textOf } from './strings.ts'
import { approximate, difference, gather, int64, sumAt, toBigInt64, totals } from './sums.ts'

export function flamegraphTable(tree: StackTree, trimPercent: number): ReportBody & { kind: 'flamegraph_table' } {
  const total = totals(tree, tree.self)
  const diff = tree.baseSelf === null ? null : difference(total, totals(tree, tree.baseSelf))
  const shape = preOrder(tree, total, { trimPercent, weight: trimWeight(total, diff), order: approximate(total) })
  const { node, length: m, depth, parent } = shape
  const cumulative = toBigInt64(gather(total, node))
  let kept = 0n
  for (let r = 1; r < m; r++) if (parent[r] === 0) kept += sumAt(total, node[r]!)
  cumulative[0] = int64(kept)
  const tables = usedFrames(tree)
  const location = new Int32Array(m)
  let height = 1
  for (let r = 0; r < m; r++) {
    location[r] = tables.locationOf(tree.frame[node[r]!]!)
    height = Math.max(height, depth[r]! + 1)
  }
  const table: FlamegraphTable = {
    strings: tables.strings,
    functions: tables.functions,
    mappings: tables.mappings,
    locations: tables.locations,
    parent,
    location,
    lineIndex: new Int32Array(m),
    cumulative,
    diff: diff === null ? new BigInt64Array(m) : toBigInt64(gather(diff, node)),
    height,
    trimmed: shape.trimmed,
  }
  return { kind: 'flamegraph_table', table }
}

/** Tables that grow as frames are asked for. One frame is one location. */
function usedFrames(tree: StackTree): Pick<FlamegraphTable, 'strings' | 'functions' | 'mappings' | 'locations'> & {
  locationOf(frame: number): number
} {
  const { frames } = tree
  const strings = ['']
  const functions: FlamegraphTable['functions'][number][] = []
  const mappings: FlamegraphTable['mappings'][number][] = []
  const locations: FlamegraphTable['locations'][number][] = []
  const stringRow = new Map<number, number>([[-1, 0]])
  const rows = new Map<string, number>()
  const ofFrame = new Int32Array(frames.length).fill(-1)

  const string = (id: number): number => {
    const known = stringRow.get(id)
    if (known !== undefined) return known
    const row = strings.push(textOf(tree.strings, id)) - 1
    stringRow.set(id, row)
    return row
  }
  const rowOf = <T>(table: T[], key: string, make: () => T): number => {
    const known = rows.get(key)
    if (known !== undefined) return known
    const row = table.push(make()) - 1
    rows.set(key, row)
    return row
  }
  const lineOf = (f: number): { function: number; line: number }[] => {
    const name = frames.functionName[f]!
    const systemName = frames.systemName[f]!
    const file = frames.file[f]!
    const startLine = frames.startLine[f]!
    if (name < 0 && systemName < 0 && file < 0) return []
    const row = rowOf(functions, `f ${name} ${systemName} ${file} ${startLine}`, () => ({
      name: string(name),
      systemName: string(systemName),
      file: string(file),
      startLine,
    }))
    return [{ function: row, line: frames.line[f]! }]
  }
  const locationOf = (f: number): number => {
    if (f < 0) return -1
    if (ofFrame[f]! >= 0) return ofFrame[f]!
    const file = frames.mapping[f]!
    const buildId = frames.buildId[f]!
    const mapping =
      file < 0 && buildId < 0
        ? -1
        : rowOf(mappings, `m ${file} ${buildId}`, () => ({ file: string(file), buildId: string(buildId) }))
    ofFrame[f] = locations.push({ address: frames.address[f]!, mapping, lines: lineOf(f) }) - 1
    return ofFrame[f]!
  }
  return { strings, functions, mappings, locations, locationOf }
}
