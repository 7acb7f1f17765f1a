/**
 * An S3 on loopback that is stricter than the real one where it can be and as unreliable as asked: it checks every
 * signature and digest, honours conditions (or not, if so told), takes parts, lists in pages, and fails by plan.
 */
import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { Operation } from '../../pkg/objstore/errors.ts'
import type { Fault, FaultPlan } from '../../pkg/objstore/faults.ts'
import { checkSignature, type KeyPair } from './sigv4.ts'

export interface S3DoubleObject {
  readonly body: Buffer
  readonly etag: string
  readonly headers: Readonly<Record<string, string>>
  readonly at: number
}

export interface S3Double {
  /** `127.0.0.1:port` */
  readonly endpoint: string
  /** By key; what is in the bucket now. */
  readonly objects: Map<string, S3DoubleObject>
  /** Uploads in parts that were begun and neither completed nor given up. */
  readonly uploads: Map<string, Upload>
  /** Access keys that are let in. */
  readonly keys: Map<string, KeyPair>
  /** `PUT key`, `GET key 0-9` …, as they arrived, refused ones too. */
  readonly log: string[]
  faults: FaultPlan
  conditional: boolean
  /** A list shows the bucket as it was this long ago. */
  listLagMs: number
  close(): Promise<void>
}

interface Upload {
  readonly key: string
  readonly headers: Record<string, string>
  readonly parts: Map<number, { body: Buffer; etag: string }>
}

const SMALLEST_PART = 5 * 1024 * 1024
const KEPT_HEADERS = /^(x-amz-meta-.*|x-amz-storage-class|x-amz-server-side-encryption.*|content-type)$/

