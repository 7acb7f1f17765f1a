/**
 * A YAML document as maps, lists and scalars that know their place. A scalar is its text as written (`1.10` stays `1.10`,
 * `true` is four letters): what it means is decided by who reads it. Aliases and `<<` merges are already followed.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument, type Scalar } from 'yaml'
import type { Place, Problems } from './problems.ts'

export type ConfigNode = ScalarNode | ListNode | MapNode

export interface ScalarNode {
  readonly kind: 'scalar'
  /** null: nothing, `~` or `null`. */
  readonly text: string | null
  /** As written, `null` and `~` too. */
  readonly source: string
  readonly place: Place
}

export interface ListNode {
  readonly kind: 'list'
  readonly items: readonly ConfigNode[]
  readonly place: Place
}

export interface MapNode {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, MapEntry>
  readonly place: Place
}

export interface MapEntry {
  readonly keyPlace: Place
  readonly value: ConfigNode
}

/** null when the document is empty. What YAML refuses goes to `problems`. */
export function readTree(text: string, problems: Problems): ConfigNode | null {
  const lines = new LineCounter()
  // Keys are compared here, not by the parser: it would stop at numbers that are equal but written differently.
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false })
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  for (const { message, pos, code } of [...document.errors, ...document.warnings]) {
    const what = code === 'MULTIPLE_DOCS' ? 'the file must hold one YAML document, not several' : lowerFirst(message)
    problems.error(placeAt(pos[0]), what)
  }
  if (document.errors.length > 0 || document.contents === null) return null
  if (isScalar(document.contents) && nullText(document.contents)) return null

  const done = new Map<unknown, ConfigNode>()
  const open = new Set<unknown>()

  /** The same node for every alias of an anchor. */
  function convert(node: ParsedNode | null, fallback: Place): ConfigNode {
    if (node === null) return nothing(fallback)
    const place = placeAt(node.range[0])
    if (isAlias(node)) {
      const target = node.resolve(document) as ParsedNode | undefined
      if (target === undefined) return refuse(place, `there is no anchor "&${node.source}" before this alias`)
      if (open.has(target)) return refuse(place, `the alias "*${node.source}" stands inside what it refers to`)
      return convert(target, place)
    }
    const known = done.get(node)
    if (known !== undefined) return known
    open.add(node)
    const converted = convertNew(node, place)
    open.delete(node)
    done.set(node, converted)
    return converted
  }

  function convertNew(node: ParsedNode, place: Place): ConfigNode {
    if (isScalar(node)) {
      const source = textOf(node)
      return { kind: 'scalar', text: nullText(node) ? null : source, source, place }
    }
    if (isSeq<ParsedNode>(node)) return { kind: 'list', items: node.items.map(item => convert(item, place)), place }
    if (!isMap<ParsedNode, ParsedNode | null>(node)) return refuse(place, 'expected a map, a list or a scalar')

    const entries = new Map<string, MapEntry>()
    const merges: ConfigNode[] = []
    for (const { key, value } of node.items) {
      const keyPlace = key?.range ? placeAt(key.range[0]) : place
      if (!isScalar(key)) {
        problems.error(keyPlace, 'a key must be a scalar')
        continue
      }
      const name = textOf(key)
      const converted = convert(value, keyPlace)
      if (name === '<<' && key.type === 'PLAIN')
        merges.push(...(converted.kind === 'list' ? converted.items : [converted]))
      else if (entries.has(name)) {
        problems.error(keyPlace, `key "${name}" is given twice, first at line ${entries.get(name)!.keyPlace.line}`)
      } else entries.set(name, { keyPlace, value: converted })
    }
    for (const merged of merges) {
      if (merged.kind !== 'map') problems.error(merged.place, 'only maps can be merged with "<<"')
      // What is written wins over what is merged in, and of several merged the first.
      else for (const [name, entry] of merged.entries) if (!entries.has(name)) entries.set(name, entry)
    }
    return { kind: 'map', entries, place }
  }

  function refuse(place: Place, message: string): ConfigNode {
    problems.error(place, message)
    return nothing(place)
  }

  return convert(document.contents, { line: 1, column: 1 })
}

function nothing(place: Place): ScalarNode {
  return { kind: 'scalar', text: null, source: '', place }
}

function textOf(node: Scalar): string {
  return node.type === 'PLAIN' ? (node.source ?? '') : String(node.value)
}

function nullText(node: Scalar): boolean {
  return node.type === 'PLAIN' && /^(|~|null|Null|NULL)$/.test(node.source ?? '')
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
