/**
 * Messages as grpc-gateway reads and writes them. Written: lowerCamelCase, defaults there, an unset message is null,
 * int64 as strings, bytes as base64, enums by name. Read from a query string: dotted paths by either spelling of a name,
 * repeated parameters for lists, unknown ones ignored.
 */
import {
  create,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  toJson,
} from '@bufbuild/protobuf'
import { RequestError } from '../../base/errors.ts'

export function messageToJson(desc: DescMessage, init: object): string {
  const message = create(desc, init as never)
  return JSON.stringify(withNulls(desc, toJson(desc, message, { alwaysEmitImplicit: true })))
}

export function messageFromBody(desc: DescMessage, body: Uint8Array | undefined): Message {
  if (body === undefined || body.length === 0) return create(desc)
  let json: JsonValue
  try {
    json = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')) as JsonValue
  } catch (thrown) {
    throw new RequestError('invalid_argument', `body: ${(thrown as Error).message}`, { cause: thrown })
  }
  return fromJsonObject(desc, json)
}

export function messageFromQuery(desc: DescMessage, params: URLSearchParams): Message {
  const json: JsonObject = {}
  for (const name of new Set(params.keys())) {
    const values = params.getAll(name)
    place(json, desc, name, values)
    checkAlone(desc, name, values)
  }
  return fromJsonObject(desc, json)
}

/** Reads one parameter by itself, so that the error can name it. */
function checkAlone(desc: DescMessage, name: string, values: readonly string[]): void {
  const json: JsonObject = {}
  place(json, desc, name, values)
  try {
    fromJson(desc, json, { ignoreUnknownFields: true })
  } catch (thrown) {
    const problem = `parameter "${name}": "${values.join(', ')}": ${(thrown as Error).message}`
    throw new RequestError('invalid_argument', problem, { cause: thrown })
  }
}

function fromJsonObject(desc: DescMessage, json: JsonValue): Message {
  try {
    return fromJson(desc, json, { ignoreUnknownFields: true })
  } catch (thrown) {
    throw new RequestError('invalid_argument', (thrown as Error).message, { cause: thrown })
  }
}

/** Sets what a dotted parameter names in the JSON form of `desc`. */
function place(json: JsonObject, desc: DescMessage, name: string, values: readonly string[]): void {
  const path = name.split('.')
  let at = json
  let message = desc
  for (const [i, part] of path.entries()) {
    const field = message.fields.find(each => each.name === part || each.jsonName === part)
    if (field === undefined) return
    if (i === path.length - 1) {
      at[field.jsonName] = leaf(field, values, name)
      return
    }
    if (field.fieldKind !== 'message') {
      throw new RequestError('invalid_argument', `parameter "${name}": ${part} has no fields of its own`)
    }
    message = field.message
    at = (at[field.jsonName] ??= {}) as JsonObject
  }
}

function leaf(field: DescField, values: readonly string[], name: string): JsonValue {
  if (field.fieldKind === 'list') {
    if (field.listKind === 'message') {
      throw new RequestError('invalid_argument', `parameter "${name}" is a list of messages; ask with gRPC`)
    }
    return values.map(value => scalar(field, value))
  }
  if (values.length > 1) throw new RequestError('invalid_argument', `too many values for parameter "${name}"`)
  return scalar(field, values[0]!)
}

/** JSON wants booleans bare; numbers and names of enums it takes as strings, numbers of enums not. */
function scalar(field: DescField, value: string): JsonValue {
  if (field.enum !== undefined) return /^-?\d+$/.test(value) ? Number(value) : value
  if (value === 'true' || value === 'false') return isBool(field) ? value === 'true' : value
  return value
}

function isBool(field: DescField): boolean {
  return field.scalar === 8
}

/** Fields of message type that are unset are null, but for members of a oneof and what is declared optional. */
function withNulls(desc: DescMessage, json: JsonValue): JsonValue {
  if (json === null || typeof json !== 'object' || Array.isArray(json)) return json
  const out: JsonObject = {}
  for (const field of desc.fields) {
    const value = json[field.jsonName]
    if (field.fieldKind === 'message') {
      if (value !== undefined) out[field.jsonName] = withNulls(field.message, value)
      else if (field.oneof === undefined && !field.proto.proto3Optional) out[field.jsonName] = null
    } else if (field.fieldKind === 'list' && field.listKind === 'message') {
      out[field.jsonName] = (value as JsonValue[]).map(each => withNulls(field.message, each))
    } else if (field.fieldKind === 'map' && field.mapKind === 'message') {
      const entries = Object.entries(value as JsonObject)
      out[field.jsonName] = Object.fromEntries(entries.map(([key, each]) => [key, withNulls(field.message, each)]))
    } else if (value !== undefined) {
      out[field.jsonName] = value
    }
  }
  // Well-known types have a JSON form that is not made of their fields; that of Timestamp and Duration is a string.
  return out
}
