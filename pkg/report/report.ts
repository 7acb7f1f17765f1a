/**
 * From a merged tree to the answer of a report: scale (in a relative diff) → filter → sandwich → invert (graphs) →
 * by function → group → draw. Pure; runs in a query worker.
 */
import { assertNever } from '../base/assert.ts'
import { RequestError } from '../base/errors.ts'
import type { Report, ReportBody, ReportRequest } from '../query/engine.ts'
import type { Merged, StackTree } from '../query/result.ts'
import { byFunction, type FrameKeys } from './by-function.ts'
import { applyFilters, invert, sandwich } from './filter.ts'
import { flamegraphArrow } from './flamegraph-arrow.ts'
import { flamegraphTable } from './flamegraph-table.ts'
import { groupTrees, type LabelRows, withNoStack } from './groups.ts'
import { pprof } from './pprof.ts'
import { scale, sumOf } from './sums.ts'
import { tableArrow } from './table-arrow.ts'
import { top } from './top.ts'
import { webFlamegraph } from './web-flamegraph.ts'

const LABEL_PREFIX = 'labels.'

/** What `group_by` asks for: labels, and columns of a frame. */
export interface Grouping {
  readonly labels: readonly string[]
  readonly frames: FrameKeys
}

export function parseGroupBy(fields: readonly string[]): Grouping {
  const labels: string[] = []
  const frames = { file: false, address: false, mapping: false }
  for (const field of fields) {
    if (field.startsWith(LABEL_PREFIX) && field.length > LABEL_PREFIX.length) {
      const name = field.slice(LABEL_PREFIX.length)
      if (!labels.includes(name)) labels.push(name)
    } else if (field === 'function_file_name') frames.file = true
    else if (field === 'location_address') frames.address = true
    else if (field === 'mapping_file') frames.mapping = true
    else if (field !== 'function_name') {
      throw new RequestError('invalid_argument', `invalid group by field: ${field}`)
    }
  }
  return { labels, frames }
}

/** Whether the report needs a tree of frames; else one of functions will do, which is several times faster. */
export function needsFrames(request: ReportRequest): boolean {
  const { file, address, mapping } = parseGroupBy(request.groupBy).frames
  if (file || address || mapping) return true
  if (request.report === 'pprof') return true
  return request.filters.some(
    ({ kind, criteria }) => kind === 'frame' || Object.keys(criteria).some(field => field !== 'functionName'),
  )
}

export function report(merged: Merged, request: ReportRequest): Report {
  const grouping = parseGroupBy(request.groupBy)
  const whole = balanced(merged.tree, request)
  const selected = select(whole, request)
  const total = sumOf(selected.self)
  const filtered = selected === whole ? 0n : sumOf(whole.self) - total
  const body = draw(merged, selected, grouping, request)
  return { body, unit: merged.valueType.unit, total, filtered, profiles: merged.profiles }
}

/** In a relative diff the side with the smaller total is scaled up to the larger. */
function balanced(tree: StackTree, request: ReportRequest): StackTree {
  const { selection } = request
  if (tree.baseSelf === null || (selection.kind === 'diff' && selection.absolute)) return tree
  const base = sumOf(tree.baseSelf)
  const compare = sumOf(tree.self)
  // Shares of nothing, or of totals of two signs, cannot be compared.
  if (base === compare || base * compare <= 0n) return tree
  const baseIsSmaller = base < 0n ? base > compare : base < compare
  if (baseIsSmaller) return { ...tree, baseSelf: scale(tree.baseSelf, base, compare) }
  return { ...tree, self: scale(tree.self, compare, base) }
}

function select(tree: StackTree, request: ReportRequest): StackTree {
  const filtered = applyFilters(tree, request.filters)
  if (request.sandwichFunction === null) return filtered
  return sandwich(filtered, request.sandwichFunction, request.invert ? 'callers' : 'callees')
}

function draw(merged: Merged, selected: StackTree, grouping: Grouping, request: ReportRequest): ReportBody {
  switch (request.report) {
    case 'flamegraph_arrow': {
      const { tree, labels } = drawable(merged, selected, grouping, request)
      return flamegraphArrow(tree, labels, request.trimPercent)
    }
    case 'web_flamegraph': {
      const { tree, labels } = drawable(merged, selected, grouping, request)
      return webFlamegraph(tree, labels, merged, request.trimPercent)
    }
    case 'flamegraph_table':
      return flamegraphTable(graphOf(selected, grouping, request), request.trimPercent)
    case 'table_arrow':
      return tableArrow(functionsOf(selected, grouping))
    case 'top':
      return top(functionsOf(selected, grouping))
    case 'pprof':
      return pprof(selected, merged)
    default:
      return assertNever(request.report)
  }
}

/** Functions instead of frames, and `[no stack]` as a node. */
function functionsOf(tree: StackTree, { frames }: Grouping): StackTree {
  return withNoStack(byFunction(tree, frames))
}

/** Turned upside down where that was asked for: only graphs have a direction, rows of functions and pprof have none. */
function graphOf(tree: StackTree, grouping: Grouping, request: ReportRequest): StackTree {
  return functionsOf(request.invert ? invert(tree) : tree, grouping)
}

/** With the label sets that were asked for beneath the root. */
function drawable(
  merged: Merged,
  selected: StackTree,
  grouping: Grouping,
  request: ReportRequest,
): { tree: StackTree; labels: LabelRows | null } {
  if (grouping.labels.length === 0 || merged.groups.length === 0) {
    return { tree: graphOf(selected, grouping, request), labels: null }
  }
  const groups = merged.groups.map(group => ({
    labels: group.labels,
    tree: graphOf(select(group.tree, request), grouping, request),
  }))
  return groupTrees(groups, grouping.labels)
}
