/**
 * What a report leaves out before it is drawn. Stack filters keep whole samples, frame filters hide frames, the
 * sandwich cuts every stack at one function. All are joined by AND. Texts compare with ASCII letters in lower case.
 *
 * Stack filter: a condition holds when some frame fits; with `not`, when none does. A sample without a stack passes.
 * (Parca: `not` of a binary or an address holds when some frame differs, and a function name makes it overlook the
 * other fields of its message. Here every field counts, and `not` is always the opposite.)
 *
 * Frame filter: a frame stays when it meets every field. Frames without symbols are not asked about names, files and
 * lines, frames without a mapping not about the binary: they stay, as in Parca.
 */
import type { Filter, FilterCriteria, NumberCondition, StringCondition } from '../query/engine.ts'
import type { StackTree } from '../query/result.ts'
import { textOf } from './strings.ts'
import { createTrie, finishTrie, hasSelf } from './trie.ts'

export function applyFilters(tree: StackTree, filters: readonly Filter[]): StackTree {
  if (filters.length === 0) return tree
  const passes = new Uint8Array(tree.length).fill(1)
  const hidden = new Uint8Array(tree.frames.length)
  let hides = false
  for (const { kind, criteria } of filters) {
    if (kind === 'stack') {
      for (const { fits, not } of conditions(tree, criteria)) dropStacks(tree, fits, not, passes)
    } else {
      for (const { fits, not, asked } of conditions(tree, criteria)) {
        for (let f = 0; f < hidden.length; f++) {
          if (asked[f] === 1 && fits[f] === (not ? 1 : 0)) hidden[f] = 1
        }
      }
      hides = true
    }
  }
  return rebuild(tree, passes, hides ? hidden : null)
}

interface Condition {
  readonly not: boolean
  /** Per frame: 1 where the condition, without its `not`, is met. */
  readonly fits: Uint8Array
  /** Per frame: 1 where a frame filter may decide by it. */
  readonly asked: Uint8Array
}

function conditions(tree: StackTree, criteria: FilterCriteria): Condition[] {
  const { frames } = tree
  const n = frames.length
  const symbolized = new Uint8Array(n)
  const mapped = new Uint8Array(n)
  for (let f = 0; f < n; f++) {
    const { functionName, systemName, file, line } = frames
    if (functionName[f]! >= 0 || systemName[f]! >= 0 || file[f]! >= 0 || line[f] !== 0) symbolized[f] = 1
    if (frames.mapping[f]! >= 0) mapped[f] = 1
  }
  const all = new Uint8Array(n).fill(1)
  const out: Condition[] = []
  const text = (c: StringCondition | undefined, ids: Int32Array, asked: Uint8Array, of = (s: string) => s): void => {
    if (c !== undefined) out.push({ not: c.not, fits: fittingTexts(tree, c, ids, of), asked })
  }
  text(criteria.functionName, frames.functionName, symbolized)
  text(criteria.systemName, frames.systemName, symbolized)
  text(criteria.binary, frames.mapping, mapped, baseName)
  text(criteria.file, frames.file, symbolized)
  const number = (c: NumberCondition | undefined, asked: Uint8Array, at: (f: number) => bigint): void => {
    if (c === undefined) return
    const value = BigInt.asUintN(64, c.value)
    const fits = new Uint8Array(n)
    for (let f = 0; f < n; f++) fits[f] = BigInt.asUintN(64, at(f)) === value ? 1 : 0
    out.push({ not: c.not, fits, asked })
  }
  number(criteria.address, all, f => frames.address[f]!)
  number(criteria.line, symbolized, f => BigInt(frames.line[f]!))
  return out
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, letters => letters.toLowerCase())
}

/** Each distinct string is looked at once. */
function fittingTexts(
  tree: StackTree,
  condition: StringCondition,
  ids: Int32Array,
  of: (text: string) => string,
): Uint8Array {
  const wanted = lowerAscii(condition.value)
  const known = new Int8Array(tree.strings.length) // 1 fits, -1 does not, 0 not looked at
  const fits = new Uint8Array(ids.length)
  for (let f = 0; f < ids.length; f++) {
    const id = ids[f]!
    if (id < 0) continue
    if (known[id] === 0) known[id] = textFits(lowerAscii(of(textOf(tree.strings, id))), condition.op, wanted) ? 1 : -1
    fits[f] = known[id] === 1 ? 1 : 0
  }
  return fits
}

