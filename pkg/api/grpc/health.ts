/** grpc.health.v1: the server as a whole (empty name) and each service it has are SERVING once it is ready. */
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect'
import type { Admin } from '../contract.ts'
import { type Health, HealthCheckResponse_ServingStatus as Serving } from '../gen/grpc/health/v1/health_pb.js'

export function healthService(
  admin: Admin,
  services: ReadonlySet<string>,
  closing: AbortSignal,
): Partial<ServiceImpl<typeof Health>> {
  const known = (service: string) => service === '' || services.has(service)
  const now = () => (admin.ready() && !closing.aborted ? Serving.SERVING : Serving.NOT_SERVING)
  return {
    check({ service }) {
      if (!known(service)) throw new ConnectError(`unknown service ${service}`, Code.NotFound)
      return { status: now() }
    },
    async *watch({ service }, context) {
      // Of the two only `closing` outlives the call; a signal made of both holds no listener on it.
      const ends = AbortSignal.any([context.signal, closing])
      const over = new Promise<void>(resolve => {
        if (ends.aborted) resolve()
        ends.addEventListener('abort', () => resolve(), { once: true })
      })
      if (!known(service)) {
        yield { status: Serving.SERVICE_UNKNOWN }
        await over
        return
      }
      yield { status: now() }
      if (!admin.ready()) {
        await Promise.race([admin.whenReady(), over])
        if (!ends.aborted) yield { status: now() }
      }
      await over
      if (closing.aborted) yield { status: Serving.NOT_SERVING }
    },
  }
}
