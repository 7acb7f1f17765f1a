/** A proxy on loopback between a client and a server that has no faults of its own: it fails requests by plan. */
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { FaultPlan, FaultRequest } from '../../pkg/objstore/faults.ts'

export interface FaultProxy {
  readonly port: number
  faults: FaultPlan
  close(): Promise<void>
}

export async function startFaultProxy(options: {
  targetPort: number
  requestOf: (method: string, url: URL) => FaultRequest
  refusal: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string }
}): Promise<FaultProxy> {
  const server = createServer((request, response) => {
    void handle(request, response).catch(() => request.socket.destroy())
  })
  const proxy = { port: 0, faults: (() => null) as FaultPlan, close }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const fault = proxy.faults(options.requestOf(request.method!, new URL(request.url!, 'http://localhost')))
    if (fault?.kind === 'reset') return void request.socket.destroy()
    if (fault?.kind === 'refuse') {
      response.writeHead(options.refusal.status, options.refusal.headers)
      return void response.end(request.method === 'HEAD' ? undefined : options.refusal.body)
    }
    if (fault?.kind === 'delay') await setTimeout(fault.ms, undefined, { ref: false })
    if (fault?.kind === 'cut' && request.method === 'PUT') return void request.socket.destroy()

    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const { method, url, headers } = request
      const target = { host: '127.0.0.1', port: options.targetPort, method, path: url, headers }
      forward(target, resolve).on('error', reject).end(Buffer.concat(chunks))
    })
    const body: Buffer[] = []
    for await (const chunk of answer) body.push(chunk as Buffer)
    if (fault?.kind === 'lose-answer') return void request.socket.destroy()
    response.writeHead(answer.statusCode!, answer.headers)
    const whole = Buffer.concat(body)
    if (fault?.kind !== 'cut') return void response.end(whole)
    response.write(whole.subarray(0, whole.length >> 1), () => request.socket.destroy())
  }

  function close(): Promise<void> {
    server.closeAllConnections()
    return new Promise(resolve => server.close(() => resolve()))
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  proxy.port = (server.address() as AddressInfo).port
  return proxy
}
