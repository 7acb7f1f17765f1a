/** The frames and the trie of stacks of a block, from `frames.parquet` and `stacks.parquet`. */
import type { Table } from 'apache-arrow'
import { CorruptionError } from '../../pkg/base/errors.ts'
import { addChild, createTrie, findChild } from '../../pkg/base/trie.ts'
import { readTable } from '../../pkg/parquet/general.ts'
import type { FrameColumns, StringColumn } from '../../pkg/profile/frames.ts'
import { createStrings, internString, stringCount } from '../../pkg/profile/string-table.ts'
import { batchesOf, textOf } from './arrow-columns.ts'
import type { BlockIndex } from './index-file.ts'
import { orderTrie } from './trie-order.ts'

export async function readFrames(path: string): Promise<{ strings: StringColumn; frames: FrameColumns }> {
  const table = await readTable(path)
  const length = table.numRows
  expectIds(table, 'frame_id', path)
  const interner = createStrings()
  const text = (name: string): Int32Array => {
    const out = new Int32Array(length)
    for (const { data, first } of batchesOf(table, name)) {
      const { valueOffsets, values } = textOf(data)
      for (let i = 0; i < data.length; i++) {
        out[first + i] = data.getValid(i) ? internString(interner, values, valueOffsets[i]!, valueOffsets[i + 1]!) : -1
      }
    }
    return out
  }
  const cells = (name: string): unknown[] => Array.from(table.getChild(name)!)
  const frames: FrameColumns = {
    length,
    functionName: text('function'),
    systemName: text('system_name'),
    file: text('file'),
    line: Float64Array.from(cells('line') as bigint[], Number),
    startLine: Float64Array.from(cells('start_line') as bigint[], Number),
    address: BigUint64Array.from(cells('address') as (bigint | null)[], a => a ?? 0n),
    inlined: Uint8Array.from(cells('inlined') as boolean[], Number),
    mapping: text('mapping'),
    buildId: text('build_id'),
  }
  const count = stringCount(interner)
  return {
    strings: {
      bytes: interner.bytes.array.slice(0, interner.bytes.length),
      offsets: interner.offsets.array.slice(0, count + 1),
      length: count,
    },
    frames,
  }
}

export async function readStacks(
  path: string,
  frames: number,
): Promise<{ nodes: BlockIndex['nodes']; stackNode: Int32Array }> {
  const table = await readTable(path)
  expectIds(table, 'stack_id', path)
  const trie = createTrie()
  const leaves = new Int32Array(table.numRows)
  for (const { data, first } of batchesOf(table, 'frame_ids')) {
    const offsets = textOf(data).valueOffsets
    const ids = data.children[0]!.values as Int32Array
    for (let i = 0; i < data.length; i++) {
      let node = 0
      for (let at = offsets[i + 1]! - 1; at >= offsets[i]!; at--) {
        const frame = ids[at]!
        if (frame < 0 || frame >= frames) throw new CorruptionError(`no frame ${frame}`, { path, offset: 0 })
        node = findChild(trie, node, frame) || addChild(trie, node, frame)
      }
      leaves[first + i] = node
    }
  }
  const { length } = trie.parent
  const order = orderTrie({ parent: trie.parent.array, frame: trie.key.array, length }, leaves)
  // The order numbers frames anew; the files' own numbers stay.
  const frame = order.frame.map(f => (f < 0 ? -1 : order.frames[f]!))
  return { nodes: { parent: order.parent, frame, length: order.parent.length }, stackNode: order.stackNode }
}

function expectIds(table: Table, name: string, path: string): void {
  for (const { data, first } of batchesOf(table, name)) {
    const ids = data.values as Int32Array
    for (let i = 0; i < data.length; i++) {
      if (ids[i] !== first + i) throw new CorruptionError(`${name} ${ids[i]} in row ${first + i}`, { path, offset: 0 })
    }
  }
}
