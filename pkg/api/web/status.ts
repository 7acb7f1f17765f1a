/** What the server says of itself: health, readiness, version, flags, configuration, metrics. */
import type { Admin } from '../contract.ts'
import type { Handler } from '../http.ts'

export function statusHandlers(admin: Admin) {
  return {
    'GET /-/healthy'(_request, response) {
      response.type('text/plain').send('Decima is Healthy.\n')
    },
    'GET /-/ready'(_request, response) {
      if (admin.ready()) response.type('text/plain').send('Decima is Ready.\n')
      else response.status(503).type('text/plain').send('Decima is not ready.\n')
    },
    'GET /version'(_request, response) {
      response.json(admin.version())
    },
    'GET /flags'(request, response) {
      if (request.accepts(['text', 'json']) === 'json') {
        response.json(admin.flags())
        return
      }
      const rows = admin
        .flags()
        .map(flag => `--${flag.name}=${flag.value}${flag.value === flag.default ? '' : '  (set)'}\n`)
      response.type('text/plain').send(rows.join(''))
    },
    'GET /config'(_request, response) {
      response.type('text/plain').send(admin.config())
    },
    async 'GET /metrics'(_request, response) {
      const { contentType, text } = await admin.metrics()
      response.setHeader('content-type', contentType)
      response.end(text)
    },
  } satisfies Record<string, Handler>
}
