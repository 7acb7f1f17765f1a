/**
 * Reads an Arrow IPC stream of flat columns: integers, doubles, text, and text by dictionary, uncompressed. A full reader
 * takes an eighth of what the page may weigh; the flame graph needs this much of it.
 *
 *   stream   := message* end
 *   message  := ff ff ff ff | size i32 | flatbuffer (Schema, DictionaryBatch or RecordBatch) | body
 *
 * Every offset is checked against the bytes there are: a `DataView` throws on the others.
 */

/** One batch of one column. */
export interface ArrowChunk {
  readonly length: number
  /** Bit i set: value i is there. Null: all are. */
  readonly validity: Uint8Array | null
  /** The values; of text, indices into `texts`. */
  readonly values: ArrowValues
  readonly texts: readonly string[] | null
}

export type ArrowValues =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array

export interface ArrowStream {
  readonly metadata: ReadonlyMap<string, string>
  readonly columns: ReadonlyMap<string, readonly ArrowChunk[]>
  readonly rows: number
}

type Layout =
  | { readonly kind: 'fixed'; readonly make: ValuesConstructor }
  | { readonly kind: 'text' }
  | { readonly kind: 'null' }

interface Field {
  readonly name: string
  readonly layout: Layout // of the values, or of the dictionary's indices
  readonly dictionary: number | null
}

interface Body {
  readonly length: number
  nodes: number // place of the next field node
  buffers: number // place of the next buffer
  readonly start: number // of the body
}

type ValuesConstructor = {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): ArrowValues
}

const SCHEMA = 1
const DICTIONARY_BATCH = 2
const RECORD_BATCH = 3

export function readArrowStream(bytes: Uint8Array): ArrowStream {
  const reader = new FlatReader(bytes)
  const metadata = new Map<string, string>()
  const columns = new Map<string, ArrowChunk[]>()
  const dictionaries = new Map<number, readonly string[]>()
  let fields: readonly Field[] = []
  let rows = 0
  let at = 0
  while (at + 8 <= bytes.length) {
    if (reader.int32(at) !== -1) throw new Error(`not an Arrow stream: no message at byte ${at}`)
    const size = reader.int32(at + 4)
    if (size === 0) break
    const message = reader.indirect(at + 8)
    const bodyStart = at + 8 + size
    const header = reader.table(message, 2)
    switch (reader.uint8Field(message, 1)) {
      case SCHEMA:
        fields = reader.tables(header, 1).map(field => readField(reader, field))
        for (const pair of reader.tables(header, 2)) metadata.set(reader.text(pair, 0), reader.text(pair, 1))
        for (const field of fields) columns.set(field.name, [])
        break
      case DICTIONARY_BATCH: {
        const id = reader.int64Field(header, 0)
        const body = openBody(reader, reader.table(header, 1), bodyStart)
        const texts = readChunk(reader, body, { kind: 'text' }, null).texts ?? []
        const more = reader.uint8Field(header, 2) === 1
        dictionaries.set(id, more ? [...(dictionaries.get(id) ?? []), ...texts] : texts)
        break
      }
      case RECORD_BATCH: {
        const body = openBody(reader, header, bodyStart)
        rows += body.length
        for (const { name, layout, dictionary } of fields) {
          const texts = dictionary === null ? null : (dictionaries.get(dictionary) ?? [])
          columns.get(name)!.push(readChunk(reader, body, layout, texts))
        }
        break
      }
    }
    at = bodyStart + reader.int64Field(message, 3)
  }
  return { metadata, columns, rows }
}

function readField(reader: FlatReader, field: number): Field {
  const name = reader.text(field, 0)
  const encoding = reader.table(field, 4)
  if (encoding === 0) {
    return {
      name,
      layout: layoutOf(reader, name, reader.uint8Field(field, 2), reader.table(field, 3)),
      dictionary: null,
    }
  }
  const index = reader.table(encoding, 1)
  // Without an index type it is a signed 32-bit integer.
  const layout = index === 0 ? fixed(Int32Array) : layoutOf(reader, name, INT, index)
  return { name, layout, dictionary: reader.int64Field(encoding, 0) }
}

const NULL = 1
const INT = 2
const FLOAT = 3
const UTF8 = 5
const SIGNED = { 8: Int8Array, 16: Int16Array, 32: Int32Array, 64: BigInt64Array } as const
const UNSIGNED = { 8: Uint8Array, 16: Uint16Array, 32: Uint32Array, 64: BigUint64Array } as const

