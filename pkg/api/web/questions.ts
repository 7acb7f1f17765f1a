/** Our own questions: a merge as pprof, as columns for the page, and what a query would read. */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { RequestError } from '../../base/errors.ts'
import type { NanoRange, QueryEngine, ReportRequest, Selection } from '../../query/engine.ts'
import { type Handler, queryOf } from '../http.ts'
import { parseTime } from './time.ts'

const COMPRESS_FROM = 4 << 10
const compress = promisify(gzip)

export function questionHandlers(engine: QueryEngine) {
  return {
    async 'GET /api/v1/pprof'(request, response, call) {
      const params = queryOf(request)
      const asked = reportRequest(params, selectionOf(params, ''), 'pprof')
      const { value, stats } = await engine.report(asked, call.signal)
      call.stats(stats)
      if (value.profiles === 0 || value.body.kind !== 'pprof') {
        throw new RequestError('not_found', 'no profile matches the query in this time range')
      }
      response.setHeader('content-type', 'application/octet-stream')
      response.setHeader('content-disposition', `attachment; filename="${fileName(params.get('query')!)}.pb.gz"`)
      response.setHeader('cache-control', 'no-store')
      response.end(value.body.pprof)
    },

    async 'GET /api/v1/flamegraph'(request, response, call) {
      const params = queryOf(request)
      const { value, stats } = await engine.report(
        reportRequest(params, anySelection(params), 'web_flamegraph'),
        call.signal,
      )
      call.stats(stats)
      if (value.body.kind !== 'web_flamegraph') throw new Error('BUG: the engine answered another report')
      const { record } = value.body
      response.setHeader('content-type', 'application/vnd.apache.arrow.stream')
      response.setHeader('cache-control', 'no-store')
      response.vary('accept-encoding')
      if (record.length > COMPRESS_FROM && request.acceptsEncodings('gzip') === 'gzip') {
        response.setHeader('content-encoding', 'gzip')
        response.end(await compress(record, { level: 1 }))
      } else {
        response.end(record)
      }
    },

    async 'GET /api/v1/query/explain'(request, response, call) {
      const params = queryOf(request)
      response.json(await engine.explain(required(params, 'query'), rangeOf(params, ''), call.signal))
    },
  } satisfies Record<string, Handler>
}

/**
 * `query`, `start`, `end` ask for a merge; `query`, `time` for one profile; with `base_query` (and `base_start`,
 * `base_end` or `base_time`; where missing as on the other side) it is a diff, and these are what is compared with it.
 */
function anySelection(params: URLSearchParams): Selection {
  const baseGiven = [...params.keys()].some(name => name.startsWith('base_'))
  const compare = selectionOf(params, '')
  if (!baseGiven) return compare
  return { kind: 'diff', base: selectionOf(params, 'base_'), compare, absolute: flag(params, 'absolute') }
}

function selectionOf(params: URLSearchParams, prefix: '' | 'base_') {
  const query = params.get(`${prefix}query`) ?? required(params, 'query')
  const time = params.get(`${prefix}time`)
  if (time !== null)
    return { kind: 'single', query, timeMs: Number(parseTime(time, `${prefix}time`) / 1_000_000n) } as const
  return { kind: 'merge', query, range: rangeOf(params, prefix) } as const
}

function rangeOf(params: URLSearchParams, prefix: '' | 'base_'): NanoRange {
  const end = (name: 'start' | 'end') =>
    params.has(`${prefix}${name}`)
      ? parseTime(params.get(`${prefix}${name}`)!, `${prefix}${name}`)
      : parseTime(required(params, name), name)
  const range = { start: end('start'), end: end('end') }
  if (range.start > range.end)
    throw new RequestError('invalid_argument', `${prefix}start must not be after ${prefix}end`)
  return range
}

function reportRequest(
  params: URLSearchParams,
  selection: Selection,
  report: 'pprof' | 'web_flamegraph',
): ReportRequest {
  const trim = params.get('trim_percent')
  const trimPercent = trim === null ? 0 : Number(trim)
  if (!(trimPercent >= 0 && trimPercent <= 100)) {
    throw new RequestError('invalid_argument', `trim_percent must be from 0 to 100, got "${trim}"`)
  }
  const sandwich = params.get('sandwich_by_function')
  return {
    selection,
    report,
    timesPeriod: false,
    trimPercent,
    groupBy: params.getAll('group_by'),
    invert: flag(params, 'invert'),
    filters: [],
    sandwichFunction: sandwich === null || sandwich === '' ? null : sandwich,
  }
}

function required(params: URLSearchParams, name: string): string {
  const value = params.get(name)
  if (value === null || value === '') throw new RequestError('invalid_argument', `parameter "${name}" is missing`)
  return value
}

function flag(params: URLSearchParams, name: string): boolean {
  const value = params.get(name)
  return value === '' || value === '1' || value === 'true'
}

/** The profile type, as far as a file may be named so. */
function fileName(query: string): string {
  const name = query.replace(/\{.*$/s, '').replace(/[^A-Za-z0-9_.-]+/g, '_')
  return name.replace(/^[_.]+|_+$/g, '').slice(0, 100) || 'profile'
}
