/**
 * The one port: gRPC, gRPC-web, Connect, REST, the page and the admin endpoints. A request goes to the RPC side when its
 * path or content type says so, else to the HTTP side; what each serves is the table in `routes.ts`.
 */
import type { IncomingMessage } from 'node:http'
import { Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { ConnectRouter, ServiceImpl } from '@connectrpc/connect'
import { bridge } from './bridge.ts'
import type { ApiOptions } from './contract.ts'
import { createCors } from './cors.ts'
import { Health } from './gen/grpc/health/v1/health_pb.js'
import { ServerReflection } from './gen/grpc/reflection/v1/reflection_pb.js'
import { ServerReflection as ServerReflectionAlpha } from './gen/grpc/reflection/v1alpha/reflection_pb.js'
import { ProfileStoreService } from './gen/parca/profilestore/v1alpha1/profilestore_pb.js'
import { QueryService } from './gen/parca/query/v1alpha1/query_pb.js'
import { ScrapeService } from './gen/parca/scrape/v1alpha1/scrape_pb.js'
import { healthService } from './grpc/health.ts'
import { reflection } from './grpc/reflection.ts'
import { createApp, type Handler } from './http.ts'
import { createListener } from './listener.ts'
import { gatewayHandlers } from './parca/gateway.ts'
import { profileStoreService } from './parca/profilestore.ts'
import { queryService } from './parca/query.ts'
import { scrapeService } from './parca/scrape.ts'
import { targetsHandlers } from './prometheus/targets.ts'
import type { RouteName } from './routes.ts'
import { createRpcHandler, type NodeRequest, type NodeResponse, unary } from './rpc.ts'
import { adminHandlers } from './web/admin.ts'
import { debugHandlers } from './web/debug.ts'
import { pageHandlers } from './web/page.ts'
import { questionHandlers } from './web/questions.ts'
import { statusHandlers } from './web/status.ts'

export interface Server {
  /** Resolves when bound; rejects with Node's error (`EADDRINUSE` …). */
  listen(): Promise<{ host: string; port: number }>
  /** Accepts nothing more, lets what runs end within the grace, destroys the rest. Safe to call twice. */
  close(): Promise<void>
}

export function createServer(options: ApiOptions): Server {
  const { admin, engine, ingest, limits, log, observe, scrape } = options
  const closing = new AbortController()
  const query = queryService(engine)
  const store = profileStoreService(ingest, limits.ingest, options.clock)
  const targets = scrapeService(scrape)
  const served = [QueryService, ProfileStoreService, ScrapeService, Health, ServerReflection, ServerReflectionAlpha]
  const names = served.map(service => service.typeName)
  const descriptors = reflection(
    served.map(service => service.file),
    names,
  )

  const rpc = createRpcHandler({
    routes: (router: ConnectRouter) =>
      router
        .service(QueryService, unary(query))
        .service(ProfileStoreService, unary(store))
        .service(ScrapeService, unary(targets))
        .service(Health, healthService(admin, new Set(names), closing.signal))
        .service(ServerReflection, descriptors)
        .service(ServerReflectionAlpha, descriptors as unknown as Partial<ServiceImpl<typeof ServerReflectionAlpha>>),
    messageSizeLimit: limits.messageSize,
    ready: admin.ready,
    log,
    observe,
  })
  const handlers = {
    ...gatewayHandlers({ query, store, targets }, limits.messageSize),
    ...questionHandlers(engine),
    ...targetsHandlers(scrape),
    ...adminHandlers(admin, options),
    ...statusHandlers(admin),
    ...debugHandlers(admin),
    ...pageHandlers(options),
  } satisfies Record<RouteName, Handler>
  const app = createApp({
    handlers,
    pathPrefix: options.pathPrefix,
    messageSizeLimit: limits.messageSize,
    ready: admin.ready,
    log,
    observe,
  })

  const cors = createCors(options.corsAllowedOrigins)
  const listener = createListener({
    handle(request: NodeRequest, response: NodeResponse) {
      if (cors(request, response) || rpc.handle(request, response)) return
      if (request instanceof Http2ServerRequest)
        bridge(listener.http1, request, response as unknown as Http2ServerResponse)
      else app(request as IncomingMessage, response)
    },
    headersTimeoutMs: limits.headersTimeoutMs,
    requestTimeoutMs: limits.requestTimeoutMs,
    log,
  })

  return {
    listen: () => listener.listen(options.address),
    close() {
      closing.abort()
      return listener.close(limits.closeGraceMs)
    },
  }
}
