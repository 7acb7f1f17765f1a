/** What changes the server or its data: off unless a flag says otherwise. */

import type { Admin } from '../contract.ts'
import type { Handler } from '../http.ts'
import { toRequestError } from '../status.ts'

export interface AdminSwitches {
  readonly enableLifecycle: boolean
  readonly enableAdminApi: boolean
}

export function adminHandlers(admin: Admin, { enableLifecycle, enableAdminApi }: AdminSwitches) {
  const lifecycle = (run: Handler): Handler => (enableLifecycle ? run : refuse('Lifecycle API is not enabled.'))
  const reload = lifecycle(async (_request, response) => {
    try {
      await admin.reload()
    } catch (thrown) {
      response
        .status(500)
        .type('text/plain')
        .send(`failed to reload config: ${toRequestError(thrown).message}\n`)
      return
    }
    response.status(200).end()
  })
  const quit = lifecycle((_request, response) => {
    // Once the answer is out: the stop that follows closes the connection.
    response.on('finish', () => admin.quit())
    response.type('text/plain').send('Requesting termination... Goodbye!\n')
  })
  return {
    'POST /api/v1/admin/flush': enableAdminApi
      ? async (_request, response) => {
          const { blocks } = await admin.flush()
          response.json({ status: 'success', data: { blocks } })
        }
      : refuse('Admin API is not enabled.'),
    'POST /-/reload': reload,
    'PUT /-/reload': reload,
    'POST /-/quit': quit,
    'PUT /-/quit': quit,
  } satisfies Record<string, Handler>
}

function refuse(text: string): Handler {
  return (_request, response) => {
    response.status(403).type('text/plain').send(`${text}\n`)
  }
}
