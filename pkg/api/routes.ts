/**
 * Every RPC and every route, with the scope a caller needs. What is not in here is not served: the servers are built by
 * walking these tables, and a handler without a row, or a row without a handler, does not compile.
 */

/** `public`: anyone. `read`: questions and status. `write`: pushes. `admin`: changes the server or its data. */
export type Scope = 'public' | 'read' | 'write' | 'admin'

interface Row {
  readonly scope: Scope
  /** Whether it is answered before the store has been read; else it is UNAVAILABLE (503) until then. */
  readonly early?: true
}

/** `package.Service/Method` */
export const RPCS = {
  'parca.query.v1alpha1.QueryService/QueryRange': { scope: 'read' },
  'parca.query.v1alpha1.QueryService/Query': { scope: 'read' },
  'parca.query.v1alpha1.QueryService/Series': { scope: 'read' },
  'parca.query.v1alpha1.QueryService/ProfileTypes': { scope: 'read' },
  'parca.query.v1alpha1.QueryService/Labels': { scope: 'read' },
  'parca.query.v1alpha1.QueryService/Values': { scope: 'read' },
  'parca.query.v1alpha1.QueryService/ShareProfile': { scope: 'read' },
  'parca.query.v1alpha1.QueryService/HasProfileData': { scope: 'read' },
  'parca.profilestore.v1alpha1.ProfileStoreService/WriteRaw': { scope: 'write' },
  'parca.profilestore.v1alpha1.ProfileStoreService/Write': { scope: 'write' },
  'parca.profilestore.v1alpha1.ProfileStoreService/WriteArrow': { scope: 'write' },
  'parca.scrape.v1alpha1.ScrapeService/Targets': { scope: 'read' },
  'grpc.health.v1.Health/Check': { scope: 'public', early: true },
  'grpc.health.v1.Health/Watch': { scope: 'public', early: true },
  'grpc.reflection.v1.ServerReflection/ServerReflectionInfo': { scope: 'read', early: true },
  'grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo': { scope: 'read', early: true },
} as const satisfies Record<string, Row>

/** `METHOD /path`, below the path prefix. `:name` is one path segment, `*name` the rest. GET answers HEAD too. */
export const ROUTES = {
  'GET /api/profiles/query_range': { scope: 'read' },
  'GET /api/profiles/query': { scope: 'read' },
  'GET /api/profiles/series': { scope: 'read' },
  'GET /api/profiles/types': { scope: 'read' },
  'GET /api/profiles/labels': { scope: 'read' },
  'GET /api/profiles/labels/:label_name/values': { scope: 'read' },
  'POST /api/profiles/share': { scope: 'read' },
  'GET /api/profiles/has_profile_data': { scope: 'read' },
  'POST /api/profiles/writeraw': { scope: 'write' },
  'POST /api/profiles/writearrow': { scope: 'write' },
  'GET /api/targets': { scope: 'read' },

  'GET /api/v1/pprof': { scope: 'read' },
  'GET /api/v1/flamegraph': { scope: 'read' },
  'GET /api/v1/query/explain': { scope: 'read' },
  'GET /api/v1/targets': { scope: 'read' },
  'POST /api/v1/admin/flush': { scope: 'admin' },

  'GET /metrics': { scope: 'read', early: true },
  'GET /version': { scope: 'read', early: true },
  'GET /flags': { scope: 'read', early: true },
  'GET /config': { scope: 'read', early: true },
  'GET /debug/pprof/': { scope: 'read', early: true },
  'GET /debug/pprof/:profile': { scope: 'read', early: true },

  'GET /-/healthy': { scope: 'public', early: true },
  'GET /-/ready': { scope: 'public', early: true },
  'POST /-/reload': { scope: 'admin', early: true },
  'PUT /-/reload': { scope: 'admin', early: true },
  'POST /-/quit': { scope: 'admin', early: true },
  'PUT /-/quit': { scope: 'admin', early: true },

  'GET /{*page}': { scope: 'read', early: true },
} as const satisfies Record<string, Row>

export type RpcName = keyof typeof RPCS
export type RouteName = keyof typeof ROUTES

export function rpcRow(name: RpcName): Row {
  return RPCS[name]
}

export function routeRow(name: RouteName): Row {
  return ROUTES[name]
}

/** The method and the path of a row. */
export function splitRoute(name: RouteName): { method: 'GET' | 'POST' | 'PUT'; path: string } {
  const space = name.indexOf(' ')
  return { method: name.slice(0, space) as 'GET' | 'POST' | 'PUT', path: name.slice(space + 1) }
}
