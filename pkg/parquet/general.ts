/**
 * The general Parquet reader: any file, any columns, to an Arrow table. `parquet-wasm` does the work and is loaded at the
 * first call; it keeps what memory it once took and a trap leaves it unusable, so a long-lived process reads large files
 * in a worker it can end. For rebuilding an index and for tools; a query's hot columns go through `read.ts`.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Table } from 'apache-arrow'

export interface TableOptions {
  /** The module's bytes, where it does not lie in `node_modules` (a single executable). */
  readonly wasm?: Uint8Array<ArrayBuffer>
}

/** As little of a Blob as the library asks for: ranges are read when they are needed. */
interface BlobLike {
  readonly size: number
  slice(from: number, to: number): { arrayBuffer(): Promise<ArrayBuffer> }
}

/** Reads whole columns (all of them when not named), in the file's order, of a file on disk or in memory. */
export async function readTable(
  source: string | Uint8Array,
  columns?: readonly string[],
  options: TableOptions = {},
): Promise<Table> {
  const [parquet, arrow] = await Promise.all([loadParquet(options), import('apache-arrow')])
  const opened = typeof source === 'string' ? openPath(source) : openBytes(source)
  try {
    // `readParquet` takes a list of columns and ignores it; only a ParquetFile reads some of them.
    const file = await parquet.ParquetFile.fromFile(opened.blob as unknown as Blob)
    try {
      const table = await file.read({ batchSize: 65_536, ...(columns === undefined ? {} : { columns: [...columns] }) })
      return arrow.tableFromIPC(table.intoIPCStream())
    } finally {
      file.free()
    }
  } finally {
    opened.close()
  }
}

let loaded: Promise<typeof import('parquet-wasm/esm')> | null = null

function loadParquet(options: TableOptions): Promise<typeof import('parquet-wasm/esm')> {
  loaded ??= import('parquet-wasm/esm').then(parquet => {
    const bytes =
      options.wasm ?? readFileSync(fileURLToPath(import.meta.resolve('parquet-wasm/esm/parquet_wasm_bg.wasm')))
    parquet.initSync({ module: bytes })
    return parquet
  })
  return loaded
}

function openPath(path: string): { blob: BlobLike; close: () => void } {
  const file = openSync(path, 'r')
  const read = (from: number, to: number): ArrayBuffer => {
    const bytes = new Uint8Array(to - from)
    let filled = 0
    while (filled < bytes.length) {
      const got = readSync(file, bytes, filled, bytes.length - filled, from + filled)
      if (got === 0) throw new Error(`${path} became shorter while it was read`)
      filled += got
    }
    return bytes.buffer
  }
  return {
    blob: {
      size: fstatSync(file).size,
      slice: (from, to) => ({ arrayBuffer: async () => read(from, to) }),
    },
    close: () => closeSync(file),
  }
}

function openBytes(bytes: Uint8Array): { blob: BlobLike; close: () => void } {
  return {
    blob: {
      size: bytes.length,
      slice: (from, to) => ({ arrayBuffer: async () => Uint8Array.from(bytes.subarray(from, to)).buffer }),
    },
    close: () => {},
  }
}
