/** Cross-origin requests by `--cors-allowed-origins`, for REST and gRPC-web alike. */
import type { NodeRequest, NodeResponse } from './rpc.ts'

const METHODS = 'HEAD, GET, POST, PUT, PATCH, DELETE'
const EXPOSED = 'grpc-status, grpc-message, grpc-status-details-bin, decima-query-stats, content-disposition'

/** Sets the headers of an answer; true when the request was a preflight and is answered. */
export type Cors = (request: NodeRequest, response: NodeResponse) => boolean

export function createCors(allowed: readonly string[]): Cors {
  const any = allowed.length === 1 && allowed[0] === '*'
  const origins = new Set(allowed.filter(origin => origin !== '*').map(origin => origin.toLowerCase()))
  if (!any && origins.size === 0) return () => false
  return (request, response) => {
    const origin = request.headers.origin
    const preflight = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined
    if (!any) response.setHeader('vary', 'origin')
    if (origin !== undefined && (any || origins.has(origin.toLowerCase()))) {
      // Credentials and the wildcard exclude each other: whoever allows any origin allows none of them a cookie.
      response.setHeader('access-control-allow-origin', any ? '*' : origin)
      if (!any) response.setHeader('access-control-allow-credentials', 'true')
      response.setHeader('access-control-expose-headers', EXPOSED)
      if (preflight) {
        response.setHeader('access-control-allow-methods', METHODS)
        const wanted = request.headers['access-control-request-headers']
        if (wanted !== undefined) response.setHeader('access-control-allow-headers', wanted)
        response.setHeader('access-control-max-age', '600')
      }
    }
    if (!preflight) return false
    response.writeHead(204)
    response.end()
    return true
  }
}
