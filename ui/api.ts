/**
 * The server as the page sees it. Addresses are relative to the script, so a path prefix in front of Decima works.
 * Every failure is an `ApiError` that says whose it is.
 */
import type { Labels } from '../pkg/labels/labels.ts'
import type { ProfileType } from '../pkg/profile/type.ts'
import type { Series } from './series.ts'
import type { Span } from './url.ts'

export const BASE: string = new URL('.', import.meta.url).href

export class ApiError extends Error {
  /** `none`: nothing was found. `starting`: not ready yet. `offline`: no answer. `query`: ours to mend. `server`: theirs. */
  readonly kind: 'none' | 'starting' | 'offline' | 'query' | 'server'
  readonly span: readonly [number, number] | null

  constructor(kind: ApiError['kind'], message: string, span: readonly [number, number] | null = null) {
    super(message)
    this.kind = kind
    this.span = span
  }
}

export interface Stats {
  readonly blocks: number
  readonly row_groups_read: number
  readonly row_groups_skipped: number
  readonly bytes_read: number
  readonly bytes_skipped: number
  readonly requests: number
  readonly cache_hits: number
  readonly rows: number
  readonly ms: number
  readonly level: string
}

export interface Target {
  readonly discoveredLabels: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly scrapePool: string
  readonly scrapeUrl: string
  readonly health: string
  readonly lastError: string
  readonly lastScrape: string
  readonly lastScrapeDuration: number // seconds
  readonly scrapeInterval: string
  readonly scrapeTimeout: string
}

export async function profileTypes(signal?: AbortSignal): Promise<ProfileType[]> {
  const body = (await json('api/profiles/types', {}, signal)) as { types?: ProfileType[] }
  return body.types ?? []
}

export async function labelNames(span: Span, signal?: AbortSignal): Promise<string[]> {
  const body = (await json('api/profiles/labels', isoSpan(span), signal)) as { labelNames?: string[] }
  return body.labelNames ?? []
}

export async function labelValues(name: string, span: Span, signal?: AbortSignal): Promise<string[]> {
  const path = `api/profiles/labels/${encodeURIComponent(name)}/values`
  const body = (await json(path, isoSpan(span), signal)) as { labelValues?: string[] }
  return body.labelValues ?? []
}

interface RangeAnswer {
  readonly series?: readonly {
    readonly labelset?: { readonly labels?: Labels }
    readonly samples?: readonly {
      readonly timestamp: string
      readonly value: string
      readonly valuePerSecond?: number
    }[]
    readonly sampleType?: { readonly unit?: string }
  }[]
}

export interface SeriesAnswer {
  readonly series: readonly Series[]
  readonly unit: string
  readonly stats: Stats | null
}

/**
 * Series of a selection; of a delta type per second and summed by labels (none: one sum of all), of a point type every
 * series as it is.
 */
export async function querySeries(
  query: string,
  span: Span,
  options: { stepSeconds: number; sumBy: readonly string[]; delta: boolean; unit: string },
  signal?: AbortSignal,
): Promise<SeriesAnswer> {
  const params = { query, ...isoSpan(span), step: `${options.stepSeconds}s`, sumBy: options.sumBy }
  const response = await get('api/profiles/query_range', params, signal)
  const body = (await response.json()) as RangeAnswer
  const series = (body.series ?? []).map(({ labelset, samples, sampleType }): Series => {
    // Time per time comes as a plain ratio, everything else in its unit per second.
    const scale = (sampleType?.unit || options.unit) === 'nanoseconds' ? 1e9 : 1
    const points = (samples ?? [])
      .map(
        s =>
          [Date.parse(s.timestamp) / 1000, options.delta ? (s.valuePerSecond ?? 0) * scale : Number(s.value)] as const,
      )
      .sort((a, b) => a[0] - b[0])
    return {
      labels: (labelset?.labels ?? []).filter(l => l.name !== '__name__'),
      times: points.map(p => p[0]),
      values: points.map(p => p[1]),
      sum: points.reduce((sum, p) => sum + p[1], 0),
    }
  })
  return { series, unit: body.series?.[0]?.sampleType?.unit ?? '', stats: statsOf(response) }
}

export async function flamegraph(
  query: string,
  span: Span,
  signal?: AbortSignal,
): Promise<{ bytes: ArrayBuffer; stats: Stats | null }> {
  const response = await get('api/v1/flamegraph', unixSpan(query, span), signal)
  return { bytes: await response.arrayBuffer(), stats: statsOf(response) }
}

export function pprofUrl(query: string, span: Span): string {
  return urlOf('api/v1/pprof', unixSpan(query, span))
}

export async function targets(signal?: AbortSignal): Promise<Target[]> {
  const body = (await json('api/v1/targets', {}, signal)) as { data?: { activeTargets?: Target[] } }
  return body.data?.activeTargets ?? []
}

type Params = Readonly<Record<string, string | readonly string[]>>

function urlOf(path: string, params: Params): string {
  const url = new URL(path, BASE)
  for (const [key, value] of Object.entries(params)) {
    for (const one of typeof value === 'string' ? [value] : value) url.searchParams.append(key, one)
  }
  return url.href
}

async function json(path: string, params: Params, signal?: AbortSignal): Promise<unknown> {
  return (await get(path, params, signal)).json()
}

async function get(path: string, params: Params, signal?: AbortSignal): Promise<Response> {
  let response: Response
  try {
    response = await fetch(urlOf(path, params), { signal: signal ?? null })
  } catch (thrown) {
    if (signal?.aborted) throw thrown
    throw new ApiError('offline', 'The server does not answer.')
  }
  if (response.ok) return response
  throw await errorOf(response)
}

/** Errors come as `{code, message, details}`, or as one line of text. */
async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text()
  let message = text.trim().split('\n', 1)[0] ?? ''
  let span: readonly [number, number] | null = null
  try {
    const body = JSON.parse(text) as {
      message?: string
      error?: string
      span?: unknown
      details?: { span?: unknown }[]
    }
    message = body.message ?? body.error ?? message
    span = spanOf(body.span) ?? spanOf(body.details?.[0]?.span)
  } catch {
    // Not JSON: the line of text is the message.
  }
  if (message === '' || message.startsWith('<')) message = `${response.status} ${response.statusText}`.trim()
  const { status } = response
  if (status === 404) return new ApiError('none', message)
  if (status === 503) return new ApiError('starting', message)
  return new ApiError(status >= 400 && status < 500 ? 'query' : 'server', message, span)
}

function spanOf(value: unknown): readonly [number, number] | null {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isInteger) ? [value[0], value[1]] : null
}

function isoSpan({ from, to }: Span): { start: string; end: string } {
  return { start: new Date(from).toISOString(), end: new Date(to).toISOString() }
}

function unixSpan(query: string, { from, to }: Span): Record<string, string> {
  return { query, start: (from / 1000).toFixed(3), end: (to / 1000).toFixed(3) }
}

function statsOf(response: Response): Stats | null {
  const text = response.headers.get('decima-query-stats')
  if (text === null) return null
  try {
    return JSON.parse(text) as Stats
  } catch {
    return null
  }
}