function textFits(text: string, op: StringCondition['op'], wanted: string): boolean {
  if (op === 'equal') return text === wanted
  return op === 'contains' ? text.includes(wanted) : text.startsWith(wanted)
}

function dropStacks(tree: StackTree, fits: Uint8Array, not: boolean, passes: Uint8Array): void {
  const { length, parent, frame } = tree
  const met = new Uint8Array(length)
  for (let i = 1; i < length; i++) {
    met[i] = met[parent[i]!]! | fits[frame[i]!]!
    if ((met[i] === 1) === not) passes[i] = 0
  }
}

/** The samples that pass, without the hidden frames; only nodes that such samples go through. */
function rebuild(tree: StackTree, passes: Uint8Array, hidden: Uint8Array | null): StackTree {
  const { length, parent, frame } = tree
  const needed = new Uint8Array(length)
  for (let i = length - 1; i > 0; i--) {
    if (passes[i] === 1 && hasSelf(tree, i)) needed[i] = 1
    if (needed[i] === 1) needed[parent[i]!] = 1
  }
  const trie = createTrie()
  const at = new Int32Array(length)
  const to = new Int32Array(length)
  for (let i = 1; i < length; i++) {
    if (needed[i] === 0) {
      to[i] = -1
      continue
    }
    const above = at[parent[i]!]!
    at[i] = hidden !== null && hidden[frame[i]!] === 1 ? above : trie.child(above, frame[i]!)
    to[i] = passes[i] === 1 ? at[i]! : -1
  }
  return finishTrie(trie, tree, to)
}

/**
 * Stacks that hold the function, cut at its outermost call: from it on down (`callees`), or down to it (`callers`).
 * Samples without it are left out. The name is compared as it is; Parca first keeps every stack in which some name
 * contains it, which shows stacks that were asked for by nobody.
 */
export function sandwich(tree: StackTree, functionName: string, side: 'callers' | 'callees'): StackTree {
  const { length, parent, frame, frames, strings } = tree
  const fits = new Uint8Array(frames.length)
  const known = new Int8Array(strings.length)
  for (let f = 0; f < frames.length; f++) {
    const id = frames.functionName[f]!
    if (id < 0) continue
    if (known[id] === 0) known[id] = textOf(strings, id) === functionName ? 1 : -1
    fits[f] = known[id] === 1 ? 1 : 0
  }
  const pivot = new Int32Array(length).fill(-1) // outermost node of the function on the way to i
  for (let i = 1; i < length; i++) {
    const above = pivot[parent[i]!]!
    pivot[i] = above >= 0 ? above : fits[frame[i]!] === 1 ? i : -1
  }
  const trie = createTrie()
  const to = new Int32Array(length).fill(-1)
  if (side === 'callees') {
    for (let i = 1; i < length; i++) {
      if (pivot[i]! >= 0) to[i] = trie.child(pivot[i] === i ? 0 : to[parent[i]!]!, frame[i]!)
    }
    return finishTrie(trie, tree, to)
  }
  const leads = new Uint8Array(length) // to a pivot
  for (let i = length - 1; i > 0; i--) {
    if (pivot[i] === i) leads[i] = 1
    if (leads[i] === 1) leads[parent[i]!] = 1
  }
  const at = new Int32Array(length)
  for (let i = 1; i < length; i++) {
    if (leads[i] === 1) at[i] = trie.child(at[parent[i]!]!, frame[i]!)
    if (pivot[i]! >= 0) to[i] = at[pivot[i]!]!
  }
  return finishTrie(trie, tree, to)
}

/** Every stack from its leaf to its root. */
export function invert(tree: StackTree): StackTree {
  const { length, parent, frame } = tree
  const trie = createTrie(length)
  const to = new Int32Array(length)
  for (let i = 1; i < length; i++) {
    if (!hasSelf(tree, i)) {
      to[i] = -1
      continue
    }
    let node = 0
    for (let above = i; above > 0; above = parent[above]!) node = trie.child(node, frame[above]!)
    to[i] = node
  }
  return finishTrie(trie, tree, to)
}