export async function startS3Double(options: {
  bucket: string
  accessKey: string
  secretKey: string
  /** Lower than Amazon's, so that tests are small. */
  smallestPart?: number
  pageSize?: number
}): Promise<S3Double> {
  const objects = new Map<string, S3DoubleObject>()
  const uploads = new Map<string, Upload>()
  const history: { key: string; size: number | null; at: number }[] = []
  const smallestPart = options.smallestPart ?? SMALLEST_PART

  const server = createServer((request, response) => {
    void handle(request, response).catch(error => {
      if (!response.headersSent) answerError(response, 500, 'InternalError', String(error))
      else response.destroy()
    })
  })
  const double: S3Double = {
    endpoint: '',
    objects,
    uploads,
    keys: new Map([[options.accessKey, { secretKey: options.secretKey }]]),
    log: [],
    faults: () => null,
    conditional: true,
    listLagMs: 0,
    close: () => {
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    const url = new URL(request.url!, 'http://localhost')
    const [, bucket, ...rest] = url.pathname.split('/').map(decodeURIComponent)
    const key = rest.join('/')
    const range = request.headers.range?.replace('bytes=', ' ') ?? ''
    double.log.push(`${request.method} ${key}${url.searchParams.has('uploadId') ? '?part' : ''}${range}`)

    const fault = double.faults({ operation: operationOf(request.method!, key), key })
    if (fault?.kind === 'reset') return void request.socket.destroy()
    if (fault?.kind === 'refuse') return answerError(response, 503, 'SlowDown', 'Please reduce your request rate.')
    if (fault?.kind === 'delay') await setTimeout(fault.ms, undefined, { ref: false })
    if (fault?.kind === 'cut' && request.method === 'PUT') return void request.socket.destroy()

    const refusal = checkSignature(request, body, double.keys, Date.now())
    if (refusal !== null) return answerError(response, refusal.status, refusal.code, refusal.message)
    if (bucket !== options.bucket) return answerError(response, 404, 'NoSuchBucket', 'The bucket does not exist')
    const md5 = request.headers['content-md5']
    if (md5 !== undefined && md5 !== digest(body).toString('base64'))
      return answerError(response, 400, 'BadDigest', 'The Content-MD5 is not that of the body')

    const answer = serve(request, key, url.searchParams, body)
    if (fault?.kind === 'lose-answer') return void request.socket.destroy()
    send(request, response, answer, fault)
  }

  function serve(request: IncomingMessage, key: string, query: URLSearchParams, body: Buffer): Answer {
    const uploadId = query.get('uploadId')
    switch (request.method) {
      case 'GET':
        return key === '' ? list(query) : read(request, key)
      case 'HEAD':
        return read(request, key)
      case 'DELETE':
        if (uploadId !== null) uploads.delete(uploadId)
        else store(key, null)
        return { status: 204 }
      case 'PUT':
        return uploadId === null ? put(request, key, body) : putPart(uploadId, Number(query.get('partNumber')), body)
      case 'POST':
        return uploadId === null ? begin(request, key) : complete(request, uploadId, body.toString())
      default:
        return fail(405, 'MethodNotAllowed')
    }
  }

  function read(request: IncomingMessage, key: string): Answer {
    const object = objects.get(key)
    if (object === undefined) return fail(404, 'NoSuchKey')
    const headers = { ...object.headers, etag: object.etag, 'last-modified': new Date(object.at).toUTCString() }
    const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
    if (asked === null) return { status: 200, headers, body: object.body }
    const start = Number(asked[1])
    if (start >= object.body.length) return fail(416, 'InvalidRange')
    const end = asked[2] === '' ? object.body.length : Math.min(Number(asked[2]) + 1, object.body.length)
    const place = `bytes ${start}-${end - 1}/${object.body.length}`
    return { status: 206, headers: { ...headers, 'content-range': place }, body: object.body.subarray(start, end) }
  }

  /** The refusal of a condition that does not hold. */
  function condition(request: IncomingMessage, key: string): Answer | null {
    if (!double.conditional) return null
    const there = objects.get(key)
    if (request.headers['if-none-match'] === '*' && there !== undefined) return fail(412, 'PreconditionFailed')
    const wanted = request.headers['if-match']
    if (wanted === undefined) return null
    if (there === undefined) return fail(404, 'NoSuchKey')
    return there.etag === wanted ? null : fail(412, 'PreconditionFailed')
  }

  function put(request: IncomingMessage, key: string, body: Buffer): Answer {
    const refused = condition(request, key)
    if (refused !== null) return refused
    const etag = `"${digest(body).toString('hex')}"`
    store(key, { body, etag, headers: keptHeaders(request), at: Date.now() })
    return { status: 200, headers: { etag } }
  }

  function begin(request: IncomingMessage, key: string): Answer {
    const id = randomUUID()
    uploads.set(id, { key, headers: keptHeaders(request), parts: new Map() })
    return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`)
  }

  function putPart(id: string, number: number, body: Buffer): Answer {
    const etag = `"${digest(body).toString('hex')}"`
    const upload = uploads.get(id)
    if (upload === undefined) return fail(404, 'NoSuchUpload')
    upload.parts.set(number, { body, etag })
    return { status: 200, headers: { etag } }
  }

  function complete(request: IncomingMessage, id: string, text: string): Answer {
    const upload = uploads.get(id)
    if (upload === undefined) return fail(404, 'NoSuchUpload')
    const named = [...text.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part]) => ({
      number: Number(/<PartNumber>(\d+)</.exec(part!)?.[1]),
      etag: /<ETag>(.*?)</.exec(part!)?.[1]?.replaceAll('&quot;', '"'),
    }))
    const parts = named.map(({ number }) => upload.parts.get(number))
    if (named.some(({ etag }, i) => parts[i]?.etag !== etag)) return fail(400, 'InvalidPart')
    if (named.some(({ number }, i) => i > 0 && number <= named[i - 1]!.number)) return fail(400, 'InvalidPartOrder')
    if (parts.slice(0, -1).some(part => part!.body.length < smallestPart)) return fail(400, 'EntityTooSmall')
    const refused = condition(request, upload.key)
    if (refused !== null) return refused
    const sums = Buffer.concat(parts.map(part => digest(part!.body)))
    const etag = `"${digest(sums).toString('hex')}-${parts.length}"`
    const body = Buffer.concat(parts.map(part => part!.body))
    store(upload.key, { body, etag, headers: upload.headers, at: Date.now() })
    uploads.delete(id)
    return xml(`<CompleteMultipartUploadResult><ETag>${escapeXml(etag)}</ETag></CompleteMultipartUploadResult>`)
  }

  function store(key: string, object: S3DoubleObject | null): void {
    if (object === null) objects.delete(key)
    else objects.set(key, object)
    history.push({ key, size: object?.body.length ?? null, at: Date.now() })
  }

  function list(query: URLSearchParams): Answer {
    const seen = new Map<string, { size: number; at: number }>()
    for (const { key, size, at } of history) {
      if (at > Date.now() - double.listLagMs) break
      if (size === null) seen.delete(key)
      else seen.set(key, { size, at })
    }
    const prefix = query.get('prefix') ?? ''
    const isV2 = query.get('list-type') === '2'
    const token = query.get('continuation-token')
    const after = isV2 ? token && Buffer.from(token, 'base64url').toString() : query.get('marker')
    const rest = [...seen]
      .filter(([key]) => key.startsWith(prefix) && (!after || key > after))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
    const page = rest.slice(0, Math.min(Number(query.get('max-keys') ?? 1000), options.pageSize ?? 1000))
    const isCut = page.length < rest.length
    const next = isCut && isV2 ? Buffer.from(page.at(-1)![0]).toString('base64url') : ''
    const contents = page.map(
      ([key, { size, at }]) =>
        `<Contents><Key>${escapeXml(key)}</Key><LastModified>${new Date(at).toISOString()}</LastModified><Size>${size}</Size></Contents>`,
    )
    return xml(
      `<ListBucketResult><IsTruncated>${isCut}</IsTruncated>${contents.join('')}` +
        `${next && `<NextContinuationToken>${next}</NextContinuationToken>`}</ListBucketResult>`,
    )
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(double, { endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}` })
}

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer, fault: Fault | null): void {
  const body = answer.body ?? Buffer.alloc(0)
  response.writeHead(answer.status, { ...answer.headers, 'content-length': body.length, 'x-amz-request-id': 'double' })
  if (request.method === 'HEAD') return void response.end()
  if (fault?.kind !== 'cut') return void response.end(body)
  response.write(body.subarray(0, body.length >> 1), () => request.socket.destroy())
}

function answerError(response: ServerResponse, status: number, code: string, message: string): void {
  const { body, headers } = fail(status, code, message)
  response.writeHead(status, { ...headers, 'content-length': body!.length })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

function fail(status: number, code: string, message = code): Answer {
  return { ...xml(`<Error><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error>`), status }
}

function xml(text: string): Answer {
  const body = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${text}`)
  return { status: 200, headers: { 'content-type': 'application/xml' }, body }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function keptHeaders(request: IncomingMessage): Record<string, string> {
  const kept = Object.entries(request.headers).filter(([name]) => KEPT_HEADERS.test(name))
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]))
}

function operationOf(method: string, key: string): Operation {
  if (method === 'GET') return key === '' ? 'list' : 'get'
  return method === 'HEAD' ? 'head' : method === 'DELETE' ? 'remove' : 'put'
}

const digest = (bytes: Buffer): Buffer => createHash('md5').update(bytes).digest()
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escapeXml = (text: string): string => text.replaceAll(/[&<>"]/g, c => ENTITIES[c]!)
