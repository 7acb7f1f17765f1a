/**
 * A snapshot on its way to another thread. The buffers of a head go over once and are named by number from then on: each
 * time a shared buffer is posted the engine counts its bytes as new memory of both threads, and collects garbage for it.
 */
import type { Snapshot } from './snapshot.ts'

/** The snapshot with its typed arrays as `PackedArray`s, and the buffers they name that the receiver has not seen. */
export interface PackedSnapshot {
  readonly packed: unknown
  readonly fresh: readonly { readonly id: number; readonly buffer: SharedArrayBuffer }[]
  /** Every buffer that is in use; others may be forgotten. */
  readonly live: readonly number[]
}

const KINDS = { Int32Array, Uint8Array, Float64Array, BigInt64Array, BigUint64Array } as const
type Kind = keyof typeof KINDS

interface PackedArray {
  readonly packed: true
  readonly buffer: number
  readonly kind: Kind
  readonly offset: number // bytes
  readonly length: number // elements
}

export type Pack = (snapshot: Snapshot) => PackedSnapshot
export type Unpack = (packed: PackedSnapshot) => Snapshot

const numbers = new WeakMap<SharedArrayBuffer, number>()
let nextNumber = 1

function numberOf(buffer: SharedArrayBuffer): number {
  let number = numbers.get(buffer)
  if (number === undefined) numbers.set(buffer, (number = nextNumber++))
  return number
}

/** One for each receiver: it remembers what that has been sent. */
export function createPacker(): Pack {
  let sent = new Set<number>()
  return snapshot => {
    const live = new Map<number, SharedArrayBuffer>()
    const pack = (value: unknown): unknown => {
      if (ArrayBuffer.isView(value)) {
        const array = value as Int32Array<SharedArrayBuffer>
        const buffer = numberOf(array.buffer)
        live.set(buffer, array.buffer)
        const kind = array.constructor.name as Kind
        return { packed: true, buffer, kind, offset: array.byteOffset, length: array.length } satisfies PackedArray
      }
      if (Array.isArray(value)) return value.map(pack)
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, pack(part)]))
    }
    const packed = pack(snapshot)
    const fresh = [...live].filter(([id]) => !sent.has(id)).map(([id, buffer]) => ({ id, buffer }))
    sent = new Set(live.keys())
    return { packed, fresh, live: [...sent] }
  }
}

export function createUnpacker(): Unpack {
  const buffers = new Map<number, SharedArrayBuffer>()
  const unpack = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(unpack)
    if (typeof value !== 'object' || value === null) return value
    if ('packed' in value) {
      const { buffer, kind, offset, length } = value as PackedArray
      const Kind = KINDS[kind] as new (buffer: SharedArrayBuffer, offset: number, length: number) => ArrayBufferView
      return new Kind(buffers.get(buffer)!, offset, length)
    }
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, unpack(part)]))
  }
  return ({ packed, fresh, live }) => {
    for (const { id, buffer } of fresh) buffers.set(id, buffer)
    const wanted = new Set(live)
    for (const id of buffers.keys()) if (!wanted.has(id)) buffers.delete(id)
    return unpack(packed) as Snapshot
  }
}
