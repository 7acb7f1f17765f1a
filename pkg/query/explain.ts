/** What a merge would read, as data: blocks, row groups, columns, bytes. Nothing is read to say it. */
import type { Source } from '../../frostdb/scan/source.ts'
import type { ProfileQuery } from '../profile/query.ts'
import type { Explanation, NanoRange } from './engine.ts'
import { isBefore, labelsTest, type Moment, nanosOf, runsOf, selectProfiles, selectSeries } from './select.ts'

export function explain(sources: readonly Source[], text: string, query: ProfileQuery, range: NanoRange): Explanation {
  let bytesRead = 0
  let bytesSkipped = 0
  let rows = 0
  const fits = labelsTest(query.matchers)
  const blocks = sources.map(source => {
    const wanted = selectSeries(source, query.profileType, fits)
    const profiles = selectProfiles(source, wanted, range)
    const series = wanted.reduce((n, one) => n + one, 0)
    const plan = source.plan(runsOf(source, profiles, false).runs.get(1) ?? new Int32Array(0))
    const held = source.rowGroups.reduce((n, g) => n + g.bytes, 0)
    bytesRead += plan.bytes
    bytesSkipped += held - plan.bytes
    rows += plan.rows
    const why =
      series === 0
        ? 'no series fits'
        : profiles.length === 0
          ? 'no profile in the range'
          : 'holds no row of the selection'
    return {
      block: source.name,
      ...spanOf(source),
      series,
      profiles: profiles.length,
      rows: plan.rows,
      row_groups: plan.read.map((read, index) => ({
        index,
        action: read ? ('read' as const) : ('skip' as const),
        reason: read ? 'holds rows of the selection' : why,
      })),
      columns: plan.rows === 0 ? [] : ['stack_id', 'value'],
      bytes: plan.bytes,
    }
  })
  return {
    query: text,
    start: String(range.start),
    end: String(range.end),
    blocks,
    totals: { bytes_read: bytesRead, bytes_skipped: bytesSkipped, rows },
  }
}

function spanOf({ profiles }: Source): { min_time: string; max_time: string } {
  if (profiles.length === 0) return { min_time: '0', max_time: '0' }
  const moment = (i: number): Moment => ({ ms: profiles.timeMs[i]!, rest: profiles.timeRest[i]! })
  let min = moment(0)
  let max = min
  for (let i = 1; i < profiles.length; i++) {
    const at = moment(i)
    if (isBefore(at, min)) min = at
    if (isBefore(max, at)) max = at
  }
  return { min_time: String(nanosOf(min)), max_time: String(nanosOf(max)) }
}