function layoutOf(reader: FlatReader, name: string, kind: number, type: number): Layout {
  if (kind === NULL) return { kind: 'null' }
  if (kind === UTF8) return { kind: 'text' }
  if (kind === INT) {
    const make = (reader.uint8Field(type, 1) === 1 ? SIGNED : UNSIGNED)[reader.int32Field(type, 0) as 8 | 16 | 32 | 64]
    if (make) return fixed(make)
  }
  if (kind === FLOAT) {
    const precision = reader.uint8Field(type, 0)
    if (precision > 0) return fixed(precision === 1 ? Float32Array : Float64Array)
  }
  throw new Error(`column ${name} has Arrow type ${kind}, which is not read here`)
}

function fixed(make: ValuesConstructor): Layout {
  return { kind: 'fixed', make }
}

function openBody(reader: FlatReader, batch: number, start: number): Body {
  if (reader.table(batch, 3) !== 0) throw new Error('compressed Arrow batches are not read here')
  return {
    length: reader.int64Field(batch, 0),
    nodes: reader.vector(batch, 1),
    buffers: reader.vector(batch, 2),
    start,
  }
}

function readChunk(reader: FlatReader, body: Body, layout: Layout, texts: readonly string[] | null): ArrowChunk {
  const length = reader.int64(body.nodes)
  const nulls = reader.int64(body.nodes + 8)
  body.nodes += 16
  if (layout.kind === 'null')
    return { length, validity: new Uint8Array((length + 7) >> 3), values: new Int8Array(length), texts }
  const bits = nextBuffer(reader, body)
  const validity = nulls > 0 ? bits : null
  if (layout.kind === 'fixed') {
    return { length, validity, values: view(layout.make, nextBuffer(reader, body), length), texts }
  }
  const offsets = view(Int32Array, nextBuffer(reader, body), length === 0 ? 0 : length + 1) as Int32Array
  const data = nextBuffer(reader, body)
  const decoder = new TextDecoder()
  const all: string[] = []
  for (let i = 0; i < length; i++) all.push(decoder.decode(data.subarray(offsets[i]!, offsets[i + 1]!)))
  return { length, validity, values: Int32Array.from(all, (_, i) => i), texts: all }
}

function nextBuffer(reader: FlatReader, body: Body): Uint8Array {
  const offset = reader.int64(body.buffers)
  const length = reader.int64(body.buffers + 8)
  body.buffers += 16
  return reader.slice(body.start + offset, length)
}

/** In place where the bytes are aligned, else a copy. */
function view(make: ValuesConstructor, bytes: Uint8Array, length: number): ArrowValues {
  const size = length * make.BYTES_PER_ELEMENT
  if (bytes.byteLength < size) throw new Error('an Arrow buffer is shorter than its column')
  const aligned = bytes.byteOffset % make.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice(0, size)
  return new make(aligned.buffer, aligned.byteOffset, length)
}

/** Just enough of FlatBuffers: tables by field number, a missing field is 0. */
class FlatReader {
  readonly #view: DataView
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  int32(at: number): number {
    return this.#view.getInt32(at, true)
  }

  int64(at: number): number {
    return Number(this.#view.getBigInt64(at, true))
  }

  slice(start: number, length: number): Uint8Array {
    if (start < 0 || length < 0 || start + length > this.#bytes.length) throw new Error('the Arrow stream is cut short')
    return this.#bytes.subarray(start, start + length)
  }

  indirect(at: number): number {
    return at + this.int32(at)
  }

  /** Place of field `n` of a table, 0 when it is not there. */
  #field(table: number, n: number): number {
    if (table === 0) return 0
    const vtable = table - this.int32(table)
    const slot = 4 + 2 * n
    const offset = slot < this.#view.getUint16(vtable, true) ? this.#view.getUint16(vtable + slot, true) : 0
    return offset === 0 ? 0 : table + offset
  }

  uint8Field(table: number, n: number): number {
    const at = this.#field(table, n)
    return at === 0 ? 0 : this.#view.getUint8(at)
  }

  int32Field(table: number, n: number): number {
    const at = this.#field(table, n)
    return at === 0 ? 0 : this.int32(at)
  }

  int64Field(table: number, n: number): number {
    const at = this.#field(table, n)
    return at === 0 ? 0 : this.int64(at)
  }

  table(table: number, n: number): number {
    const at = this.#field(table, n)
    return at === 0 ? 0 : this.indirect(at)
  }

  /** First element of a vector. */
  vector(table: number, n: number): number {
    return this.table(table, n) + 4
  }

  tables(table: number, n: number): number[] {
    const vector = this.table(table, n)
    if (vector === 0) return []
    return Array.from({ length: this.int32(vector) }, (_, i) => this.indirect(vector + 4 + 4 * i))
  }

  text(table: number, n: number): string {
    const at = this.table(table, n)
    return at === 0 ? '' : new TextDecoder().decode(this.slice(at + 4, this.int32(at)))
  }
}
