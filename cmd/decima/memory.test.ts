import assert from 'node:assert/strict'
import { test } from 'node:test'
import { machineMemory, resolveMemoryLimit } from './memory.ts'

const MIB = 1024 * 1024

test('the flag, else the cgroup, else the machine', () => {
  for (const [flag, cgroupLimit, total, bytes, source] of [
    [300 * MIB, 1024 * MIB, 4096 * MIB, 300 * MIB, '--memory-limit'],
    [null, 1024 * MIB, 4096 * MIB, 768 * MIB, '75% of the cgroup limit'],
    [null, null, 1000 * MIB, 600 * MIB, '60% of RAM'],
    [256 * MIB, null, 0, 256 * MIB, '--memory-limit'],
  ] as const)
    assert.deepEqual(resolveMemoryLimit(flag, { cgroupLimit, total }), { bytes, source })
})

test('too little is refused with the number', () => {
  const tooLittle = /the memory limit is 192MiB \(75% of the cgroup limit\), below the 256MiB that Decima needs/
  assert.throws(() => resolveMemoryLimit(null, { cgroupLimit: 256 * MIB, total: 4096 * MIB }), tooLittle)
  assert.throws(() => resolveMemoryLimit(256 * MIB - 1, { cgroupLimit: null, total: 0 }), /255MiB \(--memory-limit\)/)
})

test('this machine has memory', () => {
  const { cgroupLimit, total } = machineMemory()
  assert.ok(total > 0 && (cgroupLimit === null || (cgroupLimit > 0 && cgroupLimit < total)))
})
