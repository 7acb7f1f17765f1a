/**
 * One HTTP request and its answer: undici's dispatch with one deadline for all of it and a limit for the body. It knows
 * nothing of scraping; redirects, credentials and what an answer means are in `fetch.ts`.
 */
import type { Dispatcher } from 'undici'
import type { ScrapeFailure } from './outcome.ts'

/** Of an answer that is not a profile only the beginning is read. */
const DETAIL_BYTES = 4096

export interface Response {
  readonly kind: 'response'
  readonly status: number
  readonly location: string
  readonly contentEncoding: string
  readonly body: Uint8Array
}

export interface Deadline {
  stage: 'connecting' | 'waiting' | 'reading'
  /** Called once, when the time is up or the caller aborts. */
  onEnd: ((reason: Error) => void) | null
  ended: Error | null
  readonly afterMs: number
  clear(): void
}

export class DeadlineError extends Error {}

export function createDeadline(afterMs: number, signal: AbortSignal): Deadline {
  const end = (reason: Error) => {
    deadline.ended ??= reason
    deadline.onEnd?.(reason)
  }
  const timer = setTimeout(() => end(new DeadlineError()), afterMs)
  const aborted = () => end(new Error('stopped'))
  signal.addEventListener('abort', aborted, { once: true })
  const deadline: Deadline = {
    stage: 'connecting',
    onEnd: null,
    ended: signal.aborted ? new Error('stopped') : null,
    afterMs,
    clear() {
      clearTimeout(timer)
      signal.removeEventListener('abort', aborted)
    },
  }
  return deadline
}

/** One GET. Rejects with what undici or the deadline says. */
export function exchange(
  dispatcher: Dispatcher,
  url: URL,
  headers: Record<string, string | string[]>,
  bodyLimit: number,
  deadline: Deadline,
): Promise<Response | ScrapeFailure> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | null = null
    let settled = false
    let status = 0
    let location = ''
    let contentEncoding = ''
    let limit = 0
    let received = 0
    const chunks: Uint8Array[] = []

    const settle = (act: () => void, error: Error | null) => {
      if (settled) return
      settled = true
      deadline.onEnd = null
      if (error !== null) controller?.abort(error)
      act()
    }
    const fail = (error: Error) => settle(() => reject(error), error)
    const finish = () =>
      settle(
        () => resolve({ kind: 'response', status, location, contentEncoding, body: concat(chunks, received) }),
        null,
      )

    if (deadline.ended !== null) return reject(deadline.ended)
    deadline.stage = 'connecting'
    deadline.onEnd = fail
    dispatcher.dispatch(
      { origin: url.origin, path: url.pathname + url.search, method: 'GET', headers },
      {
        onRequestStart(started) {
          if (settled) return started.abort(new Error('too late'))
          controller = started
          deadline.stage = 'waiting'
        },
        onResponseStart(_, statusCode, responseHeaders) {
          if (statusCode < 200) return
          deadline.stage = 'reading'
          status = statusCode
          location = headerText(responseHeaders['location'])
          contentEncoding = headerText(responseHeaders['content-encoding'])
          limit = status === 200 ? bodyLimit : DETAIL_BYTES
          if (status === 200 && limit > 0 && Number(headerText(responseHeaders['content-length'])) > limit) tooLarge()
        },
        onResponseData(_, chunk) {
          if (settled) return
          received += chunk.byteLength
          chunks.push(chunk)
          if (limit === 0 || received <= limit) return
          if (status === 200) tooLarge()
          else {
            finish()
            controller?.abort(new Error('enough'))
          }
        },
        // undici frees the connection in a later turn; a next request that starts before would open another one.
        onResponseEnd: () => queueMicrotask(() => setImmediate(finish)),
        onResponseError(_, error) {
          fail(error)
        },
      },
    )
    function tooLarge() {
      settle(() => resolve({ kind: 'too_large', limit: bodyLimit }), new Error('too large'))
    }
  })
}

export function isDeadConnection(thrown: unknown): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(thrown))
}

export function codeOf(thrown: unknown): string {
  return String((thrown as NodeJS.ErrnoException | null)?.code ?? '')
}

/** Several addresses that all refuse come as one error without a message of its own. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return messageOf(thrown.errors[0])
  return thrown instanceof Error && thrown.message !== '' ? thrown.message : codeOf(thrown) || String(thrown)
}

function headerText(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(', ') : (value ?? '')
}

function concat(chunks: readonly Uint8Array[], length: number): Uint8Array {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)
}
