/**
 * Profiles as pictures, written through the real head, as the sources a query reads: all in one head, all in one block,
 * or spread over two blocks and two heads. A test of a query asks all three and must get the same answer.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBlock } from '../../frostdb/block/open.ts'
import { writeHeadBlock } from '../../frostdb/block/write.ts'
import { appendWrites, createHead, type Head, headCounts, viewHead } from '../../frostdb/head/head.ts'
import { headSource, type SeriesCache } from '../../frostdb/scan/head-source.ts'
import { noReads, type Source } from '../../frostdb/scan/source.ts'
import { DEFAULT_SERVICE_LABELS } from '../../frostdb/service.ts'
import type { ProfileWrite } from '../../frostdb/writer.ts'
import { sortLabels } from '../../pkg/labels/labels.ts'
import type { DecodedProfile } from '../../pkg/profile/columns.ts'
import { parseProfileType } from '../../pkg/profile/type.ts'
import type { Answer, Report, ReportRequest } from '../../pkg/query/engine.ts'
import { createExecutor, type QueryTask, type Reporter } from '../../pkg/query/execute.ts'
import type { Merged } from '../../pkg/query/result.ts'
import { needsFrames, report } from '../../pkg/report/report.ts'
import { parseFrame, parseStackLine } from './stacks.ts'

export interface PictureProfile {
  /** Lines like `main;serve;read 3`, root first; a stack of `-` is a sample without one. */
  readonly stacks: readonly string[]
  readonly timeNanos: bigint
  readonly labels: Readonly<Record<string, string>>
  readonly type: string
  readonly durationNanos: bigint
  readonly period: bigint
}

export const CPU = 'cpu:samples:count:cpu:nanoseconds:delta'
export const NANOS = 'cpu:cpu:nanoseconds:cpu:nanoseconds:delta'
export const HEAP = 'memory:inuse_space:bytes:space:bytes'

/** 2023-11-14T22:00:00Z, the start of an hour. */
export const T0 = 1_699_999_200_000_000_000n
export const SECOND = 1_000_000_000n

/** A CPU profile of ten seconds with a period of 10 ms, unless said otherwise. */
export function profileOf(stacks: readonly string[], options: Partial<PictureProfile> = {}): PictureProfile {
  return {
    stacks,
    timeNanos: T0,
    labels: { job: 'api' },
    type: CPU,
    durationNanos: options.type === HEAP ? 0n : 10n * SECOND,
    period: 10_000_000n,
    ...options,
  }
}

export const PLACEMENTS = ['head', 'block', 'split'] as const
export type Placement = (typeof PLACEMENTS)[number]

export interface MemoryStore {
  readonly sources: readonly Source[]
  close(): void
}

export function storeOf(profiles: readonly PictureProfile[], placement: Placement): MemoryStore {
  if (placement === 'head') return memoryStore([], [profiles])
  if (placement === 'block') return memoryStore([profiles], [])
  const quarter = (n: number) => profiles.filter((_, i) => i % 4 === n)
  return memoryStore([quarter(0), quarter(1)], [quarter(2), quarter(3)])
}

/** Generations are never used twice, as in a store: a thread keeps what it knows of a head under its number. */
let generation = 0

