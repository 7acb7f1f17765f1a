/**
 * Profiles as V8 gives them → pprof.
 *
 * Frames: `url` becomes a path inside the project or of a package, a function without a name is called after its place
 * (`anonymous scrape/loop.ts:57`), and the mapping tells whose code it is: `decima`, a package, `node`, `wasm` or `v8`.
 * V8 knows the line of the innermost frame only; callers stand at the line where their function begins.
 */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { Function as Func, Label, Line, Location, Mapping, Profile, Sample, StringTable, ValueType } from 'pprof-format'

/** As in `.cpuprofile` and `.heapprofile` files; lines count from 0, -1 = none. */
export interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

export interface CpuProfile {
  readonly nodes: readonly CpuNode[]
}

export interface CpuNode {
  readonly id: number
  readonly callFrame: CallFrame
  readonly hitCount?: number
  readonly children?: readonly number[]
  /** Which lines of the function the hits were on, counted from 1. */
  readonly positionTicks?: readonly { readonly line: number; readonly ticks: number }[]
}

/** A stack of a thread with its values. */
export interface StackSample {
  /** Innermost first. */
  readonly frames: readonly CallFrame[]
  /** Line of the innermost frame, from 1; 0 = where its function begins. */
  readonly line: number
  readonly values: readonly number[]
}

export interface ThreadSamples {
  /** Value of the label `thread`. */
  readonly thread: string
  readonly samples: readonly StackSample[]
}

export interface PprofOptions {
  readonly sampleTypes: readonly (readonly [type: string, unit: string])[]
  readonly periodType: readonly [type: string, unit: string]
  readonly period: number
  /** Unix ms. */
  readonly startedMs: number
  /** 0 = a point in time. */
  readonly durationMs: number
  readonly comments: readonly string[]
  /** Folder of the project as a file URL ending in `/`. */
  readonly root: string
}

/** Time in which the thread did nothing: no CPU. */
const IDLE = '(idle)'
const ROOT = '(root)'

/** CPU samples as `[count, nanoseconds]`. What the thread slept through is left out; garbage collection and native code count. */
export function cpuSamples(profile: CpuProfile, periodNanos: number): StackSample[] {
  const parents = new Map<number, CpuNode>()
  for (const node of profile.nodes) for (const child of node.children ?? []) parents.set(child, node)
  const samples: StackSample[] = []
  for (const node of profile.nodes) {
    const hits = node.hitCount ?? 0
    if (hits === 0 || node.callFrame.functionName === IDLE) continue
    const frames: CallFrame[] = []
    for (let at: CpuNode | undefined = node; at !== undefined; at = parents.get(at.id))
      if (at.callFrame.functionName !== ROOT) frames.push(at.callFrame)
    const byLine = new Map<number, number>()
    let placed = 0
    for (const { line, ticks } of node.positionTicks ?? []) {
      byLine.set(line, (byLine.get(line) ?? 0) + ticks)
      placed += ticks
    }
    if (placed < hits) byLine.set(0, (byLine.get(0) ?? 0) + hits - placed)
    for (const [line, ticks] of byLine) samples.push({ frames, line, values: [ticks, ticks * periodNanos] })
  }
  return samples
}

const zip = promisify<Uint8Array, Uint8Array>(gzip)

/** Gzip pprof of all threads; a stack without frames is left out. */
export function encodePprof(threads: readonly ThreadSamples[], options: PprofOptions): Promise<Uint8Array> {
  const strings = new StringTable()
  const text = (value: string) => strings.dedup(value)
  const valueType = ([type, unit]: readonly [string, string]) => new ValueType({ type: text(type), unit: text(unit) })
  const mappings = new Map<string, number>()
  const functions = new Map<string, Func>()
  const locations = new Map<string, Location>()

  function mappingId(name: string): number {
    const id = mappings.get(name) ?? mappings.size + 1
    mappings.set(name, id)
    return id
  }

  function locationId(frame: CallFrame, line: number): number {
    const place = placeOf(frame.url, options.root)
    const start = frame.lineNumber + 1
    const at = line > 0 ? line : start
    const name = nameOf(frame, place.file)
    const functionKey = `${name}\n${place.file}\n${start}`
    const locationKey = `${functionKey}\n${at}`
    const known = locations.get(locationKey)
    if (known !== undefined) return Number(known.id)
    let func = functions.get(functionKey)
    if (func === undefined) {
      func = new Func({
        id: functions.size + 1,
        name: text(name),
        systemName: text(frame.functionName),
        filename: text(place.file),
        startLine: start,
      })
      functions.set(functionKey, func)
    }
    const location = new Location({
      id: locations.size + 1,
      mappingId: mappingId(place.mapping),
      line: [new Line({ functionId: func.id, line: at })],
    })
    locations.set(locationKey, location)
    return Number(location.id)
  }

  mappingId('decima') // the first mapping is the program's
  const key = text('thread')
  const sample: Sample[] = []
  for (const { thread, samples } of threads) {
    const label = [new Label({ key, str: text(thread) })]
    for (const { frames, line, values } of samples) {
      if (frames.length === 0) continue
      const ids = frames.map((frame, depth) => locationId(frame, depth === 0 ? line : 0))
      sample.push(new Sample({ locationId: ids, value: [...values], label }))
    }
  }
  const profile = new Profile({
    sampleType: options.sampleTypes.map(valueType),
    sample,
    mapping: [...mappings].map(
      ([name, id]) =>
        new Mapping({ id, filename: text(name), hasFunctions: true, hasFilenames: true, hasLineNumbers: true }),
    ),
    location: [...locations.values()],
    function: [...functions.values()],
    stringTable: strings,
    timeNanos: BigInt(Math.round(options.startedMs * 1000)) * 1000n,
    durationNanos: Math.round(options.durationMs * 1e6),
    periodType: valueType(options.periodType),
    period: options.period,
    comment: options.comments.map(text),
  })
  return zip(profile.encode())
}

/** A readable file and whose code it is. */
export function placeOf(url: string, root: string): { readonly file: string; readonly mapping: string } {
  if (url === '') return { file: '', mapping: 'v8' }
  if (url.startsWith('node:')) return { file: url, mapping: 'node' }
  if (url.startsWith('wasm:')) return { file: url, mapping: 'wasm' }
  const packages = url.lastIndexOf('/node_modules/')
  if (packages >= 0) {
    const file = url.slice(packages + 1)
    const [, scopeOrName = '', name = ''] = file.split('/')
    return { file, mapping: scopeOrName.startsWith('@') ? `${scopeOrName}/${name}` : scopeOrName }
  }
  const path = url.startsWith(root) ? url.slice(root.length) : url.replace(/^file:\/\//, '')
  return { file: decodeURIComponentOr(path), mapping: 'decima' }
}

function nameOf(frame: CallFrame, file: string): string {
  if (frame.functionName !== '' && frame.functionName !== '(anonymous)') return frame.functionName
  return file === '' ? 'anonymous' : `anonymous ${file}:${frame.lineNumber + 1}`
}

function decodeURIComponentOr(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
