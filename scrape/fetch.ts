/**
 * One scrape over HTTP: a GET with a deadline for the whole of it and a limit for the body, over connections that stay open.
 *
 * The body is handed on as it came, gzip or zstd inside it untouched, unless the server says by Content-Encoding that it
 * packed it on the way. Redirects lead to other hosts without credentials. A reused connection may turn out to be dead:
 * then the GET is repeated once on a new one.
 */
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { Agent, buildConnector, Client } from 'undici'
import type { HttpClientConfig } from '../pkg/config/types.ts'
import { ForbiddenAddressError, guardedLookup, isLinkLocal } from './address.ts'
import { credentialHeaders, MissingSecretError, tlsOptions } from './credentials.ts'
import {
  codeOf,
  createDeadline,
  type Deadline,
  DeadlineError,
  exchange,
  isDeadConnection,
  messageOf,
  type Response,
} from './exchange.ts'
import type { ScrapeFailure } from './outcome.ts'

export interface ScrapeRequest {
  readonly url: string
  /** For connecting, waiting and reading together, redirects included. */
  readonly deadlineMs: number
  /** Bytes, as received and after a Content-Encoding is undone; 0 = none. */
  readonly bodyLimit: number
}

export type Answer = { readonly kind: 'answered'; readonly body: Uint8Array } | ScrapeFailure

export interface ScrapeClient {
  /** Null when `signal` aborts. Never rejects. */
  get(request: ScrapeRequest, signal: AbortSignal): Promise<Answer | null>
  /** Lets open requests end, then closes. */
  retire(): Promise<void>
  /** Closes at once. */
  close(): Promise<void>
}

export interface ScrapeClientOptions {
  readonly http: HttpClientConfig
  /** For the User-Agent. */
  readonly version: string
  readonly allowLinkLocal: boolean
}

const CONNECT_TIMEOUT_MS = 10_000
/** Above the usual scrape intervals, so that a connection lives from one scrape to the next. */
const KEEP_ALIVE_MS = 5 * 60_000
const MOST_REDIRECTS = 10
const MOST_ORIGINS = 20_000
/** A dead connection shows at once; a target that dies later died itself. */
const DEAD_CONNECTION_MS = 1000
const REDIRECTS = [301, 302, 303, 307, 308]
const BUSY = /(profil\w*|tracing)[^\n]{0,80}already (in use|running|started|enabled|in progress)|already profiling/i

export function createScrapeClient(options: ScrapeClientOptions): ScrapeClient {
  const { http, allowLinkLocal } = options
  const connects = new Map<string, number>() // by origin: tells a reused connection from a new one
  const own = connectorOf(true)
  const foreign = connectorOf(false)
  const agents = { own: agentOf(own), foreign: agentOf(foreign) }

  function connectorOf(withClientCertificate: boolean): buildConnector.connector {
    return (to, callback) => {
      tlsOptions(http.tls, withClientCertificate).then(
        tls => {
          const connector = buildConnector({
            ...tls,
            timeout: CONNECT_TIMEOUT_MS,
            allowH2: http.enableHttp2,
            ...(allowLinkLocal ? {} : { lookup: guardedLookup }),
          })
          const origin = new URL(`${to.protocol}//${to.host ?? `${to.hostname}:${to.port}`}`).origin
          if (connects.size > MOST_ORIGINS) connects.clear() // costs those that are open their second try
          connects.set(origin, (connects.get(origin) ?? 0) + 1)
          connector(to, callback)
        },
        error => callback(error, null),
      )
    }
  }

  async function get(request: ScrapeRequest, signal: AbortSignal): Promise<Answer | null> {
    const deadline = createDeadline(request.deadlineMs, signal)
    try {
      const answer = await follow(request, deadline)
      return signal.aborted ? null : answer
    } catch (error) {
      return signal.aborted ? null : failureOf(error, deadline)
    } finally {
      deadline.clear()
    }
  }

  async function follow(request: ScrapeRequest, deadline: Deadline): Promise<Answer> {
    const common = { 'user-agent': `Decima/${options.version}`, 'accept-encoding': 'gzip, zstd' }
    const first = new URL(request.url)
    let headers: Record<string, string | string[]> = { ...common, ...(await credentialHeaders(http)) }
    let url = first
    let trusted = true
    for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
      if (!allowLinkLocal && isLinkLocal(url.hostname)) throw new ForbiddenAddressError(url.hostname)
      const answer = await exchangeOnceMore(url, trusted, headers, request.bodyLimit, deadline)
      if (answer.kind !== 'response') return answer
      if (!REDIRECTS.includes(answer.status) || !http.followRedirects || answer.location === '')
        return judge(answer, request.bodyLimit)
      const next = URL.parse(answer.location, url)
      if (next === null || (next.protocol !== 'http:' && next.protocol !== 'https:'))
        return { kind: 'unreadable', reason: `redirect to ${JSON.stringify(answer.location.slice(0, 200))}` }
      if (next.origin !== first.origin) {
        trusted = false
        headers = common
      }
      url = next
    }
    return { kind: 'unreadable', reason: `more than ${MOST_REDIRECTS} redirects` }
  }

  async function exchangeOnceMore(
    url: URL,
    trusted: boolean,
    headers: Record<string, string | string[]>,
    bodyLimit: number,
    deadline: Deadline,
  ): Promise<Response | ScrapeFailure> {
    const connectsBefore = connects.get(url.origin)
    const started = performance.now()
    try {
      return await exchange(trusted ? agents.own : agents.foreign, url, headers, bodyLimit, deadline)
    } catch (error) {
      const reused = connectsBefore !== undefined && connects.get(url.origin) === connectsBefore
      const atOnce = performance.now() - started < DEAD_CONNECTION_MS
      if (!(reused && atOnce && deadline.stage === 'waiting' && isDeadConnection(error))) throw error
    }
    const fresh = new Client(url.origin, { ...CLIENT_OPTIONS, connect: trusted ? own : foreign })
    try {
      return await exchange(fresh, url, headers, bodyLimit, deadline)
    } finally {
      fresh.destroy().catch(() => {})
    }
  }

  return {
    get,
    async retire() {
      await Promise.all([agents.own.close(), agents.foreign.close()])
    },
    async close() {
      await Promise.all([agents.own.destroy(), agents.foreign.destroy()])
    },
  }
}

