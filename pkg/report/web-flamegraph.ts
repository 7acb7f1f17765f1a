/**
 * The page's flame graph: one row per node that is kept, in pre-order, row 0 the root. Siblings are in falling order of
 * total (in a diff: of the larger side), then by name. The record is not compressed: the answer is, by HTTP.
 *
 *   parent int32 (-1 at the root) · name dict<utf8> · total, self int64 · in a diff base_total, base_self int64 ·
 *   file dict<utf8> · line int64 · mapping dict<utf8> (null = unknown, or different frames) · address uint64 (0 = none)
 *
 * Schema metadata, all as text: unit, total, profiles, period.
 */
import type { ReportBody } from '../query/engine.ts'
import type { Merged, StackTree } from '../query/result.ts'
import { gatherInt32, gatherNumbers, gatherUint64 } from './gather.ts'
import type { LabelRows } from './groups.ts'
import type { Column } from './ipc.ts'
import * as ipc from './ipc.ts'
import { preOrder, trimWeight } from './shape.ts'
import { appendStrings, textOf } from './strings.ts'
import { approximate, difference, gather, sumAt, totals } from './sums.ts'

const UTF8 = { value: 'utf8', index: 'narrow' } as const
const ROOT = 'root'

export function webFlamegraph(
  tree: StackTree,
  labels: LabelRows | null,
  merged: Merged,
  trimPercent: number,
): ReportBody & { kind: 'web_flamegraph' } {
  const total = totals(tree, tree.self)
  const baseTotal = tree.baseSelf === null ? null : totals(tree, tree.baseSelf)
  const diff = baseTotal === null ? null : difference(total, baseTotal)
  const sum = approximate(total)
  const order = baseTotal === null ? sum : approximate(baseTotal).map((base, i) => Math.max(base, sum[i]!))
  const shape = preOrder(tree, total, { trimPercent, weight: trimWeight(total, diff), order })
  const { node, length: m } = shape
  const frame = gatherInt32(tree.frame, node)
  const { frames } = tree
  const names = displayNames(tree, labels, node, frame)
  const line = gatherNumbers(frames.line, frame)

  const columns: Column[] = [
    ipc.int32('parent', shape.parent),
    ipc.dictionary('name', names.strings, names.ids, { ...UTF8, nullable: false }),
    ipc.int64Sums('total', gather(total, node)),
    ipc.int64Sums('self', gather(tree.self, node)),
  ]
  if (baseTotal !== null && tree.baseSelf !== null) {
    columns.push(
      ipc.int64Sums('base_total', gather(baseTotal, node)),
      ipc.int64Sums('base_self', gather(tree.baseSelf, node)),
    )
  }
  columns.push(
    ipc.dictionary('file', tree.strings, gatherInt32(frames.file, frame), { ...UTF8, nullable: true }),
    ipc.nullableInt64('line', line),
    ipc.dictionary('mapping', tree.strings, gatherInt32(frames.mapping, frame), { ...UTF8, nullable: true }),
    ipc.uint64Values('address', gatherUint64(frames.address, frame)),
  )
  const metadata = new Map([
    ['unit', merged.valueType.unit],
    ['total', String(sumAt(total, 0))],
    ['profiles', String(merged.profiles)],
    ['period', String(merged.period)],
  ])
  return { kind: 'web_flamegraph', record: ipc.writeStream(columns, m, { metadata, compression: 'none' }) }
}

/** The function, else the system's name for it, else `0x<address>`; a label set as `name="value"`. */
function displayNames(
  tree: StackTree,
  labels: LabelRows | null,
  node: Int32Array,
  frame: Int32Array,
): { strings: StackTree['strings']; ids: Int32Array } {
  const { functionName, systemName, address } = tree.frames
  const ids = new Int32Array(node.length)
  const texts: string[] = []
  const known = new Map<string, number>()
  const idOf = (text: string): number => {
    let id = known.get(text)
    if (id === undefined) {
      id = tree.strings.length + texts.length
      known.set(text, id)
      texts.push(text)
    }
    return id
  }
  for (let r = 0; r < node.length; r++) {
    const f = frame[r]!
    if (f < 0) {
      ids[r] = idOf(r === 0 || labels === null ? ROOT : labelText(labels, node[r]!))
      continue
    }
    const name = functionName[f]! >= 0 ? functionName[f]! : systemName[f]!
    ids[r] = name >= 0 ? name : idOf(`0x${address[f]!.toString(16)}`)
  }
  return { strings: appendStrings(tree.strings, texts), ids }
}

function labelText(labels: LabelRows, node: number): string {
  const parts: string[] = []
  labels.names.forEach((name, k) => {
    const id = labels.values[k]![node]!
    if (id >= 0) parts.push(`${name}=${JSON.stringify(textOf(labels.strings, id))}`)
  })
  return parts.join(', ')
}
