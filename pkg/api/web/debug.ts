/** Profiles of Decima itself, where Go programs have theirs. */
import { RequestError } from '../../base/errors.ts'
import type { Admin, SelfProfileKind } from '../contract.ts'
import { type Handler, queryOf } from '../http.ts'

const KINDS: Readonly<Record<SelfProfileKind, { readonly seconds: number; readonly about: string }>> = {
  profile: { seconds: 30, about: 'CPU time, over ?seconds=N (30)' },
  heap: { seconds: 0, about: 'memory that is live now' },
  allocs: { seconds: 1, about: 'memory allocated, over ?seconds=N (1)' },
}

/** Go's profiles that this runtime has no counterpart of. */
const ABSENT: Readonly<Record<string, string>> = {
  block: 'Decima runs on an event loop: nothing blocks on a synchronization primitive',
  goroutine: 'Decima has no goroutines',
  mutex: 'Decima has no mutexes to contend for',
  threadcreate: 'Decima starts its threads once and keeps no record of who asked for them',
}

const MAX_SECONDS = 600

export function debugHandlers(admin: Admin) {
  return {
    'GET /debug/pprof/'(_request, response) {
      const rows = Object.entries(KINDS).map(([name, { about }]) => `${name}  ${about}\n`)
      response.type('text/plain').send(`Profiles of Decima itself, as gzip pprof:\n\n${rows.join('')}`)
    },
    async 'GET /debug/pprof/:profile'(request, response, call) {
      const name = String(request.params['profile'])
      const kind = Object.hasOwn(KINDS, name) ? (name as SelfProfileKind) : null
      if (kind === null) {
        const why = Object.hasOwn(ABSENT, name) ? ABSENT[name] : `there is no profile "${name}"`
        throw new RequestError('not_found', why!)
      }
      const text = queryOf(request).get('seconds')
      const seconds = text === null || text === '' ? KINDS[kind].seconds : Number(text)
      if (!(seconds >= 0 && seconds <= MAX_SECONDS)) {
        throw new RequestError('invalid_argument', `seconds must be from 0 to ${MAX_SECONDS}, got "${text}"`)
      }
      const profile = await admin.selfProfile(kind, seconds === 0 ? KINDS[kind].seconds : seconds, call.signal)
      response.setHeader('content-type', 'application/octet-stream')
      response.setHeader('content-disposition', `attachment; filename="${name}.pb.gz"`)
      response.setHeader('cache-control', 'no-store')
      response.end(profile)
    },
  } satisfies Record<string, Handler>
}
