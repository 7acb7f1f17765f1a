/**
 * Reads one map of the file key by key. A wrong value is noted with its place and its default taken, so that one reading
 * finds every mistake; the keys that were asked for are the keys that exist, so `finish` can tell which nobody knows.
 */

import type { Place, Problems } from './problems.ts'
import { didYouMean } from './suggest.ts'
import type { ConfigNode, MapEntry, MapNode, ScalarNode } from './tree.ts'
import { parseDuration, parseSize } from './units.ts'

export class MapReader {
  readonly problems: Problems
  readonly #node: MapNode
  readonly #asked = new Set<string>()

  constructor(node: MapNode, problems: Problems) {
    this.#node = node
    this.problems = problems
  }

  /** Whether the key is there with something in it. */
  has(key: string): boolean {
    return this.#value(key) !== null
  }

  /** Of the value of `key`, or of the map when the key is not there. */
  place(key?: string): Place {
    const entry = key === undefined ? undefined : this.#node.entries.get(key)
    return entry === undefined ? this.#node.place : entry.value.place
  }

  error(key: string, message: string): void {
    this.problems.error(this.place(key), message)
  }

  warn(key: string, message: string): void {
    this.problems.warn(this.place(key), message)
  }

  text<T>(key: string, fallback: T): string | T {
    const node = this.#scalar(key)
    return node === null ? fallback : node.text!
  }

  bool<T>(key: string, fallback: T): boolean | T {
    return this.#read(key, fallback, 'true or false', text =>
      /^(true|True|TRUE)$/.test(text) ? true : /^(false|False|FALSE)$/.test(text) ? false : null,
    )
  }

  /** A whole number, 0 or above. */
  count<T>(key: string, fallback: T): number | T {
    return this.#read(key, fallback, 'a whole number, 0 or above', text => {
      const n = /^\d[\d_]*$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN
      return Number.isSafeInteger(n) ? n : null
    })
  }

  /** Milliseconds. */
  duration<T>(key: string, fallback: T): number | T {
    return this.#read(key, fallback, 'a duration like 10s, 1m30s or 500ms', parseDuration)
  }

  /** Bytes. */
  size<T>(key: string, fallback: T): number | T {
    return this.#read(key, fallback, 'a size like 64MiB', parseSize)
  }

  oneOf<const C extends string, T>(key: string, choices: readonly C[], fallback: T): C | T {
    return this.#read(key, fallback, `one of ${choices.join(', ')}`, text => choices.find(c => c === text) ?? null)
  }

  /** Scalars as written, with their places. */
  texts(key: string): ScalarNode[] {
    return this.list(key).filter(item => this.#isScalar(item, 'a scalar'))
  }

  list(key: string): readonly ConfigNode[] {
    const node = this.#value(key)
    if (node === null) return []
    if (node.kind === 'list') return node.items
    this.problems.error(node.place, `${key} must be a list`)
    return []
  }

  /** A reader for each item; what is no map is an error. */
  maps(key: string): MapReader[] {
    return this.list(key).flatMap(item => {
      if (item.kind === 'map') return [new MapReader(item, this.problems)]
      this.problems.error(item.place, `an item of ${key} must be a map`)
      return []
    })
  }

  map(key: string): MapReader | null {
    const node = this.#value(key)
    if (node === null) return null
    if (node.kind === 'map') return new MapReader(node, this.problems)
    this.problems.error(node.place, `${key} must be a map`)
    return null
  }

  /** Entries of a map whose keys are free, in the order of the file. */
  entries(): [string, MapEntry][] {
    for (const key of this.#node.entries.keys()) this.#asked.add(key)
    return [...this.#node.entries]
  }

  /** The key is refused with `message`, if it is there. */
  refuse(key: string, message: string): void {
    this.#asked.add(key)
    const entry = this.#node.entries.get(key)
    if (entry !== undefined) this.problems.error(entry.keyPlace, message)
  }

  /** Says which keys nobody asked for. */
  finish(): void {
    for (const [key, { keyPlace }] of this.#node.entries)
      if (!this.#asked.has(key)) this.problems.error(keyPlace, `unknown key "${key}"${didYouMean(key, this.#asked)}`)
  }

  #value(key: string): ConfigNode | null {
    this.#asked.add(key)
    const value = this.#node.entries.get(key)?.value
    return value === undefined || (value.kind === 'scalar' && value.text === null) ? null : value
  }

  #scalar(key: string): ScalarNode | null {
    const value = this.#value(key)
    return value !== null && this.#isScalar(value, key) ? value : null
  }

  #isScalar(node: ConfigNode, what: string): node is ScalarNode {
    if (node.kind === 'scalar') return true
    this.problems.error(node.place, `${what} must be text or a number, not a ${node.kind}`)
    return false
  }

  #read<V, T>(key: string, fallback: T, expected: string, parse: (text: string) => V | null): V | T {
    const node = this.#scalar(key)
    if (node === null) return fallback
    const value = parse(node.text!)
    if (value !== null) return value
    this.problems.error(node.place, `${key} must be ${expected}, got ${JSON.stringify(node.text)}`)
    return fallback
  }
}
