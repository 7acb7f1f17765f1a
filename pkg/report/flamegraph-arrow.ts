/**
 * FLAMEGRAPH_ARROW of Parca's API: one row per node that is kept, breadth first, row 0 the root; columns as Parca has
 * them. Siblings are in falling order of cumulative, then by name (Parca keeps the order in which it met them).
 *
 * `cumulative` and `flat` are signed where one is negative. The root's cumulative is the sum of its kept children, as
 * in Parca; its diff is that of the whole.
 */
import { makeData, Uint32 } from 'apache-arrow'
import type { ReportBody } from '../query/engine.ts'
import type { StackTree } from '../query/result.ts'
import { gatherInt32, gatherNumbers, gatherUint64 } from './gather.ts'
import type { LabelRows } from './groups.ts'
import type { Column, DictionaryShape } from './ipc.ts'
import * as ipc from './ipc.ts'
import { breadthFirst, type Shape, trimWeight } from './shape.ts'
import { addTo, approximate, difference, gather, totals, zeroSums } from './sums.ts'

const BINARY: DictionaryShape = { value: 'binary', index: 'narrow', nullable: false }

export function flamegraphArrow(
  tree: StackTree,
  labels: LabelRows | null,
  trimPercent: number,
): ReportBody & { kind: 'flamegraph_arrow' } {
  const total = totals(tree, tree.self)
  const baseTotal = tree.baseSelf === null ? null : totals(tree, tree.baseSelf)
  const diff = baseTotal === null ? null : difference(total, baseTotal)
  const shape = breadthFirst(tree, total, {
    trimPercent,
    weight: trimWeight(total, diff),
    order: approximate(total),
  })
  const { length: m, node, parent, depth, children } = shape

  const cumulative = gather(total, node)
  cumulative.lo[0] = 0
  if (cumulative.hi !== null) cumulative.hi[0] = 0
  for (let r = 1; r <= children[0]!; r++) addTo(cumulative, 0, cumulative, r)
  const frame = gatherInt32(tree.frame, node)
  const strings = (ids: Int32Array): Int32Array => gatherInt32(ids, frame)
  const { frames } = tree

  const labelsOnly = new Uint8Array(m)
  if (labels !== null) for (let r = 0; r < m; r++) labelsOnly[r] = labels.only[node[r]!]!
  const inlined = new Uint8Array(m)
  const hasFrame = new Uint8Array(m)
  for (let r = 0; r < m; r++) {
    const f = frame[r]!
    if (f < 0) continue
    hasFrame[r] = 1
    inlined[r] = frames.inlined[f]!
  }
  const childRows = new Uint32Array(m - 1)
  for (let r = 1; r < m; r++) childRows[r - 1] = r

  const columns: Column[] = [
    ipc.bool('labels_only', labelsOnly),
    ipc.uint64Values('location_address', gatherUint64(frames.address, frame)),
    ipc.dictionary('mapping_file', tree.strings, strings(frames.mapping), BINARY),
    ipc.dictionary('mapping_build_id', tree.strings, strings(frames.buildId), BINARY),
    ipc.narrowUnsigned('location_line', gatherNumbers(frames.line, frame)),
    ipc.bool('inlined', inlined, hasFrame),
    ipc.narrowUnsigned('function_startline', gatherNumbers(frames.startLine, frame)),
    ipc.dictionary('function_name', tree.strings, strings(frames.functionName), BINARY),
    ipc.dictionary('function_system_name', tree.strings, strings(frames.systemName), BINARY),
    ipc.dictionary('function_file_name', tree.strings, strings(frames.file), BINARY),
    ipc.list('children', makeData({ type: new Uint32(), data: childRows }), children, true),
    ipc.int32('parent', parent),
    ipc.narrowSums('cumulative', cumulative, false),
    ipc.narrowSums('flat', gather(tree.self, node), false),
    ipc.narrowSums('diff', diff === null ? zeroSums(m, false) : gather(diff, node), true),
    ipc.int64Values('timestamp', new BigInt64Array(m)),
    ipc.narrowUnsigned('depth', Float64Array.from(depth)),
    ipc.narrowUnsigned('value_offset', offsets(shape, approximate(cumulative))),
  ]
  if (labels !== null) {
    labels.names.forEach((name, k) => {
      const ids = gatherInt32(labels.values[k]!, node)
      columns.push(ipc.dictionary(`labels.${name}`, labels.strings, ids, BINARY))
    })
  }

  let deepest = 0
  for (let r = 0; r < m; r++) deepest = Math.max(deepest, depth[r]!)
  const record = ipc.writeStream(columns, m, { compression: 'lz4' })
  return { kind: 'flamegraph_arrow', record, height: deepest + 1, trimmed: shape.trimmed }
}

/** Where each node begins on the value axis. A negative width is drawn as if it were not; past 2^53 places are to the nearest double. */
function offsets(shape: Shape, cumulative: Float64Array): Float64Array {
  const out = new Float64Array(shape.length)
  const next = new Float64Array(shape.length)
  for (let r = 1; r < shape.length; r++) {
    const p = shape.parent[r]!
    out[r] = next[r] = next[p]!
    next[p] = next[p]! + Math.abs(cumulative[r]!)
  }
  return out
}
