/**
 * The HTTP side: an express app built by walking the table of routes. Whatever a handler throws becomes an answer here,
 * in the manner of the path: text for files and pages, grpc-gateway's JSON for everything under `/api/`.
 */
import express, { type NextFunction, type Request, type Response } from 'express'
import { RequestError } from '../base/errors.ts'
import type { Log } from '../base/ports.ts'
import { type Call, formatStats, STATS_HEADER } from './call.ts'
import type { Served } from './contract.ts'
import { type RouteName, routeRow, splitRoute } from './routes.ts'
import { stackOf } from './rpc.ts'
import { grpcCode, httpStatus, toRequestError } from './status.ts'

export type Handler = (request: Request, response: Response, call: Call) => void | Promise<void>

export interface AppOptions {
  readonly handlers: Readonly<Record<RouteName, Handler>>
  readonly pathPrefix: string
  readonly messageSizeLimit: number
  readonly ready: () => boolean
  readonly log: Log
  readonly observe: ((served: Served) => void) | undefined
}

export function createApp(options: AppOptions): express.Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  // Handlers read the query string themselves: repeated and dotted names mean what grpc-gateway means by them.
  app.set('query parser', false)
  app.use((_request: Request, response: Response, next: NextFunction) => {
    response.setHeader('x-content-type-options', 'nosniff')
    next()
  })
  const router = express.Router()
  const readBody = express.raw({ type: () => true, limit: options.messageSizeLimit })
  const names = Object.keys(options.handlers) as RouteName[]
  const last = names.filter(name => splitRoute(name).path.includes('*'))

  for (const name of names.filter(each => !last.includes(each))) {
    const { method, path } = splitRoute(name)
    const run = running(name, options)
    if (method === 'GET') router.get(path, run)
    else if (method === 'POST') router.post(path, readBody, run)
    else router.put(path, readBody, run)
  }
  for (const [path, methods] of methodsByPath(names)) {
    if (!path.includes('*')) router.all(path, refuseMethod(path, methods))
  }
  router.all('/api{/*rest}', (request, response) => {
    sendError(request, response, new RequestError('not_found', 'Not Found'))
  })
  for (const name of last) router.get(splitRoute(name).path, running(name, options))

  // Inside the router paths are without the prefix, here as in the table.
  router.use((thrown: unknown, request: Request, response: Response, _next: NextFunction) => {
    answerThrown(thrown, request, response, options.log)
  })
  app.use(options.pathPrefix === '' ? '/' : options.pathPrefix, router)
  app.use((_request: Request, response: Response) => {
    response.status(404).type('text/plain').send('404 page not found\n')
  })
  return app
}

/** Wraps a handler with what every route has: the gate until ready, the signal, the count. */
function running(name: RouteName, options: AppOptions) {
  const early = routeRow(name).early === true
  return async (request: Request, response: Response): Promise<void> => {
    const began = performance.now()
    const gone = new AbortController()
    response.on('close', () => {
      if (!response.writableFinished) gone.abort(new RequestError('canceled', 'the client went away'))
      const code = response.writableFinished ? response.statusCode : httpStatus('canceled')
      const seconds = (performance.now() - began) / 1000
      options.observe?.({ protocol: 'http', route: name, code: String(code), seconds })
    })
    if (!early && !options.ready()) {
      throw new RequestError('unavailable', 'Decima is not ready: the store is still being read')
    }
    await options.handlers[name](request, response, {
      signal: gone.signal,
      stats: stats => response.setHeader(STATS_HEADER, formatStats(stats)),
    })
  }
}

function methodsByPath(names: readonly RouteName[]): Map<string, string[]> {
  const byPath = new Map<string, string[]>()
  for (const name of names) {
    const { method, path } = splitRoute(name)
    byPath.set(path, [...(byPath.get(path) ?? []), method])
  }
  return byPath
}

function refuseMethod(path: string, methods: readonly string[]) {
  const gateway = path.startsWith('/api/') && !path.startsWith('/api/v1/')
  const allow = methods.flatMap(method => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ')
  return (request: Request, response: Response): void => {
    response.setHeader('allow', allow)
    if (request.method === 'OPTIONS') response.status(204).end()
    // grpc-gateway knows no better code for it.
    else if (gateway) sendError(request, response, new RequestError('unimplemented', 'Method Not Allowed'))
    else
      response
        .status(405)
        .type('text/plain')
        .send(`Only ${methods.join(' or ')} requests allowed\n`)
  }
}

function answerThrown(thrown: unknown, request: Request, response: Response, log: Log): void {
  const error = httpError(thrown)
  if (error.code === 'internal') {
    log.error('request failed', {
      method: request.method,
      path: request.path,
      err: error.message,
      stack: stackOf(thrown),
    })
  }
  if (response.headersSent) response.destroy()
  else sendError(request, response, error)
}

/** express and its body reader throw errors that carry an HTTP status. */
function httpError(thrown: unknown): RequestError {
  const status = thrown instanceof Error && 'status' in thrown ? Number(thrown.status) : 0
  const message = thrown instanceof Error ? thrown.message : ''
  if (status === 413) {
    const limit = thrown instanceof Error && 'limit' in thrown ? ` of ${thrown.limit} bytes` : ''
    return new TooLarge('resource_exhausted', `the body is over --message-size-limit${limit}`)
  }
  if (status === 415) return new RequestError('invalid_argument', message)
  if (status === 404) return new RequestError('not_found', 'Not Found')
  if (status >= 400 && status < 500) return new RequestError('invalid_argument', message)
  return toRequestError(thrown)
}

/** A message over the limit is RESOURCE_EXHAUSTED to gRPC, and 413 rather than 429 to HTTP: trying again is in vain. */
class TooLarge extends RequestError {}

export function sendError(request: Request, response: Response, error: RequestError): void {
  const tooLarge = error instanceof TooLarge || error.message.includes('--body-size-limit')
  const status = tooLarge ? 413 : httpStatus(error.code)
  response.status(status)
  if (status === 429 || status === 503) response.setHeader('retry-after', '1')
  if (/^\/api(\/|$)/.test(request.path) && !request.path.endsWith('/pprof')) {
    const span = request.path.startsWith('/api/v1/') && error.span !== null ? { span: error.span } : {}
    response.json({ code: grpcCode(error.code), message: error.message, details: [], ...span })
  } else {
    response.type('text/plain').send(`${error.message}\n`)
  }
}

/** The query string of a request. */
export function queryOf(request: Request): URLSearchParams {
  const at = request.url.indexOf('?')
  return new URLSearchParams(at < 0 ? '' : request.url.slice(at + 1))
}
