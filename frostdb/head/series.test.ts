import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sortLabels } from '../../pkg/labels/labels.ts'
import {
  createSeries,
  decodeSeries,
  encodeSeries,
  internSeries,
  type Series,
  seriesCount,
  seriesText,
} from './series.ts'

const text = fc.oneof(
  fc.constantFrom('', 'a', 'http.route', 'größe', '"\\,{}', '\u0000'),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
)
const series: fc.Arbitrary<Series> = fc
  .tuple(fc.array(text, { minLength: 5, maxLength: 5 }), fc.boolean(), fc.array(fc.tuple(text, text), { maxLength: 4 }))
  .map(([parts, delta, labels]) => {
    const [name, sampleType, sampleUnit, periodType, periodUnit] = parts as [string, string, string, string, string]
    return {
      type: { name, sampleType, sampleUnit, periodType, periodUnit, delta },
      labels: sortLabels(labels.map(([name, value]) => ({ name, value }))),
    }
  })

test('one id for each type and label set, decoded as it was', () => {
  fc.assert(
    fc.property(fc.array(series, { maxLength: 40 }), list => {
      const interner = createSeries()
      const seen = new Map<string, number>()
      for (const one of list) {
        const id = internSeries(interner, encodeSeries(one))
        const key = JSON.stringify(one)
        assert.equal(id, seen.get(key) ?? seen.size)
        seen.set(key, id)
        const { bytes, offsets } = interner
        assert.deepEqual(decodeSeries(seriesText(bytes.array, offsets.array, id)), one)
      }
      assert.equal(seriesCount(interner), seen.size)
    }),
    { numRuns: 100 },
  )
})
