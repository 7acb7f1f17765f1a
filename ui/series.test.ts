import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chartOf, distinguishing, type Series, seriesTitle } from './series.ts'

function series(labels: Record<string, string>, points: Record<number, number>): Series {
  const times = Object.keys(points).map(Number)
  const values = Object.values(points)
  return {
    labels: Object.entries(labels).map(([name, value]) => ({ name, value })),
    times,
    values,
    sum: values.reduce((a, b) => a + b, 0),
  }
}

test('series share one time axis; only a wide gap breaks a line', () => {
  const a = series({ job: 'a' }, { 10: 1, 20: 2, 70: 3 })
  const b = series({ job: 'b' }, { 20: 9, 30: 9 })
  const chart = chartOf([a, b], 10, 10)
  assert.deepEqual(chart.times, [10, 20, 30, 70])
  assert.deepEqual(chart.series, [b, a])
  assert.deepEqual(chart.columns[1], [1, 2, null, 3])
  assert.deepEqual(chart.columns[0], [undefined, 9, 9, undefined])
})

test('the largest are drawn and the rest is counted', () => {
  const all = [1, 5, 3].map(v => series({ n: String(v) }, { 1: v }))
  const chart = chartOf(all, 1, 2)
  assert.deepEqual(
    chart.series.map(s => s.sum),
    [5, 3],
  )
  assert.equal(chart.hidden, 1)
})

test('a series is named by what sets it apart', () => {
  const all = [series({ job: 'api', pod: 'x', zone: 'eu' }, {}), series({ job: 'api', pod: 'y' }, {})]
  const names = distinguishing(all)
  assert.deepEqual(names, ['pod', 'zone'])
  assert.equal(seriesTitle(all[0]!.labels, names), 'pod="x", zone="eu"')
  assert.equal(seriesTitle([], names), 'all')
})
