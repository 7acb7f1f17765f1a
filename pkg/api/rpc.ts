/**
 * gRPC, gRPC-web (binary and text) and Connect over one set of handlers, on HTTP/1.1 and HTTP/2 alike.
 *
 * An RPC is known by the last two segments of its path: Parca's page calls `/api/parca.query…/Query`, others call it at
 * the root. A throwing handler answers `internal` and never ends the process.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { DescMessage, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  type HandlerContext,
  type Interceptor,
  type ServiceImpl,
} from '@connectrpc/connect'
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node'
import { assert } from '../base/assert.ts'
import { RequestError } from '../base/errors.ts'
import type { Log } from '../base/ports.ts'
import { type Call, formatStats, STATS_HEADER, type UnaryService } from './call.ts'
import type { Served } from './contract.ts'
import { encodeMessage, mendTrailerFrame, mendTrailers } from './grpc/message.ts'
import { base64Decoder, base64Encoder } from './grpc/text.ts'
import { RPCS, type RpcName, rpcRow } from './routes.ts'
import { grpcName, toConnectError, toRequestError } from './status.ts'

export type NodeRequest = IncomingMessage | Http2ServerRequest
/** HTTP/2's compatible response passes for one of HTTP/1.1. */
export type NodeResponse = ServerResponse

export interface RpcHandler {
  /** Whether a request is an RPC, known or not; if so it is answered. */
  handle(request: NodeRequest, response: NodeResponse): boolean
  /** `package.Service/Method` of all that is served. */
  readonly names: readonly RpcName[]
}

export interface RpcOptions {
  readonly routes: (router: ConnectRouter) => void
  readonly messageSizeLimit: number
  readonly ready: () => boolean
  readonly log: Log
  readonly observe: ((served: Served) => void) | undefined
}

export function createRpcHandler(options: RpcOptions): RpcHandler {
  const router = createConnectRouter({
    readMaxBytes: options.messageSizeLimit,
    writeMaxBytes: options.messageSizeLimit,
    acceptCompression: [compressionGzip],
    // Profiles and Arrow records come compressed: a second pass costs much and gains nothing.
    compressMinBytes: 0xffff_ffff,
    interceptors: [guard(options)],
  })
  options.routes(router)
  const handlers = new Map<string, (typeof router.handlers)[number]>()
  for (const handler of router.handlers) {
    const name = handler.requestPath.slice(1)
    assert(name in RPCS, `RPC ${name} has no row in the table`)
    handlers.set(name, handler)
  }
  for (const name of Object.keys(RPCS)) assert(handlers.has(name), `RPC ${name} has no handler`)

  return {
    names: [...handlers.keys()] as RpcName[],
    handle(request, response) {
      const name = rpcNameOf(request.url ?? '')
      const contentType = request.headers['content-type'] ?? ''
      const handler = name === null ? undefined : handlers.get(name)
      if (handler === undefined) {
        if (!contentType.startsWith('application/grpc')) return false
        answerUnknown(response, name, contentType)
        return true
      }
      serve(request, response, handler, contentType).catch((reason: unknown) => {
        // The client went away, or its request line is no URL; either way there is nobody to tell but the log.
        options.log.debug('rpc not answered', { rpc: name, err: String(reason) })
        if (!response.headersSent) response.writeHead(400)
        response.end()
      })
      return true
    },
  }
}

/** Turns the methods of a service into Connect's form. */
export function unary<S extends DescService>(service: UnaryService<S>): Partial<ServiceImpl<S>> {
  const out: Record<string, unknown> = {}
  for (const [name, method] of Object.entries(service) as [
    string,
    (request: MessageShape<DescMessage>, call: Call) => Promise<MessageInitShape<DescMessage>>,
  ][]) {
    out[name] = (request: MessageShape<DescMessage>, context: HandlerContext) => method(request, callOf(context))
  }
  return out as Partial<ServiceImpl<S>>
}

function callOf(context: HandlerContext): Call {
  return {
    signal: context.signal,
    stats(stats) {
      const text = formatStats(stats)
      context.responseTrailer.set(STATS_HEADER, text)
      // Connect's unary answers have no trailers on the wire; a header is what its users read.
      if (context.protocolName === 'connect') context.responseHeader.set(STATS_HEADER, text)
    },
  }
}

