import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createSemaphore, mapParallel } from './semaphore.ts'

/** Tasks that note their start and end when told to end. */
function stage() {
  const log: string[] = []
  const ends = new Map<string, () => void>()
  const task = (name: string) => async () => {
    log.push(`${name} begins`)
    await new Promise<void>(resolve => ends.set(name, resolve))
    log.push(`${name} ends`)
    return name
  }
  const end = async (name: string) => {
    ends.get(name)!()
    for (let i = 0; i < 3; i++) await turn()
  }
  return { log, task, end }
}

test('no more than the cap at once, first come first served', async () => {
  const { log, task, end } = stage()
  const semaphore = createSemaphore(2)
  const all = ['a', 'b', 'c', 'd'].map(name => semaphore.run(task(name)))
  await turn()
  assert.deepEqual([log, semaphore.inUse], [['a begins', 'b begins'], 2])
  await end('b')
  await end('a')
  assert.deepEqual(log.slice(2), ['b ends', 'c begins', 'a ends', 'd begins'])
  await end('c')
  await end('d')
  assert.deepEqual([await Promise.all(all), semaphore.inUse], [['a', 'b', 'c', 'd'], 0])
})

test('a heavy one waits for room, and the light ones behind it wait their turn', async () => {
  const { log, task, end } = stage()
  const semaphore = createSemaphore(10)
  const all = [semaphore.run(task('light'), 4), semaphore.run(task('huge'), 100), semaphore.run(task('last'), 1)]
  await turn()
  assert.deepEqual(log, ['light begins'])
  await end('light')
  assert.deepEqual(log.slice(2), ['huge begins'])
  await end('huge')
  await end('last')
  await Promise.all(all)
  assert.equal(semaphore.inUse, 0)
})

test('a failure gives its place back', async () => {
  const semaphore = createSemaphore(1)
  await assert.rejects(
    semaphore.run(() => Promise.reject(new Error('no'))),
    /no/,
  )
  assert.equal(await semaphore.run(async () => 'yes'), 'yes')
})

test('results come in the order of the items', async () => {
  let running = 0
  let most = 0
  const results = await mapParallel([3, 1, 2, 0], 3, async (n, i) => {
    most = Math.max(most, ++running)
    for (let k = 0; k < n; k++) await turn()
    running--
    return `${i}:${n}`
  })
  assert.deepEqual([results, most], [['0:3', '1:1', '2:2', '3:0'], 3])
  assert.deepEqual(await mapParallel([], 3, async () => 1), [])
})

test('after a failure nothing new starts, and what runs is waited for', async () => {
  const log: string[] = []
  const run = mapParallel(['a', 'b', 'c', 'd'], 2, async name => {
    log.push(`${name} begins`)
    if (name === 'a') throw new Error('a failed')
    await turn()
    log.push(`${name} ends`)
  })
  await assert.rejects(run, /a failed/)
  assert.deepEqual(log, ['a begins', 'b begins', 'b ends'])
})
