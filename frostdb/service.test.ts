import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sortLabels } from '../pkg/labels/labels.ts'
import { DEFAULT_SERVICE_LABELS, serviceOf } from './service.ts'

const table: [Record<string, string>, string][] = [
  [{}, ''],
  [{ pod: 'p' }, ''],
  [{ job: 'j' }, 'j'],
  [{ job: 'j', app: 'a' }, 'a'],
  [{ job: 'j', app: 'a', service_name: 's', service: 't' }, 's'],
  [{ job: 'j', service_name: '' }, 'j'],
  [{ container: 'c', job: 'j' }, 'c'],
]
for (const [labels, want] of table) {
  test(`${JSON.stringify(labels)} is of service '${want}'`, () => {
    const set = sortLabels(Object.entries(labels).map(([name, value]) => ({ name, value })))
    assert.equal(serviceOf(set, DEFAULT_SERVICE_LABELS), want)
  })
}

test('the names are the caller’s, in order', () => {
  const labels = sortLabels([
    { name: 'a', value: '1' },
    { name: 'b', value: '2' },
  ])
  assert.equal(serviceOf(labels, ['b', 'a']), '2')
  assert.equal(serviceOf(labels, []), '')
})
