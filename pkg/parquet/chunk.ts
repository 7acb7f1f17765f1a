/** From what a caller gives for a column of a row group to its source of pages; a mismatch is the caller's bug. */
import { assert, assertNever } from '../base/assert.ts'
import { checkRows, type PageSource } from './page-source.ts'
import { booleanSource, intSource, listSource, type Measure, stringSource } from './rows.ts'
import { intRuns, stringRuns } from './runs.ts'
import type { ColumnData, ColumnSpec, Runs } from './schema.ts'
import { type Ints, utf8Of, wordsOf } from './values.ts'

export function pageSource(spec: ColumnSpec, data: ColumnData, rows: number, measure: Measure): PageSource {
  const wrong = (): never => assert(false, `column ${spec.name} (${spec.type}) given as ${data.kind}`) as never
  const isLong = spec.type === 'int64' || spec.type === 'uint64' || spec.type === 'timestamp-millis'
  switch (data.kind) {
    case 'int32': {
      if (spec.type !== 'int32') wrong()
      checkRows(spec, data.values.length, rows)
      const ints: Ints = { words: data.values, perValue: 1, unsigned: false, length: rows }
      return intSource(spec, ints, data.nulls, data.encoding ?? 'auto', measure)
    }
    case 'int64': {
      if (!isLong) wrong()
      checkRows(spec, data.values.length, rows)
      const ints: Ints = {
        words: wordsOf(data.values),
        perValue: 2,
        unsigned: spec.type === 'uint64',
        length: rows,
      }
      return intSource(spec, ints, data.nulls, data.encoding ?? 'auto', measure)
    }
    case 'boolean':
      if (spec.type !== 'boolean') wrong()
      checkRows(spec, data.values.length, rows)
      return booleanSource(spec, data.values, data.nulls)
    case 'strings': {
      if (spec.type !== 'string') wrong()
      const strings = utf8Of(data.values)
      checkRows(spec, strings.length, rows)
      return stringSource(spec, strings, data.nulls, data.encoding ?? 'auto')
    }
    case 'runs':
      checkRuns(spec, data.runs, rows)
      if (data.of === 'string') {
        if (spec.type !== 'string') wrong()
        return stringRuns(spec, utf8Of(data.dictionary), data.runs)
      }
      if (!isLong) wrong()
      return intRuns(spec, data.dictionary, data.runs, data.encoding ?? 'dictionary', rows)
    case 'list-int32':
      if (spec.type !== 'list-int32') wrong()
      checkRows(spec, data.offsets.length - 1, rows)
      return listSource(data.offsets, data.values, data.encoding ?? 'auto', measure)
    default:
      return assertNever(data)
  }
}

function checkRuns(spec: ColumnSpec, runs: Runs, rows: number): void {
  assert(runs.index.length === runs.length.length, `column ${spec.name}: runs of two lengths`)
  let sum = 0
  for (let i = 0; i < runs.length.length; i++) sum += runs.length[i]!
  checkRows(spec, sum, rows)
}