/** Each list becomes a block, or a head; an empty list becomes nothing. */
export function memoryStore(
  blocks: readonly (readonly PictureProfile[])[],
  heads: readonly (readonly PictureProfile[])[],
): MemoryStore {
  const folder = mkdtempSync(join(tmpdir(), 'decima-memory-store-'))
  const open: (() => void)[] = []
  const sources: Source[] = []
  const series: SeriesCache = new Map()
  for (const profiles of blocks) {
    if (profiles.length === 0) continue
    const head = headOf(profiles)
    const ulid = `BLOCK${head.generation}`
    const directory = join(folder, ulid)
    writeHeadBlock(viewHead(head, headCounts(head)), {
      ulid,
      directory,
      serviceLabels: DEFAULT_SERVICE_LABELS,
      version: 'test',
      createdMs: 0,
    })
    const block = openBlock(directory, ulid, noReads())
    open.push(() => block.close())
    sources.push(block.source)
  }
  for (const profiles of heads) {
    if (profiles.length === 0) continue
    const head = headOf(profiles)
    sources.push(headSource(viewHead(head, headCounts(head)), series))
  }
  return {
    sources,
    close() {
      for (const close of open) close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export function headOf(profiles: readonly PictureProfile[]): Head {
  const head = createHead(++generation, { keepAddresses: false })
  for (const profile of profiles) appendWrites(head, [writeOf(profile)])
  return head
}

export function writeOf(picture: PictureProfile): ProfileWrite {
  const type = parseProfileType(picture.type)
  if (type === null) throw new Error(`not a profile type: ${picture.type}`)
  const labels = sortLabels(Object.entries(picture.labels).map(([name, value]) => ({ name, value })))
  return {
    profile: columnsOf(picture),
    types: [{ type, value: 0 }],
    series: [{ labels, targetLabels: null, samples: null }],
    timeNanos: picture.timeNanos,
    durationNanos: picture.durationNanos,
    period: picture.period,
    stackDepth: 0,
    repeatKey: null,
  }
}

/** One location per frame; an inlined frame shares that of the frame that calls it. */
function columnsOf({ stacks, period, timeNanos, durationNanos }: PictureProfile): DecodedProfile {
  const strings = numbered<string>([''])
  const functions = numbered<string>()
  const mappings = numbered<string>()
  const locations = numbered<string>()
  const locationStart = [0]
  const location: number[] = []
  const value: bigint[] = []
  for (const { stack, value: v } of stacks.map(parseStackLine)) {
    let inlined: string[] = []
    for (const frame of stack.toReversed()) {
      inlined.push(frame)
      if (parseFrame(frame).inlined) continue
      location.push(locations.id(inlined.join(';')))
      inlined = []
    }
    locationStart.push(location.length)
    value.push(v)
  }
  const lines = locations.list.map(text => text.split(';').map(parseFrame))
  const lineStart = [0]
  const lineFunction: number[] = []
  const line: number[] = []
  for (const frames of lines) {
    for (const f of frames) {
      if (f.name === '') continue
      lineFunction.push(functions.id(JSON.stringify([f.name, f.file])))
      line.push(f.line)
    }
    lineStart.push(line.length)
  }
  const outer = lines.map(frames => frames.at(-1)!)
  const mapping = Int32Array.from(outer, f => (f.mapping === '' ? -1 : mappings.id(f.mapping)))
  const names = functions.list.map(text => JSON.parse(text) as [string, string])
  const name = Int32Array.from(names, ([n]) => strings.id(n))
  const file = Int32Array.from(names, ([, f]) => strings.id(f))
  const mappingFile = Int32Array.from(mappings.list, m => strings.id(m))
  const encoded = strings.list.map(s => Buffer.from(s))
  const end = new Int32Array(encoded.length)
  let at = 0
  encoded.forEach((bytes, i) => {
    end[i] = at += bytes.length
  })
  const none = new BigUint64Array(mappings.list.length)
  return {
    strings: {
      bytes: Buffer.concat(encoded),
      start: Int32Array.from(encoded, (bytes, i) => end[i]! - bytes.length),
      end,
      length: encoded.length,
    },
    mappings: {
      length: mappings.list.length,
      start: none,
      limit: none,
      offset: none,
      file: mappingFile,
      buildId: new Int32Array(mappings.list.length),
    },
    functions: { length: names.length, name, systemName: name, file, startLine: new Float64Array(names.length) },
    locations: {
      length: lines.length,
      mapping,
      address: BigUint64Array.from(outer, f => f.address),
      lineStart: Int32Array.from(lineStart),
      lineFunction: Int32Array.from(lineFunction),
      line: Float64Array.from(line),
    },
    samples: {
      length: value.length,
      locationStart: Int32Array.from(locationStart),
      location: Int32Array.from(location),
      value: BigInt64Array.from(value),
      labelStart: new Int32Array(value.length + 1),
      labelKey: new Int32Array(0),
      labelString: new Int32Array(0),
      labelNumber: new BigInt64Array(0),
      labelUnit: new Int32Array(0),
    },
    sampleTypes: [{ type: 0, unit: 0 }],
    defaultSampleType: 0,
    periodType: { type: 0, unit: 0 },
    period,
    timeNanos,
    durationNanos,
    dropFrames: 0,
    keepFrames: 0,
    comments: [],
  }
}

function numbered<T>(first: readonly T[] = []) {
  const list = [...first]
  const ids = new Map(list.map((one, i) => [one, i]))
  return {
    list,
    id(one: T): number {
      let id = ids.get(one)
      if (id === undefined) ids.set(one, (id = list.push(one) - 1))
      return id
    },
  }
}

/** A query as a thread runs it, with the clock stopped. */
export function ask<T>(sources: readonly Source[], task: QueryTask, reporter: Reporter = REPORTER): Answer<T> {
  return createExecutor(reporter, () => 0).execute(task, sources, noReads(), 0) as Answer<T>
}

const REPORTER: Reporter = { needsFrames, report }

/** The merged tree in place of a report of it. */
export function askMerged(
  sources: readonly Source[],
  level: 'function' | 'frame',
  request: Partial<ReportRequest> & Pick<ReportRequest, 'selection'>,
): Merged {
  const reporter: Reporter = { needsFrames: () => level === 'frame', report: merged => merged as unknown as Report }
  return ask<Merged>(sources, { kind: 'report', request: reportRequest(request) }, reporter).value
}

export function reportRequest(request: Partial<ReportRequest> & Pick<ReportRequest, 'selection'>): ReportRequest {
  return {
    report: 'web_flamegraph',
    timesPeriod: false,
    trimPercent: 0,
    groupBy: [],
    invert: false,
    filters: [],
    sandwichFunction: null,
    ...request,
  }
}

/** The same question to the three placements. */
export function everywhere(
  profiles: readonly PictureProfile[],
  asked: (sources: readonly Source[], placement: Placement) => void,
): void {
  for (const placement of PLACEMENTS) {
    const store = storeOf(profiles, placement)
    try {
      asked(store.sources, placement)
    } catch (error) {
      if (error instanceof Error) error.message = `in ${placement}: ${error.message}`
      throw error
    } finally {
      store.close()
    }
  }
}