/** undici's own timers are off: the deadline is ours. */
const CLIENT_OPTIONS = {
  pipelining: 1,
  keepAliveTimeout: KEEP_ALIVE_MS,
  keepAliveMaxTimeout: KEEP_ALIVE_MS,
  headersTimeout: 0,
  bodyTimeout: 0,
}

function agentOf(connect: buildConnector.connector): Agent {
  return new Agent({ ...CLIENT_OPTIONS, connect })
}

async function judge(response: Response, bodyLimit: number): Promise<Answer> {
  const body = await decodeContent(response, bodyLimit)
  if (!(body instanceof Uint8Array)) return body
  if (response.status === 200) return { kind: 'answered', body }
  const detail = detailOf(body)
  if (response.status === 500 && BUSY.test(detail)) return { kind: 'busy', detail }
  return { kind: 'refused', status: response.status, detail }
}

const gunzip = promisify<Uint8Array, zlib.ZlibOptions, Uint8Array>(zlib.gunzip)
const inflate = promisify<Uint8Array, zlib.ZlibOptions, Uint8Array>(zlib.inflate)
const unzstd = promisify<Uint8Array, zlib.ZstdOptions, Uint8Array>(zlib.zstdDecompress)

/** Undoes the Content-Encoding of a profile. Of other answers only the beginning is here: what cannot be undone is dropped. */
async function decodeContent(response: Response, bodyLimit: number): Promise<Uint8Array | ScrapeFailure> {
  const codings = response.contentEncoding
    .toLowerCase()
    .split(',')
    .map(coding => coding.trim())
    .filter(coding => coding !== '' && coding !== 'identity')
  if (codings.length === 0) return response.body
  const options =
    bodyLimit > 0 && response.status === 200 ? { maxOutputLength: bodyLimit } : { maxOutputLength: 2 ** 30 }
  let { body } = response
  for (const coding of codings.slice(0, 2).reverse()) {
    try {
      if (coding === 'gzip' || coding === 'x-gzip') body = await gunzip(body, options)
      else if (coding === 'deflate') body = await inflate(body, options)
      else if (coding === 'zstd') body = await unzstd(body, options)
      else return { kind: 'unreadable', reason: `Content-Encoding ${JSON.stringify(coding)} was not asked for` }
    } catch (error) {
      if (response.status !== 200) return new Uint8Array(0)
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
        return { kind: 'too_large', limit: bodyLimit }
      return { kind: 'unreadable', reason: `Content-Encoding ${coding}: ${(error as Error).message}` }
    }
  }
  if (codings.length > 2) return { kind: 'unreadable', reason: `${codings.length} content encodings on one answer` }
  return body
}

/** The first line of a text, fit for one line of a log; empty when it is not text. */
function detailOf(body: Uint8Array): string {
  const text = new TextDecoder().decode(body.subarray(0, 512)).trim()
  if (/[\0\ufffd]/.test(text.slice(0, 64))) return ''
  return text.replace(/[\s\p{Cc}]+/gu, ' ').slice(0, 256)
}

function failureOf(thrown: unknown, deadline: Deadline): ScrapeFailure {
  if (thrown instanceof DeadlineError) return { kind: 'timeout', afterMs: deadline.afterMs, stage: deadline.stage }
  if (thrown instanceof ForbiddenAddressError) return { kind: 'forbidden', reason: thrown.message }
  if (thrown instanceof MissingSecretError) return { kind: 'unprepared', reason: thrown.message }
  const code = codeOf(thrown)
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return { kind: 'timeout', afterMs: CONNECT_TIMEOUT_MS, stage: 'connecting' }
  const reason = messageOf(thrown)
  if (code.startsWith('HPE_')) return { kind: 'unreadable', reason: `not HTTP: ${reason}` }
  if (deadline.stage === 'reading') return { kind: 'unreachable', reason: `the answer broke off: ${reason}` }
  return { kind: 'unreachable', reason }
}