/** UNAVAILABLE until ready; every throw becomes a status; every answer is counted. */
function guard(options: RpcOptions): Interceptor {
  return next => async request => {
    const name = `${request.service.typeName}/${request.method.name}` as RpcName
    const began = performance.now()
    const done = (code: string) =>
      options.observe?.({
        protocol: protocolOf(request.header.get('content-type') ?? ''),
        route: name,
        code,
        seconds: (performance.now() - began) / 1000,
      })
    try {
      if (rpcRow(name).early !== true && !options.ready()) {
        throw new RequestError('unavailable', 'Decima is not ready: the store is still being read')
      }
      const answer = await next(request)
      done('OK')
      return answer
    } catch (thrown) {
      const error = request.signal.aborted ? aborted(request.signal, thrown) : toRequestError(thrown)
      done(grpcName(error.code))
      if (error.code === 'internal') {
        options.log.error('rpc failed', { rpc: name, err: error.message, stack: stackOf(thrown) })
      }
      throw toConnectError(error)
    }
  }
}

function aborted(signal: AbortSignal, thrown: unknown): RequestError {
  const late = signal.reason instanceof ConnectError && signal.reason.code === Code.DeadlineExceeded
  return late
    ? new RequestError('deadline_exceeded', 'the deadline passed', { cause: thrown })
    : new RequestError('canceled', 'the client went away', { cause: thrown })
}

export function stackOf(thrown: unknown): string | null {
  return thrown instanceof Error ? (thrown.stack ?? null) : null
}

function protocolOf(contentType: string): Served['protocol'] {
  if (contentType.startsWith('application/grpc-web')) return 'grpc-web'
  return contentType.startsWith('application/grpc') ? 'grpc' : 'connect'
}

/** `Service/Method`, of the last two segments of a path; null when the last but one is no service name. */
export function rpcNameOf(url: string): string | null {
  const query = url.indexOf('?')
  const path = query < 0 ? url : url.slice(0, query)
  const method = path.lastIndexOf('/')
  if (method < 1) return null
  const service = path.lastIndexOf('/', method - 1)
  if (service < 0 || !path.slice(service + 1, method).includes('.')) return null
  return path.slice(service + 1)
}

/** An RPC that is not served: `UNIMPLEMENTED`; gRPC-web reads it from the headers, gRPC from the trailers. */
function answerUnknown(response: NodeResponse, name: string | null, contentType: string): void {
  const status = {
    'grpc-status': String(Code.Unimplemented),
    'grpc-message': encodeMessage(`unknown RPC ${name ?? ''}`.trimEnd()),
  }
  if (contentType.startsWith('application/grpc-web')) {
    response.writeHead(200, { 'content-type': contentType, ...status })
  } else {
    response.writeHead(200, { 'content-type': 'application/grpc', trailer: Object.keys(status).join(', ') })
    response.addTrailers(status)
  }
  response.end()
}

async function serve(
  request: NodeRequest,
  response: NodeResponse,
  handler: ConnectRouter['handlers'][number],
  contentType: string,
): Promise<void> {
  const text = contentType.startsWith('application/grpc-web-text')
  // The overloads of the library take one protocol's pair at a time.
  const asked = universalRequestFromNodeRequest(request as IncomingMessage, response, undefined, undefined)
  if (text) {
    asked.header.set('content-type', 'application/grpc-web+proto')
    asked.body = base64Decoder(asked.body as AsyncIterable<Uint8Array>)
  }
  const answer = await handler(asked)
  if (text) answer.header?.set('content-type', 'application/grpc-web-text+proto')
  const { body, trailer } = answer
  if (body === undefined) return universalResponseToNodeResponse(answer, response)
  await universalResponseToNodeResponse({ ...answer, body: mended(body, trailer, contentType, text) }, response)
}

function mended(body: AsyncIterable<Uint8Array>, trailer: Headers | undefined, contentType: string, text: boolean) {
  switch (protocolOf(contentType)) {
    case 'grpc-web': {
      const frames = mendTrailerFrame(body)
      return text ? base64Encoder(frames) : frames
    }
    case 'grpc':
      return trailer === undefined ? body : mendTrailers(body, trailer)
    default:
      return body
  }
}
