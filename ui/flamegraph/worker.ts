/** Decodes and orders an answer off the main thread; the columns travel back without a copy. */
import { decodeFlame } from './decode.ts'
import { buildModel, type FlameModel, meanOf } from './model.ts'

export interface ToWorker {
  readonly id: number
  readonly bytes: ArrayBuffer
  /** The mean of the profiles instead of their sum. */
  readonly mean: boolean
}

export type FromWorker =
  | { readonly id: number; readonly model: FlameModel }
  | { readonly id: number; readonly error: string }

interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null
  postMessage(message: FromWorker, transfer?: Transferable[]): void
}
const scope = globalThis as unknown as WorkerScope

scope.onmessage = ({ data: { id, bytes, mean } }) => {
  try {
    const rows = decodeFlame(new Uint8Array(bytes))
    const model = buildModel(mean ? meanOf(rows) : rows)
    const buffers = new Set<ArrayBuffer>()
    for (const column of Object.values(model)) {
      if (ArrayBuffer.isView(column) && column.buffer instanceof ArrayBuffer) buffers.add(column.buffer)
    }
    scope.postMessage({ id, model }, [...buffers])
  } catch (thrown) {
    scope.postMessage({ id, error: thrown instanceof Error ? thrown.message : String(thrown) })
  }
}
