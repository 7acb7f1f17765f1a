/**
 * The part of Google Cloud Storage's JSON API that a bucket needs, on loopback: generations and their conditions, multipart
 * and resumable uploads, ranges, pages, and faults by plan. It checks the MD5 that an upload says it has.
 */
import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { Operation } from '../../pkg/objstore/errors.ts'
import type { Fault, FaultPlan } from '../../pkg/objstore/faults.ts'

export interface GcsDouble {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string
  readonly objects: Map<string, GcsDoubleObject>
  /** `POST name multipart`, `PUT name bytes 0-9/20` … as they arrived. */
  readonly log: string[]
  /** What `Authorization` must be; null = nothing is asked for. */
  authorization: string | null
  faults: FaultPlan
  /** Of a chunk, only this many bytes are kept: a multiple of 256 KiB in the real one. */
  keptOfChunk: number
  close(): Promise<void>
}

export interface GcsDoubleObject {
  readonly body: Buffer
  readonly generation: string
  readonly metadata: Readonly<Record<string, string>>
  readonly at: number
}

interface Session {
  readonly name: string
  readonly query: URLSearchParams
  readonly resource: Resource
  body: Buffer
  done: Answer | null
}

interface Resource {
  readonly name?: string
  readonly md5Hash?: string
  readonly metadata?: Record<string, string>
}

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
}

const CHUNK_UNIT = 256 * 1024

