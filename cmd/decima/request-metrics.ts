/** Answered requests, counted under the names that dashboards for gRPC servers and for Prometheus know. */
import type { Served } from '../../pkg/api/contract.ts'
import type { Metrics } from '../../pkg/telemetry/metrics.ts'

const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export function createRequestMetrics(metrics: Metrics): (served: Served) => void {
  const rpcs = metrics.counter({
    name: 'grpc_server_handled_total',
    help: 'RPCs by how they ended.',
    labels: ['grpc_type', 'grpc_service', 'grpc_method', 'grpc_code'],
  })
  const requests = metrics.counter({
    name: 'decima_http_requests_total',
    help: 'HTTP requests by route and status.',
    labels: ['handler', 'code'],
  })
  const duration = metrics.histogram({
    name: 'decima_request_duration_seconds',
    help: 'How long answers took, by route or RPC.',
    labels: ['protocol', 'handler'],
    buckets: SECONDS,
  })
  return ({ protocol, route, code, seconds }) => {
    duration.observe({ protocol, handler: route }, seconds)
    if (protocol === 'http') {
      requests.inc({ handler: route, code })
      return
    }
    const slash = route.lastIndexOf('/')
    rpcs.inc({
      grpc_type: 'unary',
      grpc_service: route.slice(0, slash),
      grpc_method: route.slice(slash + 1),
      grpc_code: code,
    })
  }
}
