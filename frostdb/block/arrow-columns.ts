/** Columns of a table that the general reader has read. */
import type { Data, Table } from 'apache-arrow'

/** The Arrow data of a column, batch by batch, with the row each begins at. */
export function* batchesOf(table: Table, name: string): Generator<{ data: Data; first: number }> {
  let first = 0
  for (const data of table.getChild(name)!.data) {
    if (data.length > 0) yield { data, first }
    first += data.length
  }
}

/** Strings of a batch: string i is values[valueOffsets[i]..valueOffsets[i + 1]), unless it is null. */
export interface TextData {
  readonly valueOffsets: Int32Array
  readonly values: Uint8Array
}

export const textOf = (data: Data): TextData => data as unknown as TextData
