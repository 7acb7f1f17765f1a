import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { planRanges } from './ranges.ts'

/** `0-10` is [0, 10). */
const range = (text: string) => {
  const [start, end] = text.split('-').map(Number) as [number, number]
  return { offset: start, length: end - start }
}
const picture = (wanted: string, policy: { gap: number; max: number }): string =>
  planRanges(wanted.split(' ').filter(Boolean).map(range), policy)
    .map(read => `${read.offset}-${read.offset + read.length} for ${read.wanted.join(',')}`)
    .join(' | ')

for (const [wanted, want] of [
  ['', ''],
  ['0-10', '0-10 for 0'],
  ['0-10 10-20', '0-20 for 0,1'],
  ['0-10 15-20', '0-20 for 0,1'],
  ['0-10 16-20', '0-10 for 0 | 16-20 for 1'],
  ['50-60 0-10 8-12', '0-12 for 1,2 | 50-60 for 0'],
  ['0-30 5-10 20-30', '0-30 for 0,1,2'],
  ['0-30 5-10 32-40', '0-40 for 0,1,2'],
  ['0-60 60-90 90-120', '0-90 for 0,1 | 90-120 for 2'],
  ['0-200 10-20', '0-200 for 0,1'],
  ['0-200 201-210', '0-200 for 0 | 201-210 for 1'],
  ['5-5 0-10 7-7', '0-10 for 1'],
  ['0-10 0-10', '0-10 for 0,1'],
] as const)
  test(`plans ${wanted || 'nothing'}`, () => assert.equal(picture(wanted, { gap: 5, max: 100 }), want))

test('every wanted byte is in its read, reads are ordered, joined where allowed and only there', () => {
  const wanted = fc.array(fc.record({ offset: fc.nat(500), length: fc.nat(60) }), { maxLength: 30 })
  fc.assert(
    fc.property(wanted, fc.nat(40), fc.integer({ min: 1, max: 150 }), (ranges, gap, max) => {
      const reads = planRanges(ranges, { gap, max })
      const served = new Set(reads.flatMap(read => read.wanted))
      ranges.forEach(({ length }, i) => {
        assert.equal(served.has(i), length > 0)
      })
      for (const read of reads) {
        const parts = read.wanted.map(i => ranges[i]!)
        assert.equal(Math.min(...parts.map(p => p.offset)), read.offset)
        assert.equal(Math.max(...parts.map(p => p.offset + p.length)), read.offset + read.length)
        assert.ok(read.length <= max || parts.some(p => p.length === read.length), 'too long, and not of one piece')
      }
      for (let i = 1; i < reads.length; i++) {
        const [a, b] = [reads[i - 1]!, reads[i]!]
        assert.ok(a.offset <= b.offset)
        const first = ranges[b.wanted[0]!]!
        const isNear = first.offset - (a.offset + a.length) <= gap
        const isShort = Math.max(a.offset + a.length, first.offset + first.length) - a.offset <= max
        assert.ok(!isNear || !isShort, 'two reads that could have been one')
      }
    }),
  )
})
