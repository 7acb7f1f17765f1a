/** TOP of Parca's API: one row per function, as the table has them. */
import type { ReportBody, TopRow } from '../query/engine.ts'
import type { StackTree } from '../query/result.ts'
import { functionRows } from './function-rows.ts'
import { textOf } from './strings.ts'
import { int64, sumAt } from './sums.ts'

export function top(tree: StackTree): ReportBody & { kind: 'top' } {
  const { frames, length, cumulative, flat, baseCumulative } = functionRows(tree)
  const { strings } = tree
  const rows = Array.from({ length }, (_, r): TopRow => {
    const total = int64(sumAt(cumulative, r))
    return {
      functionName: textOf(strings, frames.functionName[r]!),
      systemName: textOf(strings, frames.systemName[r]!),
      file: textOf(strings, frames.file[r]!),
      line: frames.line[r]!,
      startLine: frames.startLine[r]!,
      address: frames.address[r]!,
      mapping: textOf(strings, frames.mapping[r]!),
      buildId: textOf(strings, frames.buildId[r]!),
      cumulative: total,
      flat: int64(sumAt(flat, r)),
      diff: baseCumulative === null ? 0n : int64(total - sumAt(baseCumulative, r)),
    }
  })
  return { kind: 'top', rows, reported: length }
}
