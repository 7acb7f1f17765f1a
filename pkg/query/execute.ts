/** A query thread's work: one task over one snapshot of the store, answered with what reading it took. */
import type { Reads, Source } from '../../frostdb/scan/source.ts'
import { RequestError } from '../base/errors.ts'
import { compareLabels, type Label, labelValue } from '../labels/labels.ts'
import { parseQuery } from '../profile/query.ts'
import { type Common, createCommon } from './common.ts'
import type {
  Answer,
  Explanation,
  LabelRequest,
  MergeSelection,
  NanoRange,
  RangeRequest,
  Report,
  ReportRequest,
  SingleSelection,
} from './engine.ts'
import { explain } from './explain.ts'
import { merge } from './merge.ts'
import { labelNames, labelValues, profileTypes } from './names.ts'
import { queryRange } from './range.ts'
import type { Merged } from './result.ts'
import { createQueryScratch, createTreeScratch, type QueryScratch } from './scratch.ts'
import { isBefore, labelsTest, type Moment, multipliesPeriod, nanosOf, type Selected, select } from './select.ts'

export type QueryTask =
  | { readonly kind: 'types'; readonly range: NanoRange | null }
  | { readonly kind: 'labels'; readonly request: LabelRequest }
  | { readonly kind: 'values'; readonly name: string; readonly request: LabelRequest }
  | { readonly kind: 'range'; readonly request: RangeRequest }
  | { readonly kind: 'report'; readonly request: ReportRequest }
  | { readonly kind: 'explain'; readonly query: string; readonly range: NanoRange }

/** How a tree becomes a report; what a report needs. */
export interface Reporter {
  needsFrames(request: ReportRequest): boolean
  report(merged: Merged, request: ReportRequest): Report
}

export interface Executor {
  /** `reads`: what opening the sources took. `started`: when the question came, on the thread's own monotonic clock. */
  execute(task: QueryTask, sources: readonly Source[], reads: Reads, started: number): Answer<unknown>
}

export function createExecutor(reporter: Reporter, monotonic: () => number): Executor {
  const common = createCommon()
  const scratch = createQueryScratch()
  return {
    execute(task, sources, reads, started) {
      common.retain(sources)
      scratch.retain(sources)
      const value = run(task, { sources, reads, common, scratch, reporter })
      const blocks = sources.filter(s => s.name !== 'head').length
      return {
        value,
        stats: {
          blocks,
          row_groups_read: reads.rowGroupsRead,
          row_groups_skipped: reads.rowGroupsSkipped,
          bytes_read: reads.bytesRead,
          bytes_skipped: reads.bytesSkipped,
          requests: reads.requests,
          cache_hits: reads.cacheHits,
          rows: reads.rows,
          ms: Math.round((monotonic() - started) * 1000) / 1000,
          level: 'raw',
        },
      }
    },
  }
}

/** What a task is carried out with. */
interface Context {
  readonly sources: readonly Source[]
  readonly reads: Reads
  readonly common: Common
  readonly scratch: QueryScratch
  readonly reporter: Reporter
}

function run(task: QueryTask, context: Context): unknown {
  const { sources, reporter } = context
  switch (task.kind) {
    case 'types':
      return profileTypes(sources, task.range)
    case 'labels':
      return labelNames(sources, task.request)
    case 'values':
      return labelValues(sources, task.name, task.request)
    case 'range':
      return queryRange(sources, parseQuery(task.request.query), task.request)
    case 'report':
      return reporter.report(mergeSelection(task.request, context), task.request)
    case 'explain':
      return explain(sources, task.query, parseQuery(task.query), task.range) satisfies Explanation
  }
}

type OneSelection = MergeSelection | SingleSelection