export async function startGcsDouble(options: { bucket: string; pageSize?: number }): Promise<GcsDouble> {
  const objects = new Map<string, GcsDoubleObject>()
  const sessions = new Map<string, Session>()
  let generation = 1_700_000_000_000_000

  const server = createServer((request, response) => {
    void handle(request, response).catch(error => reply(request, response, fail(500, String(error)), null))
  })
  const double: GcsDouble = {
    endpoint: '',
    objects,
    log: [],
    authorization: null,
    faults: () => null,
    keptOfChunk: Number.POSITIVE_INFINITY,
    close: () => {
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const url = new URL(request.url!, 'http://localhost')
    const [, bucket, name] =
      /\/b\/([^/]+)\/o(?:\/([^/]+))?$/.exec(url.pathname)?.map(p => p && decodeURIComponent(p)) ?? []
    const key = name ?? url.searchParams.get('name') ?? ''
    const isUpload = url.pathname.startsWith('/upload/')
    const how = isUpload
      ? (request.headers['content-range'] ?? url.searchParams.get('uploadType')!)
      : request.headers.range
    double.log.push([request.method, key, how].filter(part => part !== undefined && part !== '').join(' '))

    // The address of a session is the permission to write to it.
    const isAllowed = url.searchParams.has('upload_id') || request.headers.authorization === double.authorization
    if (double.authorization !== null && !isAllowed) return reply(request, response, fail(401, 'authError'), null)
    const fault = double.faults({ operation: operationOf(request.method!, key, url, isUpload), key })
    if (fault?.kind === 'reset') return void request.socket.destroy()
    if (fault?.kind === 'refuse') return reply(request, response, fail(503, 'backendError'), null)
    if (fault?.kind === 'delay') await setTimeout(fault.ms, undefined, { ref: false })
    if (bucket !== options.bucket)
      return reply(request, response, fail(404, 'The specified bucket does not exist.'), null)

    const answer = isUpload ? upload(request, url, key, body) : serve(request, url, key)
    if (fault?.kind === 'lose-answer') return void request.socket.destroy()
    reply(request, response, answer, fault)
  }

  function serve(request: IncomingMessage, url: URL, key: string): Answer {
    if (key === '') return list(url.searchParams)
    const object = objects.get(key)
    if (object === undefined) return fail(404, `No such object: ${options.bucket}/${key}`)
    if (request.method === 'DELETE') {
      objects.delete(key)
      return { status: 204 }
    }
    if (url.searchParams.get('alt') !== 'media') return json(resourceOf(key, object))
    const headers = {
      'x-goog-generation': object.generation,
      'x-goog-hash': `md5=${md5(object.body)}`,
      'x-goog-stored-content-encoding': 'identity',
    }
    const asked = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
    if (asked === null) return { status: 200, headers, body: object.body }
    if (Number(asked[1]) >= object.body.length) return fail(416, 'requestedRangeNotSatisfiable')
    return { status: 206, headers, body: object.body.subarray(Number(asked[1]), Number(asked[2]) + 1) }
  }

  function upload(request: IncomingMessage, url: URL, key: string, body: Buffer): Answer {
    if (request.method === 'PUT') return chunk(request, url.searchParams.get('upload_id')!, body)
    if (url.searchParams.get('uploadType') === 'multipart') {
      const [resource, media] = partsOf(request, body)
      return store(key, url.searchParams, JSON.parse(resource.toString()), media)
    }
    const id = randomUUID()
    const resource = JSON.parse(body.toString() || '{}') as Resource
    sessions.set(id, { name: key, query: url.searchParams, resource, body: Buffer.alloc(0), done: null })
    const location = `${double.endpoint}${url.pathname}?uploadType=resumable&name=${encodeURIComponent(key)}&upload_id=${id}`
    return { status: 200, headers: { location } }
  }

  function chunk(request: IncomingMessage, id: string, body: Buffer): Answer {
    const session = sessions.get(id)
    if (session === undefined) return fail(410, 'the session is gone')
    if (session.done !== null) return session.done
    const found = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(request.headers['content-range'] ?? '')
    if (found === null) return fail(400, 'no range')
    const [start, last, size] = found.slice(1).map(Number) as [number, number, number]
    if (last - start + 1 !== body.length || start > session.body.length)
      return fail(400, 'the range is not that of the body')
    if (last + 1 !== size && body.length % CHUNK_UNIT !== 0) return fail(400, 'a chunk must be a multiple of 256 KiB')
    const kept = body.subarray(session.body.length - start).subarray(0, double.keptOfChunk)
    session.body = Buffer.concat([session.body, kept])
    if (session.body.length < size)
      return { status: 308, headers: session.body.length === 0 ? {} : { range: `bytes=0-${session.body.length - 1}` } }
    session.done = store(session.name, session.query, session.resource, session.body)
    return session.done
  }

  function store(key: string, query: URLSearchParams, resource: Resource, body: Buffer): Answer {
    const wanted = query.get('ifGenerationMatch')
    if (wanted !== null && wanted !== (objects.get(key)?.generation ?? '0')) return fail(412, 'conditionNotMet')
    if (resource.md5Hash !== undefined && resource.md5Hash !== md5(body)) return fail(400, 'the MD5 is another')
    const object = { body, generation: String(++generation), metadata: resource.metadata ?? {}, at: Date.now() }
    objects.set(key, object)
    return json(resourceOf(key, object))
  }

  function list(query: URLSearchParams): Answer {
    const after = query.get('pageToken')
    const rest = [...objects]
      .filter(([key]) => key.startsWith(query.get('prefix') ?? '') && (after === null || key > after))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
    const page = rest.slice(0, Math.min(options.pageSize ?? 1000, Number(query.get('maxResults') ?? 1000)))
    const next = page.length < rest.length ? { nextPageToken: page.at(-1)![0] } : {}
    return json({ kind: 'storage#objects', items: page.map(([key, object]) => resourceOf(key, object)), ...next })
  }

  function resourceOf(name: string, { body, generation, metadata, at }: GcsDoubleObject) {
    const updated = new Date(at).toISOString()
    const resource = { kind: 'storage#object', name, bucket: options.bucket, generation, updated, metadata }
    return { ...resource, size: String(body.length), md5Hash: md5(body) }
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(double, { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

/** The two bodies of multipart/related: what the object is, and its bytes. */
function partsOf(request: IncomingMessage, body: Buffer): [Buffer, Buffer] {
  const boundary = /boundary="?([^";]+)"?/.exec(request.headers['content-type'] ?? '')![1]!
  const parts: Buffer[] = []
  let at = body.indexOf(`--${boundary}\r\n`)
  while (parts.length < 2) {
    const start = body.indexOf('\r\n\r\n', at) + 4
    const end = body.indexOf(`\r\n--${boundary}`, start)
    parts.push(body.subarray(start, end))
    at = end + 2
  }
  return [parts[0]!, parts[1]!]
}

function reply(request: IncomingMessage, response: ServerResponse, answer: Answer, fault: Fault | null): void {
  const body = answer.body ?? Buffer.alloc(0)
  response.writeHead(answer.status, { ...answer.headers, 'content-length': body.length })
  if (fault?.kind !== 'cut') return void response.end(body)
  response.write(body.subarray(0, body.length >> 1), () => request.socket.destroy())
}

function json(value: unknown, status = 200): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(value)) }
}

function fail(status: number, message: string): Answer {
  return json({ error: { code: status, message, errors: [{ message, reason: message.split(' ')[0] }] } }, status)
}

function operationOf(method: string, key: string, url: URL, isUpload: boolean): Operation {
  if (isUpload) return 'put'
  if (method === 'DELETE') return 'remove'
  if (key === '') return 'list'
  return url.searchParams.get('alt') === 'media' ? 'get' : 'head'
}

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('base64')
