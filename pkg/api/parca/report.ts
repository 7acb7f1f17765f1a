/** From the engine's report to a `QueryResponse`. In the message's tables an index counts from 1 and 0 is none, but for strings. */
import type { MessageInitShape } from '@bufbuild/protobuf'
import { RequestError } from '../../base/errors.ts'
import type { FlamegraphTable, Report, TopRow } from '../../query/engine.ts'
import type {
  FlamegraphNodeSchema,
  FlamegraphSchema,
  QueryResponseSchema,
  TopNodeSchema,
} from '../gen/parca/query/v1alpha1/query_pb.js'

type Init = MessageInitShape<typeof QueryResponseSchema>
type Node = MessageInitShape<typeof FlamegraphNodeSchema> & { children: Node[] }

export function queryResponseOf(report: Report): Init {
  const { body, unit } = report
  const sums = { total: int64(report.total, 'total'), filtered: int64(report.filtered, 'filtered') }
  switch (body.kind) {
    case 'flamegraph_arrow': {
      const { record, height, trimmed } = body
      return {
        ...sums,
        report: { case: 'flamegraphArrow', value: { record, unit, height, trimmed: int64(trimmed, 'trimmed') } },
      }
    }
    case 'flamegraph_table':
      return { ...sums, report: { case: 'flamegraph', value: flamegraphOf(body.table, unit, sums.total) } }
    case 'table_arrow':
      return { ...sums, report: { case: 'tableArrow', value: { record: body.record, unit } } }
    case 'top': {
      const list = body.rows.map(topNodeOf)
      return { ...sums, report: { case: 'top', value: { list, reported: body.reported, total: list.length, unit } } }
    }
    case 'pprof':
      // Parca leaves the total of a pprof at 0; the profile itself holds every value.
      return { total: 0n, filtered: sums.filtered, report: { case: 'pprof', value: body.pprof } }
    case 'web_flamegraph':
      throw new Error('BUG: a report of the page was asked for by Parca’s API')
  }
}

const INT64_MAX = (1n << 63n) - 1n
const INT64_MIN = -(1n << 63n)

/** The messages have no more room than int64: a sum beyond is refused, never wrapped. */
export function int64(value: bigint, what: string): bigint {
  if (value <= INT64_MAX && value >= INT64_MIN) return value
  throw new RequestError('out_of_range', `${what} ${value} does not fit int64; narrow the time range or the selector`)
}

function topNodeOf(row: TopRow): MessageInitShape<typeof TopNodeSchema> {
  return {
    meta: {
      location: { address: row.address },
      mapping: { file: row.mapping, buildId: row.buildId },
      function: {
        name: row.functionName,
        systemName: row.systemName,
        filename: row.file,
        startLine: BigInt(row.startLine),
      },
      line: { line: BigInt(row.line) },
    },
    cumulative: int64(row.cumulative, 'cumulative'),
    flat: int64(row.flat, 'flat'),
    diff: int64(row.diff, 'diff'),
  }
}

function flamegraphOf(table: FlamegraphTable, unit: string, total: bigint): MessageInitShape<typeof FlamegraphSchema> {
  const nodes: Node[] = []
  const children: Node[] = []
  for (let i = 1; i < table.parent.length; i++) {
    const node: Node = {
      meta: { locationIndex: table.location[i]! + 1, lineIndex: table.lineIndex[i]! },
      cumulative: table.cumulative[i]!,
      diff: table.diff[i]!,
      children: [],
    }
    nodes[i] = node
    const parent = table.parent[i]!
    const siblings = parent === 0 ? children : nodes[parent]!.children
    siblings.push(node)
  }
  return {
    root: { cumulative: table.cumulative[0]!, diff: table.diff[0]!, children },
    total,
    untrimmedTotal: total,
    unit,
    height: table.height,
    trimmed: int64(table.trimmed, 'trimmed'),
    stringTable: [...table.strings],
    function: table.functions.map(each => ({
      nameStringIndex: each.name,
      systemNameStringIndex: each.systemName,
      filenameStringIndex: each.file,
      startLine: BigInt(each.startLine),
    })),
    mapping: table.mappings.map(each => ({ fileStringIndex: each.file, buildIdStringIndex: each.buildId })),
    locations: table.locations.map(each => ({
      address: each.address,
      mappingIndex: each.mapping + 1,
      lines: each.lines.map(line => ({ functionIndex: line.function + 1, line: BigInt(line.line) })),
    })),
  }
}
