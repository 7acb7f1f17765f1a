/** The order of the table: which functions it lists, and in what order. */
import type { FlameModel } from './flamegraph/model.ts'
import type { SortColumn } from './url.ts'

/** Name ids that have a frame (and match, where `only` marks matches), by `column`; equal ones by name. */
export function orderFunctions(
  model: FlameModel,
  column: SortColumn,
  ascending: boolean,
  only: Uint8Array | null,
): Int32Array {
  const { names, nameNodes, nameSelf, nameTotal } = model
  const listed: number[] = []
  for (let f = 0; f < names.length; f++) {
    if (nameNodes[f]! > 0 && (only === null || only[f] === 1)) listed.push(f)
  }
  const key = column === 'self' ? nameSelf : column === 'total' ? nameTotal : null
  const other = column === 'self' ? nameTotal : nameSelf
  const sign = ascending ? 1 : -1
  return Int32Array.from(listed).sort((a, b) => {
    const byKey = key === null ? 0 : key[a]! - key[b]! || other[a]! - other[b]!
    if (byKey !== 0) return sign * byKey
    const byName = names[a]! < names[b]! ? -1 : names[a]! > names[b]! ? 1 : 0
    return key === null ? sign * byName : byName
  })
}
