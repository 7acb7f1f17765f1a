import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseProfileType } from '../pkg/profile/type.ts'
import { profileTitle, sortTypes } from './profile-names.ts'

const type = (text: string) => parseProfileType(text)!

for (const [text, want] of [
  ['process_cpu:cpu:nanoseconds:cpu:nanoseconds:delta', 'CPU time'],
  ['memory:inuse_space:bytes:space:bytes', 'Memory in use'],
  ['goroutine:goroutine:count:goroutine:count', 'Goroutines'],
  ['gpu:kernel_time:nanoseconds::', 'gpu: kernel time'],
  ['latency:latency:seconds::', 'latency'],
] as const) {
  test(`${text} is ${want}`, () => assert.equal(profileTitle(type(text)), want))
}

test('CPU time first, then CPU samples, then by title', () => {
  const sorted = sortTypes([
    type('memory:inuse_space:bytes:space:bytes'),
    type('goroutine:goroutine:count:goroutine:count'),
    type('process_cpu:samples:count:cpu:nanoseconds:delta'),
    type('process_cpu:cpu:nanoseconds:cpu:nanoseconds:delta'),
  ])
  assert.deepEqual(sorted.map(profileTitle), ['CPU time', 'CPU samples', 'Goroutines', 'Memory in use'])
})
