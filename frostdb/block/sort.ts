/**
 * Sorts short runs of (key, row) pairs by key, stably, in place: by insertion where there are few, else digit by digit,
 * eight bits at a time from the lowest.
 */

const FEW = 24
const counts = new Int32Array(256)
let keyScratch = new Int32Array(0)
let rowScratch = new Int32Array(0)

/** Keys are in [0, limit). */
export function sortPairs(keys: Int32Array, rows: Int32Array, start: number, length: number, limit: number): void {
  if (length <= FEW) {
    insertionSort(keys, rows, start, start + length)
    return
  }
  if (keyScratch.length < length) {
    keyScratch = new Int32Array(length * 2)
    rowScratch = new Int32Array(length * 2)
  }
  let inScratch = false
  for (let shift = 0; shift < 32 && limit > 2 ** shift; shift += 8) {
    if (inScratch) passDigits(keyScratch, rowScratch, 0, keys, rows, start, length, shift)
    else passDigits(keys, rows, start, keyScratch, rowScratch, 0, length, shift)
    inScratch = !inScratch
  }
  if (!inScratch) return
  for (let i = 0; i < length; i++) {
    keys[start + i] = keyScratch[i]!
    rows[start + i] = rowScratch[i]!
  }
}

function passDigits(
  keys: Int32Array,
  rows: Int32Array,
  start: number,
  outKeys: Int32Array,
  outRows: Int32Array,
  outStart: number,
  length: number,
  shift: number,
): void {
  counts.fill(0)
  const end = start + length
  for (let i = start; i < end; i++) counts[(keys[i]! >>> shift) & 255]!++
  let at = outStart
  for (let digit = 0; digit < 256; digit++) {
    const count = counts[digit]!
    counts[digit] = at
    at += count
  }
  for (let i = start; i < end; i++) {
    const to = counts[(keys[i]! >>> shift) & 255]!++
    outKeys[to] = keys[i]!
    outRows[to] = rows[i]!
  }
}

function insertionSort(keys: Int32Array, rows: Int32Array, start: number, end: number): void {
  for (let i = start + 1; i < end; i++) {
    const key = keys[i]!
    const row = rows[i]!
    let j = i - 1
    while (j >= start && keys[j]! > key) {
      keys[j + 1] = keys[j]!
      rows[j + 1] = rows[j]!
      j--
    }
    keys[j + 1] = key
    rows[j + 1] = row
  }
}
