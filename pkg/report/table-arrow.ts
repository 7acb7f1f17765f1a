/**
 * TABLE_ARROW of Parca's API: one row per function, types as Parca has them. The index of a uint16 dictionary is wider
 * only when more strings are used than it can count.
 */
import { Int64, makeData } from 'apache-arrow'
import type { ReportBody } from '../query/engine.ts'
import type { StackTree } from '../query/result.ts'
import { functionRows } from './function-rows.ts'
import type { DictionaryShape } from './ipc.ts'
import * as ipc from './ipc.ts'
import { difference, zeroSums } from './sums.ts'
import { createTrie } from './trie.ts'

const FEW: DictionaryShape = { value: 'utf8', index: 'uint16', nullable: false }
const MANY: DictionaryShape = { value: 'utf8', index: 'uint32', nullable: false }

export function tableArrow(tree: StackTree): ReportBody & { kind: 'table_arrow' } {
  const rows = functionRows(tree)
  const { frames, length, cumulative, flat, baseCumulative, baseFlat } = rows
  const none = zeroSums(length, false)
  const { callers, callees } = edges(tree, rows.ofNode, length)
  const columns = [
    ipc.dictionary('mapping_file', tree.strings, frames.mapping, FEW),
    ipc.dictionary('mapping_build_id', tree.strings, frames.buildId, FEW),
    ipc.uint64Values('location_address', frames.address),
    ipc.int64Of('location_line', frames.line),
    ipc.int64Of('function_startline', frames.startLine),
    ipc.dictionary('function_name', tree.strings, frames.functionName, MANY),
    ipc.dictionary('function_system_name', tree.strings, frames.systemName, FEW),
    ipc.dictionary('function_file_name', tree.strings, frames.file, MANY),
    ipc.int64Sums('cumulative', cumulative),
    ipc.int64Sums('cumulative_diff', baseCumulative === null ? none : difference(cumulative, baseCumulative), true),
    ipc.int64Sums('flat', flat),
    ipc.int64Sums('flat_diff', baseFlat === null ? none : difference(flat, baseFlat)),
    ipc.list('callers', makeData({ type: new Int64(), data: callers.rows }), callers.counts, false),
    ipc.list('callees', makeData({ type: new Int64(), data: callees.rows }), callees.counts, false),
  ]
  return { kind: 'table_arrow', record: ipc.writeStream(columns, length, { compression: 'lz4' }) }
}

interface RowLists {
  readonly counts: Int32Array
  readonly rows: BigInt64Array
}

/** Who calls whom, each pair once, lists in ascending order of rows. */
function edges(tree: StackTree, ofNode: Int32Array, length: number): { callers: RowLists; callees: RowLists } {
  const pairs = createTrie()
  for (let i = 1; i < tree.length; i++) {
    const p = tree.parent[i]!
    if (p > 0) pairs.child(ofNode[p]!, ofNode[i]!)
  }
  const caller = pairs.parents().subarray(1)
  const callee = pairs.keys().subarray(1)
  return { callers: lists(callee, caller, length), callees: lists(caller, callee, length) }
}

/** Entries under what they belong to: two stable counting sorts, by entry and then by owner. */
function lists(of: Int32Array, entry: Int32Array, length: number): RowLists {
  const byEntry = countingSort(entry, identity(entry.length), length)
  const byOwner = countingSort(of, byEntry, length)
  const rows = new BigInt64Array(entry.length)
  const words = new Int32Array(rows.buffer) // rows are not negative: the high words stay 0
  for (let e = 0; e < entry.length; e++) words[2 * e] = entry[byOwner[e]!]!
  const counts = new Int32Array(length)
  for (let e = 0; e < of.length; e++) counts[of[e]!] = counts[of[e]!]! + 1
  return { counts, rows }
}

function identity(length: number): Int32Array {
  const out = new Int32Array(length)
  for (let i = 0; i < length; i++) out[i] = i
  return out
}

/** `items` in the order of their keys, which are below `limit`. */
function countingSort(key: Int32Array, items: Int32Array, limit: number): Int32Array {
  const next = new Int32Array(limit + 1)
  for (let e = 0; e < items.length; e++) next[key[e]! + 1] = next[key[e]! + 1]! + 1
  for (let k = 0; k < limit; k++) next[k + 1] = next[k + 1]! + next[k]!
  const out = new Int32Array(items.length)
  for (let e = 0; e < items.length; e++) {
    const item = items[e]!
    const at = next[key[item]!]!
    out[at] = item
    next[key[item]!] = at + 1
  }
  return out
}
