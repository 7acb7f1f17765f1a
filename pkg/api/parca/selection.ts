/**
 * From a `QueryRequest` to what is asked of the engine: validation first, in the order of the fields, then the
 * deprecated filters rewritten to those that replaced them.
 */
import { RequestError } from '../../base/errors.ts'
import type {
  Filter,
  FilterCriteria,
  MergeSelection,
  NumberCondition,
  ReportKind,
  ReportRequest,
  Selection,
  SingleSelection,
  StringCondition,
} from '../../query/engine.ts'
import {
  type FilterCriteria as CriteriaMessage,
  type Filter as FilterMessage,
  type MergeProfile,
  QueryRequest_Mode as Mode,
  type NumberCondition as NumberMessage,
  type ProfileDiffSelection,
  type QueryRequest,
  QueryRequest_ReportType as ReportType,
  ProfileDiffSelection_Mode as SideMode,
  type SingleProfile,
  type StringCondition as StringMessage,
} from '../gen/parca/query/v1alpha1/query_pb.js'
import { nanosOf, requiredRange } from './time.ts'

const REPORTS: Readonly<Partial<Record<ReportType, ReportKind>>> = {
  [ReportType.PPROF]: 'pprof',
  [ReportType.TOP]: 'top',
  [ReportType.FLAMEGRAPH_TABLE]: 'flamegraph_table',
  [ReportType.FLAMEGRAPH_ARROW]: 'flamegraph_arrow',
  [ReportType.TABLE_ARROW]: 'table_arrow',
}

export function reportRequestOf(request: QueryRequest): ReportRequest {
  if (ReportType[request.reportType] === undefined) throw invalid('report_type', 'invalid report type.')
  const selection = selectionOf(request)
  const report = REPORTS[request.reportType]
  if (report === undefined) {
    throw new RequestError('unimplemented', `report type ${ReportType[request.reportType]} is not served`)
  }
  const trimPercent = request.nodeTrimThreshold ?? 0
  if (!(trimPercent >= 0 && trimPercent <= 100)) throw invalid('node_trim_threshold', 'must be from 0 to 100 percent.')
  return {
    selection,
    report,
    timesPeriod: report !== 'pprof' && multiplies(selection),
    trimPercent,
    groupBy: groupByOf(request),
    invert: request.invertCallStack ?? false,
    filters: request.filter.flatMap(filtersOf),
    sandwichFunction:
      request.sandwichByFunction === undefined || request.sandwichByFunction === '' ? null : request.sandwichByFunction,
  }
}

/** Counts become time in merges; a single profile is answered as it was taken. */
function multiplies(selection: Selection): boolean {
  switch (selection.kind) {
    case 'merge':
      return true
    case 'single':
      return false
    case 'diff':
      return multiplies(selection.base) || multiplies(selection.compare)
  }
}

function selectionOf(request: QueryRequest): Selection {
  const { options } = request
  switch (request.mode) {
    case Mode.SINGLE_UNSPECIFIED:
      if (options.case !== 'single') throw invalid('single', 'cannot be blank.')
      return singleOf(options.value)
    case Mode.MERGE:
      if (options.case !== 'merge') throw invalid('merge', 'cannot be blank.')
      return mergeOf(options.value)
    case Mode.DIFF: {
      if (options.case !== 'diff') throw invalid('diff', 'cannot be blank.')
      const { a, b, absolute } = options.value
      return { kind: 'diff', base: sideOf(a, 'a'), compare: sideOf(b, 'b'), absolute: absolute ?? false }
    }
    default:
      throw invalid('mode', 'invalid query mode.')
  }
}

function sideOf(side: ProfileDiffSelection | undefined, name: string): MergeSelection | SingleSelection {
  if (side === undefined) throw invalid(name, 'cannot be blank.')
  switch (side.mode) {
    case SideMode.SINGLE_UNSPECIFIED:
      if (side.options.case !== 'single') throw invalid(`${name}: single`, 'cannot be blank.')
      return singleOf(side.options.value)
    case SideMode.MERGE:
      if (side.options.case !== 'merge') throw invalid(`${name}: merge`, 'cannot be blank.')
      return mergeOf(side.options.value)
    default:
      throw invalid(`${name}: mode`, 'invalid query mode.')
  }
}

function mergeOf(merge: MergeProfile): MergeSelection {
  if (merge.query === '') throw invalid('query', 'cannot be blank.')
  return { kind: 'merge', query: merge.query, range: requiredRange(merge.start, merge.end) }
}

function singleOf(single: SingleProfile): SingleSelection {
  if (single.query === '') throw invalid('query', 'cannot be blank.')
  if (single.time === undefined) throw invalid('time', 'cannot be blank.')
  const nanos = nanosOf(single.time, 'time')
  return {
    kind: 'single',
    query: single.query,
    timeMs: Number((nanos - (((nanos % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n),
  }
}

const GROUP_FIELDS = new Set(['function_name', 'function_file_name', 'location_address', 'mapping_file', 'timestamp'])

function groupByOf(request: QueryRequest): readonly string[] {
  const fields = request.groupBy?.fields ?? []
  for (const field of fields) {
    const label = field.startsWith('labels.') && field.length > 'labels.'.length
    if (!label && !GROUP_FIELDS.has(field)) {
      throw new RequestError('invalid_argument', `invalid group by field: ${field}`)
    }
  }
  return fields
}

function filtersOf({ filter }: FilterMessage): Filter[] {
  if (filter.case === undefined) return []
  const inner = filter.value.filter
  switch (inner.case) {
    case undefined:
      return []
    case 'criteria':
      return [{ kind: filter.case === 'stackFilter' ? 'stack' : 'frame', criteria: criteriaOf(inner.value) }]
    case 'functionNameStackFilter': {
      const { functionToFilter, exclude } = inner.value
      return [{ kind: 'stack', criteria: { functionName: { op: 'contains', not: exclude, value: functionToFilter } } }]
    }
    case 'binaryFrameFilter':
      return inner.value.includeBinaries.map(value => ({
        kind: 'frame',
        criteria: { binary: { op: 'contains', not: false, value } },
      }))
  }
}

function criteriaOf(message: CriteriaMessage): FilterCriteria {
  const functionName = stringOf(message.functionName)
  const systemName = stringOf(message.systemName)
  const binary = stringOf(message.binary)
  const file = stringOf(message.filename)
  const address = numberOf(message.address)
  const line = numberOf(message.lineNumber)
  return {
    ...(functionName && { functionName }),
    ...(systemName && { systemName }),
    ...(binary && { binary }),
    ...(file && { file }),
    ...(address && { address }),
    ...(line && { line }),
  }
}

function stringOf(message: StringMessage | undefined): StringCondition | undefined {
  const condition = message?.condition
  switch (condition?.case) {
    case undefined:
      return undefined
    case 'equal':
    case 'contains':
      return { op: condition.case, not: false, value: condition.value }
    case 'startsWith':
      return { op: 'starts_with', not: false, value: condition.value }
    case 'notEqual':
      return { op: 'equal', not: true, value: condition.value }
    case 'notContains':
      return { op: 'contains', not: true, value: condition.value }
    case 'notStartsWith':
      return { op: 'starts_with', not: true, value: condition.value }
  }
}

function numberOf(message: NumberMessage | undefined): NumberCondition | undefined {
  const condition = message?.condition
  return condition?.case === undefined ? undefined : { not: condition.case === 'notEqual', value: condition.value }
}

function invalid(field: string, problem: string): RequestError {
  return new RequestError('invalid_argument', `${field}: ${problem}`)
}
