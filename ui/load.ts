/**
 * What the page asks of the server, as signals that follow the address. A newer question cancels the older one; the last
 * good answer stays on the screen until its successor is there.
 */
import { effect, type Signal, signal, untracked } from '@preact/signals'
import * as api from './api.ts'
import type { FlameModel } from './flamegraph/model.ts'
import type { FromWorker } from './flamegraph/worker.ts'
import { isCpu } from './profile-names.ts'
import { askedType, chosen, now, page, profileType, query, range, refresh, state, sumBy, types } from './state.ts'
import { stepFor } from './time.ts'
import type { Span } from './url.ts'

export interface Loaded<T> {
  readonly busy: boolean
  readonly value: T | null
  readonly error: api.ApiError | null
}

export interface FlameAnswer {
  readonly model: FlameModel
  readonly stats: api.Stats | null
}

const nothing = { busy: false, value: null, error: null }
export const typesLoad = signal<Loaded<readonly unknown[]>>(nothing)
export const seriesLoad = signal<Loaded<api.SeriesAnswer>>(nothing)
export const flameLoad = signal<Loaded<FlameAnswer>>(nothing)
export const labelNames = signal<readonly string[]>([])

const RETRY_MS = 2000

export function startLoading(): void {
  effect(() => {
    if (page.value !== 'explore') return undefined
    now.value // asked again with every refresh
    return follow(typesLoad, loadTypes)
  })
  effect(() => {
    const type = profileType.value
    const asked = query.value
    if (page.value !== 'explore' || type === null || 'error' in asked) return
    const span = range.value
    const by = sumBy.value === '' || !type.delta ? [] : sumBy.value === '*' ? labelNames.value : [sumBy.value]
    return follow(seriesLoad, signal =>
      api.querySeries(
        asked.text,
        span,
        { stepSeconds: stepFor(span), sumBy: by, delta: type.delta, unit: type.sampleUnit },
        signal,
      ),
    )
  })
  effect(() => {
    const asked = query.value
    if (page.value !== 'explore' || profileType.value === null || 'error' in asked) return
    const span = chosen.value
    const mean = !profileType.value.delta
    return follow(flameLoad, signal => loadFlame(asked.text, span, mean, signal))
  })
  effect(() => {
    if (page.value !== 'explore' || types.value === null) return
    const stop = new AbortController()
    api.labelNames(range.value, stop.signal).then(
      names => (labelNames.value = names.filter(name => name !== '__name__')),
      () => {}, // Completion is a convenience: without names the input still works.
    )
    return () => stop.abort()
  })
  effect(retryWhileEmpty)
  effect(watchForCpu)
}

async function loadTypes(signal: AbortSignal): Promise<readonly unknown[]> {
  const found = await api.profileTypes(signal)
  // The same list stays the same object, so that nothing is asked again because of it.
  if (found.length > 0 && JSON.stringify(found) !== JSON.stringify(types.value)) types.value = found
  return found
}

/** On a fresh server heap profiles come first, CPU profiles when their seconds are over. */
function watchForCpu(): (() => void) | undefined {
  const all = types.value
  if (page.value !== 'explore' || all === null || askedType.value !== '' || all.some(isCpu)) return
  const timer = setInterval(() => void loadTypes(AbortSignal.timeout(RETRY_MS)).catch(() => {}), RETRY_MS)
  const giveUp = setTimeout(() => clearInterval(timer), 60_000)
  return () => {
    clearInterval(timer)
    clearTimeout(giveUp)
  }
}

/** A fresh server has nothing yet, a starting one no answer: ask again until there is something. */
function retryWhileEmpty(): (() => void) | undefined {
  if (page.value !== 'explore') return
  const load = types.value === null ? typesLoad.value : flameLoad.value
  if (load.busy) return
  const temporary = load.error?.kind === 'starting' || load.error?.kind === 'offline'
  const { range: asked, span } = state.value
  const mayCome = load.error?.kind === 'none' && asked.kind === 'relative' && span === null
  if (!temporary && !mayCome && types.value !== null) return
  const timer = setTimeout(refresh, RETRY_MS)
  return () => clearTimeout(timer)
}

/** Runs a question into a signal; the returned function cancels it. */
function follow<T>(into: Signal<Loaded<T>>, ask: (signal: AbortSignal) => Promise<T>): () => void {
  const stop = new AbortController()
  const before = untracked(() => into.value)
  into.value = { ...before, busy: true }
  ask(stop.signal).then(
    value => {
      if (!stop.signal.aborted) into.value = { busy: false, value, error: null }
    },
    thrown => {
      if (stop.signal.aborted) return
      const error =
        thrown instanceof api.ApiError ? thrown : new api.ApiError('server', String(thrown?.message ?? thrown))
      into.value = { busy: false, value: null, error }
    },
  )
  return () => stop.abort()
}

/** Profiles of a point in time are not added up over the span: the graph is their mean. */
async function loadFlame(text: string, span: Span, mean: boolean, signal: AbortSignal): Promise<FlameAnswer> {
  const { bytes, stats } = await api.flamegraph(text, span, signal)
  const model = await decodeInWorker(bytes, mean)
  if (model.length <= 1 && model.profiles === 0) throw new api.ApiError('none', 'no profiles')
  return { model, stats }
}

declare const WORKER_FILE: string // set by the build
let worker: Worker | null = null
let lastId = 0
const waiting = new Map<number, { resolve(model: FlameModel): void; reject(error: Error): void }>()

function decodeInWorker(bytes: ArrayBuffer, mean: boolean): Promise<FlameModel> {
  if (worker === null) {
    worker = new Worker(new URL(WORKER_FILE, api.BASE), { type: 'module' })
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      const promise = waiting.get(data.id)
      waiting.delete(data.id)
      if ('model' in data) promise?.resolve(data.model)
      else promise?.reject(new api.ApiError('server', `The answer cannot be read: ${data.error}`))
    }
    worker.onerror = event => {
      for (const { reject } of waiting.values())
        reject(new api.ApiError('server', `The answer cannot be read: ${event.message}`))
      waiting.clear()
      worker = null
    }
  }
  const id = ++lastId
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject })
    worker!.postMessage({ id, bytes, mean }, [bytes])
  })
}
