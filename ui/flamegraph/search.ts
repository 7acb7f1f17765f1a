/**
 * Search over a model: plain text, any case. It marks frames and never changes a number.
 *
 * `total` is the share of the graph under at least one match: a match inside a match counts once.
 */
import type { FlameModel } from './model.ts'

export interface Matches {
  readonly name: Uint8Array // per name, 1 = matches
  /** before[i] = matches among rows[0..i): whether a run holds one is a subtraction. */
  readonly before: Int32Array
  readonly nodes: Int32Array // matching nodes in pre-order
  readonly total: number
  readonly functions: number
}

/** Matches of `wanted`: a text that names contain, or one exact name. Null when there is nothing to look for. */
export function findMatches(
  model: FlameModel,
  wanted: { readonly text: string } | { readonly name: string },
): Matches | null {
  const fits = matcher(wanted)
  if (fits === null) return null
  const name = new Uint8Array(model.names.length)
  let functions = 0
  for (let f = 0; f < name.length; f++) {
    if (model.nameNodes[f]! > 0 && fits(model.names[f]!)) {
      name[f] = 1
      functions++
    }
  }
  const found: number[] = []
  let total = 0
  let coveredUntil = 0
  for (let i = 1; i < model.length; i++) {
    const f = model.name[i]!
    if (f < 0 || name[f] === 0) continue
    found.push(i)
    if (i >= coveredUntil) {
      total += model.total[i]!
      coveredUntil = model.last[i]!
    }
  }
  const before = new Int32Array(model.length + 1)
  for (let r = 0; r < model.length; r++) {
    const node = model.rows[r]!
    const f = model.name[node]!
    before[r + 1] = before[r]! + (node > 0 && f >= 0 ? name[f]! : 0)
  }
  return { name, before, nodes: Int32Array.from(found), total, functions }
}

function matcher(wanted: { readonly text: string } | { readonly name: string }): ((name: string) => boolean) | null {
  if ('name' in wanted) return wanted.name === '' ? null : name => name === wanted.name
  const text = wanted.text.trim().toLowerCase()
  return text === '' ? null : name => name.toLowerCase().includes(text)
}
