/**
 * One cleartext port for HTTP/1.1 and HTTP/2 with prior knowledge. The first three bytes of a connection decide: `PRI`
 * begins HTTP/2's preface and no HTTP/1.1 method. A connection that says nothing is closed like one that never ends its
 * headers.
 */
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import type { Log } from '../base/ports.ts'
import type { NodeRequest, NodeResponse } from './rpc.ts'

export interface Listener {
  /** Resolves when bound; rejects with Node's error (`EADDRINUSE` …). */
  listen(address: string): Promise<{ host: string; port: number }>
  /** Accepts nothing more, lets what runs end for `graceMs`, then destroys it. Safe to call twice. */
  close(graceMs: number): Promise<void>
  /** The HTTP/1.1 side, for connections that did not come by the port. */
  readonly http1: http.Server
}

export interface ListenerOptions {
  readonly handle: (request: NodeRequest, response: NodeResponse) => void
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly log: Log
}

const STREAM_WINDOW = 4 << 20
const CONNECTION_WINDOW = 32 << 20
/** Above what the window lets in, so that full windows do not get new streams refused. */
const SESSION_MEGABYTES = 64
const PREFACE = 0x50_52_49 // PRI

export function createListener(options: ListenerOptions): Listener {
  const http1 = http.createServer(
    {
      headersTimeout: options.headersTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      connectionsCheckingInterval: Math.max(10, Math.min(1_000, options.headersTimeoutMs / 2)),
    },
    options.handle,
  )
  // It never listens itself, but starts its watch over slow requests only on this event.
  http1.emit('listening')
  const h2 = http2.createServer(
    { settings: { initialWindowSize: STREAM_WINDOW, maxConcurrentStreams: 250 }, maxSessionMemory: SESSION_MEGABYTES },
    (request, response) => options.handle(request, response as unknown as NodeResponse),
  )
  const sessions = new Set<http2.ServerHttp2Session>()
  h2.on('session', session => {
    sessions.add(session)
    session.setLocalWindowSize(CONNECTION_WINDOW)
    session.on('close', () => sessions.delete(session))
  })
  h2.on('sessionError', error => options.log.debug('http2 session failed', { err: String(error) }))

  const sockets = new Set<net.Socket>()
  const undecided = new Set<net.Socket>()
  // Half-open: a client may end its side with the request and still wait for the answer.
  const port = net.createServer({ noDelay: true, allowHalfOpen: true }, socket => {
    sockets.add(socket)
    undecided.add(socket)
    socket.on('close', () => {
      sockets.delete(socket)
      undecided.delete(socket)
    })
    socket.on('error', error => options.log.debug('connection failed', { err: error.message }))
    sniff(socket, options.headersTimeoutMs, isHttp2 => {
      undecided.delete(socket)
      socket.allowHalfOpen = !isHttp2
      const server = isHttp2 ? h2 : http1
      server.emit('connection', socket)
    })
  })

  let closed: Promise<void> | null = null
  async function close(graceMs: number): Promise<void> {
    const accepted = new Promise<void>(resolve => port.close(() => resolve()))
    for (const socket of undecided) socket.destroy()
    for (const session of sessions) session.close()
    const idle = setInterval(() => http1.closeIdleConnections(), 20)
    const kill = setTimeout(() => {
      for (const socket of sockets) socket.destroy()
    }, graceMs)
    http1.closeIdleConnections()
    await accepted
    clearInterval(idle)
    clearTimeout(kill)
    http1.close()
    h2.close()
  }

  return {
    http1,
    listen(address) {
      const { host, port: number } = parseAddress(address)
      return new Promise((resolve, reject) => {
        port.once('error', reject)
        port.listen({ port: number, ...(host === '' ? {} : { host }) }, () => {
          port.off('error', reject)
          port.on('error', error => options.log.error('listener failed', { err: error.message }))
          const bound = port.address() as net.AddressInfo
          resolve({ host: bound.address, port: bound.port })
        })
      })
    },
    close: graceMs => (closed ??= close(graceMs)),
  }
}

/** Reads until three bytes are there or the connection cannot be HTTP/2, puts them back and says which it is. */
function sniff(socket: net.Socket, timeoutMs: number, decide: (isHttp2: boolean) => void): void {
  const timer = setTimeout(() => socket.destroy(), timeoutMs)
  let seen: Buffer = Buffer.alloc(0)
  socket.on('close', () => clearTimeout(timer))
  const onEnd = () => socket.destroy()
  const onData = (chunk: Buffer) => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk])
    if (seen.length < 3) return
    clearTimeout(timer)
    socket.off('data', onData)
    socket.off('end', onEnd)
    socket.pause()
    socket.unshift(seen)
    decide(seen.readUIntBE(0, 3) === PREFACE)
    process.nextTick(() => socket.resume())
  }
  socket.on('data', onData)
  socket.on('end', onEnd)
}

/** `host:port`, `[v6]:port`, `:port`; an empty host means every interface. */
export function parseAddress(address: string): { host: string; port: number } {
  const found = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(address)
  const port = Number(found?.[3])
  if (found === null || port > 65_535) throw new Error(`address "${address}" is not host:port`)
  return { host: found[1] ?? found[2] ?? '', port }
}