function mergeSelection(request: ReportRequest, { sources, reads, common, scratch, reporter }: Context): Merged {
  const { selection } = request
  const level = reporter.needsFrames(request) ? 'frame' : 'function'
  const shown = selection.kind === 'diff' ? selection.compare : selection
  const { profileType: type } = parseQuery(shown.query)
  const { profileType: baseType } = parseQuery(selection.kind === 'diff' ? selection.base.query : shown.query)
  const timesPeriod = request.timesPeriod && multipliesPeriod(type)
  const baseTimesPeriod = request.timesPeriod && multipliesPeriod(baseType)
  const unit = timesPeriod ? type.periodUnit : type.sampleUnit
  const baseUnit = baseTimesPeriod ? baseType.periodUnit : baseType.sampleUnit
  if (unit !== baseUnit) {
    throw new RequestError(
      'invalid_argument',
      `the two sides of a diff have different units: ${JSON.stringify(baseUnit)} and ${JSON.stringify(unit)}`,
    )
  }
  const selected = selectAll(sources, shown, timesPeriod)
  const base = selection.kind === 'diff' ? selectAll(sources, selection.base, baseTimesPeriod) : null
  const options = { level, common, reads, scratch } as const
  const tree = merge(selected, base, options, scratch.tree)
  const groupLabels = selection.kind === 'merge' ? labelsOf(request.groupBy) : []
  const groups = groupLabels.length === 0 ? [] : mergeGroups(sources, shown, timesPeriod, groupLabels, options)
  const all = base === null ? selected : [...selected, ...base]
  let first: Selected | null = null
  let end: Moment | null = null
  for (const one of all) {
    if (one.start !== null && (first === null || isBefore(one.start, first.start!))) first = one
    if (one.end !== null && (end === null || isBefore(end, one.end))) end = one.end
  }
  const timeNanos = first === null ? 0n : nanosOf(first.start!)
  const periodType = { type: type.periodType, unit: type.periodUnit }
  return {
    tree,
    groups,
    valueType: timesPeriod ? periodType : { type: type.sampleType, unit: type.sampleUnit },
    periodType,
    period: BigInt(first?.period ?? 0),
    timeNanos,
    durationNanos: end === null ? 0n : nanosOf(end) - timeNanos,
    profiles: all.reduce((n, s) => n + s.profiles, 0),
  }
}

function rangeOf(selection: OneSelection): NanoRange {
  if (selection.kind === 'merge') return selection.range
  const start = BigInt(selection.timeMs) * 1_000_000n
  return { start, end: start + 999_999n }
}

function selectAll(sources: readonly Source[], selection: OneSelection, timesPeriod: boolean): Selected[] {
  const { profileType: type, matchers } = parseQuery(selection.query)
  const options = { type, fits: labelsTest(matchers), range: rangeOf(selection), timesPeriod }
  const selected = sources.map(source => select(source, options))
  if (selection.kind === 'single' && selected.every(s => s.profiles === 0)) {
    throw new RequestError('not_found', 'could not find profile at requested time and selectors')
  }
  return selected
}

const LABEL_PREFIX = 'labels.'

const labelsOf = (groupBy: readonly string[]): string[] => [
  ...new Set(groupBy.filter(f => f.startsWith(LABEL_PREFIX)).map(f => f.slice(LABEL_PREFIX.length))),
]

/** One tree per distinct set of values of the labels. */
function mergeGroups(
  sources: readonly Source[],
  selection: OneSelection,
  timesPeriod: boolean,
  names: readonly string[],
  options: Parameters<typeof merge>[2],
): Merged['groups'] {
  const { profileType: type, matchers } = parseQuery(selection.query)
  const wanted = { type, fits: labelsTest(matchers), range: rangeOf(selection), timesPeriod }
  const keys = new Map<string, Label[]>()
  const keyOf = sources.map(source =>
    source.series.map(({ labels }) => {
      const values = names.map(name => ({ name, value: labelValue(labels, name) }))
      const key = JSON.stringify(values.map(l => l.value))
      if (!keys.has(key))
        keys.set(
          key,
          values.filter(l => l.value !== ''),
        )
      return key
    }),
  )
  const groups: { labels: Label[]; tree: Merged['tree'] }[] = []
  for (const [key, labels] of [...keys].sort(([, a], [, b]) => compareLabels(a, b))) {
    const selected = sources.map((source, s) => select(source, { ...wanted, only: i => keyOf[s]![i] === key }))
    if (selected.some(s => s.profiles > 0))
      groups.push({ labels, tree: merge(selected, null, options, createTreeScratch()) })
  }
  return groups
}
