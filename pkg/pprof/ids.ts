/**
 * From the ids of a pprof table (any uint64, in any order) to its rows. Ids that are dense, as nearly every writer
 * has them, are an array look-up; others are sorted and found by bisection, so that no choice of ids makes it slow
 * and 64 bits stay exact.
 */
export interface IdIndex {
  /** dense[id] is row + 1; 0 = no such id. Empty when the ids are sparse. */
  readonly dense: Int32Array
  readonly sparse: SparseIds | null
}

interface SparseIds {
  /** Sorted ids as 32-bit words, low first. */
  readonly words: Uint32Array
  /** Row of the id of each rank, -1 while unknown. */
  readonly row: Int32Array
  readonly length: number
}

const NONE = new Int32Array(0)

/**
 * Indexes `length` ids, given as pairs of words (low, high). A number instead: the row whose id had been given before.
 */
export function indexIds(ids: Uint32Array, length: number): IdIndex | number {
  const bound = 4 * length + 256
  let max = 0
  for (let i = 0; i < 2 * length; i += 2) {
    const id = ids[i]! | 0
    if (ids[i + 1] !== 0 || id < 0 || id >= bound) return indexSparse(ids, length)
    if (id > max) max = id
  }
  const dense = new Int32Array(max + 1)
  for (let i = 0; i < length; i++) {
    const id = ids[2 * i]! | 0
    if (dense[id] !== 0) return i
    dense[id] = i + 1
  }
  return { dense, sparse: null }
}

function indexSparse(ids: Uint32Array, length: number): IdIndex | number {
  const sorted = new BigUint64Array(length)
  const words = new Uint32Array(sorted.buffer)
  words.set(ids.subarray(0, 2 * length))
  sorted.sort()
  const sparse: SparseIds = { words, row: new Int32Array(length).fill(-1), length }
  for (let i = 0; i < length; i++) {
    const rank = rankOf(sparse, ids[2 * i]!, ids[2 * i + 1]!)
    if (sparse.row[rank] !== -1) return i
    sparse.row[rank] = i
  }
  return { dense: NONE, sparse }
}

/** Row + 1 of an id that the dense array does not have; 0 = no such id. */
export function findSparse(index: IdIndex, low: number, high: number): number {
  if (index.sparse === null) return 0
  const rank = rankOf(index.sparse, low, high)
  return rank < 0 ? 0 : index.sparse.row[rank]! + 1
}

/** Row + 1 of an id; 0 = no such id. */
export function rowOf(index: IdIndex, low: number, high: number): number {
  if (high === 0 && low < index.dense.length) return index.dense[low]!
  return findSparse(index, low, high)
}

/** First rank of an id among the sorted ones, -1 = not there. */
function rankOf(ids: SparseIds, low: number, high: number): number {
  const { words } = ids
  let from = 0
  let to = ids.length
  while (from < to) {
    const middle = (from + to) >>> 1
    const h = words[2 * middle + 1]!
    if (h < high || (h === high && words[2 * middle]! < low)) from = middle + 1
    else to = middle
  }
  return from < ids.length && words[2 * from] === low && words[2 * from + 1] === high ? from : -1
}
