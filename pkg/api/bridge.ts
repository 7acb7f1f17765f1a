/**
 * HTTP/2 requests that are no RPC, answered by the HTTP/1.1 side: express cannot sit on HTTP/2, so such a request is
 * asked again over a pipe in memory and its answer copied back.
 */
import http from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import { duplexPair } from 'node:stream'

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'host'])

export function bridge(http1: http.Server, request: Http2ServerRequest, response: Http2ServerResponse): void {
  const [near, far] = duplexPair()
  http1.emit('connection', far as unknown as Socket)
  const headers: http.OutgoingHttpHeaders = { host: request.authority, connection: 'close' }
  for (const [name, value] of Object.entries(request.headers)) {
    if (!name.startsWith(':') && !HOP_BY_HOP.has(name)) headers[name] = value
  }
  const asked = http.request({
    method: request.method,
    path: request.url,
    headers,
    createConnection: () => near as unknown as Socket,
  })
  asked.on('response', answer => {
    for (const [name, value] of Object.entries(answer.headers)) {
      if (!HOP_BY_HOP.has(name) && value !== undefined) response.setHeader(name, value)
    }
    response.writeHead(answer.statusCode ?? 502)
    answer.on('error', () => response.stream?.close())
    answer.pipe(response)
  })
  asked.on('error', () => {
    if (!response.headersSent) response.writeHead(502)
    response.end()
  })
  // A client that goes away takes its request with it.
  response.on('close', () => asked.destroy())
  request.pipe(asked)
}
