/** Made-up flame graphs of any size, as the server would answer them: seeded, so that one seed is one graph. */
import { dictionary, float64, int32, int64, tableFromArrays, tableToIPC, uint64, utf8 } from '@uwdata/flechette'
import type { FlameRows } from '../../ui/flamegraph/model.ts'

export type Seeded = () => number // [0, 1)

export function seeded(seed: number): Seeded {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

const PACKAGES = [
  ['shop/api', 'api.ts', 'serve handle route parseBody encodeJson validate authorize'],
  ['shop/cart', 'cart.ts', 'total applyCoupon addItem priceOf roundTax'],
  ['shop/db', 'query.ts', 'query prepare bindRow readPage decodeRow'],
  ['net/http', 'server.go', '(*conn).serve (*Request).Header readRequest writeChunk'],
  ['encoding/json', 'encode.go', 'Marshal (*encodeState).string structEncoder.encode'],
  ['runtime', 'malloc.go', 'mallocgc gcAssist scanobject memmove'],
  ['compress/flate', 'deflate.go', '(*compressor).deflate (*huffmanBitWriter).write'],
] as const

/** A tree of about `nodes` nodes; depth and fan-out like those of real services: a few deep paths, a long tail. */
export function fakeFlame(nodes: number, seed = 7, unit = 'nanoseconds'): FlameRows {
  const random = seeded(seed)
  const names: string[] = ['root']
  const files: string[] = []
  const nameFile: number[] = [-1]
  const perPackage = Math.max(1, Math.min(900, Math.ceil(nodes / 300)))
  for (const [name, file, functions] of PACKAGES) {
    const base = functions.split(' ')
    files.push(`${name}/${file}`)
    for (let i = 0; i < perPackage * base.length; i++) {
      const round = Math.floor(i / base.length)
      names.push(`${name}.${base[i % base.length]}${round === 0 ? '' : round}`)
      nameFile.push(files.length - 1)
    }
  }
  const parent = new Int32Array(nodes)
  const name = new Int32Array(nodes)
  parent[0] = -1
  let made = 1
  // Pre-order: the open path is a stack; each new node hangs from a random point near its top.
  const open: number[] = [0]
  while (made < nodes) {
    const up = random() < 0.62 ? 0 : Math.floor(random() ** 2 * Math.min(open.length, 12))
    open.length = Math.max(1, open.length - up - (open.length > 60 ? 30 : 0))
    parent[made] = open.at(-1)!
    name[made] = 1 + Math.floor(random() ** 1.7 * (names.length - 1))
    open.push(made++)
  }
  const self = new Float64Array(nodes)
  const total = new Float64Array(nodes)
  for (let i = nodes - 1; i >= 0; i--) {
    self[i] = i === 0 ? 0 : Math.floor(random() ** 9 * 4e8) + 10_000
    total[i]! += self[i]!
    if (i > 0) total[parent[i]!]! += total[i]!
  }
  const file = Int32Array.from(name, id => nameFile[id]!)
  return {
    parent,
    name,
    names,
    total,
    self,
    exactTotal: BigInt64Array.from(total, BigInt),
    exactSelf: BigInt64Array.from(self, BigInt),
    file,
    files,
    line: Float64Array.from(name, id => (id * 7) % 400),
    mapping: new Int32Array(nodes).fill(0),
    mappings: ['/usr/local/bin/shop'],
    unit,
    profiles: 90,
  }
}

/** A small tree from `path;of;names value` lines: a picture of a graph for tests. */
export function flameOf(lines: readonly string[], unit = 'count'): FlameRows {
  interface Node {
    readonly children: Map<string, Node>
    self: number
  }
  const root: Node = { children: new Map(), self: 0 }
  for (const line of lines) {
    const [, path, value] = /^(.*) (-?\d+)$/.exec(line)!
    let node = root
    for (const part of path!.split(';')) {
      let child = node.children.get(part)
      if (!child) node.children.set(part, (child = { children: new Map(), self: 0 }))
      node = child
    }
    node.self += Number(value)
  }
  const parent: number[] = []
  const name: number[] = []
  const names: string[] = []
  const self: number[] = []
  const add = (title: string, node: Node, from: number): void => {
    const at = parent.length
    let id = names.indexOf(title)
    if (id < 0) id = names.push(title) - 1
    parent.push(from)
    name.push(id)
    self.push(node.self)
    for (const [childName, child] of node.children) add(childName, child, at)
  }
  add('root', root, -1)
  const total = Float64Array.from(self)
  for (let i = total.length - 1; i > 0; i--) total[parent[i]!]! += total[i]!
  const none = new Int32Array(parent.length).fill(-1)
  return {
    parent: Int32Array.from(parent),
    name: Int32Array.from(name),
    names,
    total,
    self: Float64Array.from(self),
    exactTotal: BigInt64Array.from(total, BigInt),
    exactSelf: BigInt64Array.from(self, BigInt),
    file: none,
    files: [],
    line: new Float64Array(parent.length),
    mapping: none,
    mappings: [],
    unit,
    profiles: 1,
  }
}

/** The same as an Arrow IPC stream. */
export function encodeFlame(rows: FlameRows): Uint8Array {
  const text = (ids: Int32Array, list: readonly string[]): (string | null)[] =>
    Array.from(ids, id => (id < 0 ? null : list[id]!))
  const columns = {
    parent: rows.parent,
    name: text(rows.name, rows.names),
    total: rows.exactTotal,
    self: rows.exactSelf,
    file: text(rows.file, rows.files),
    line: Array.from(rows.line, line => (line === 0 ? null : line)),
    mapping: text(rows.mapping, rows.mappings),
    address: new BigUint64Array(rows.parent.length),
  }
  const table = tableFromArrays(columns, {
    types: {
      parent: int32(),
      name: dictionary(utf8()),
      total: int64(),
      self: int64(),
      file: dictionary(utf8()),
      line: float64(),
      mapping: dictionary(utf8()),
      address: uint64(),
    },
  })
  table.schema.metadata = new Map([
    ['unit', rows.unit],
    ['total', String(rows.exactTotal[0])],
    ['profiles', String(rows.profiles)],
  ])
  return tableToIPC(table, { format: 'stream' })!
}
