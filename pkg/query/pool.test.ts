import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { createSimClock } from '../../test/support/clock.ts'
import type { LabelRequest } from './engine.ts'
import { createQueryPool, type PoolOptions } from './pool.ts'

/** Does what the name of the asked label says, and answers with its thread, so that a test sees who worked. */
const WORKER = `
const { parentPort, threadId } = require('node:worker_threads')
parentPort.on('message', ({ id, task, snapshot }) => {
  if (task.name === 'die') throw new Error('out of memory')
  if (task.name === 'exit') process.exit(3)
  if (task.name === 'refuse') return parentPort.postMessage({ id, error: { code: 'not_found', message: 'nothing', span: [1, 2] } })
  if (task.name === 'hold') Atomics.wait(new Int32Array(task.request.lock), 0, 0)
  parentPort.postMessage({ id, answer: { value: [String(threadId), JSON.stringify(snapshot.packed)], stats: {} } })
})
`

interface Held {
  readonly request: LabelRequest
  letGo(): void
}

const request: LabelRequest = { range: null, profileType: null, matchers: [] }

function held(): Held {
  const lock = new SharedArrayBuffer(4)
  return {
    request: { ...request, lock } as LabelRequest,
    letGo() {
      Atomics.store(new Int32Array(lock), 0, 1)
      Atomics.notify(new Int32Array(lock), 0)
    },
  }
}

function poolOf(t: TestContext, options: Partial<PoolOptions> = {}) {
  const workers: Worker[] = []
  const clock = createSimClock()
  const pool = createQueryPool({
    threads: 1,
    maxWaiting: 10,
    clock,
    snapshot: () => ({ blocks: [], heads: [] }),
    ...options,
    spawn() {
      const worker = new Worker(WORKER, { eval: true })
      workers.push(worker)
      return worker
    },
  })
  t.after(() => pool.close())
  return { pool, workers, clock }
}

test('a task is answered with a snapshot of its moment', async t => {
  let taken = 0
  const { pool } = poolOf(t, { snapshot: () => ({ blocks: [], heads: [], number: ++taken }) as never })
  for (const number of [1, 2]) {
    const { value } = await pool.labelValues('x', request)
    assert.deepEqual(JSON.parse(value[1]!), { blocks: [], heads: [], number })
  }
})

test('a task without a snapshot fails by itself', async t => {
  let taken = 0
  const snapshot = () => {
    if (++taken === 1) throw new Error('no snapshot')
    return { blocks: [], heads: [] }
  }
  const { pool } = poolOf(t, { snapshot })
  const [first, second] = [pool.labelValues('x', request), pool.labelValues('x', request)]
  await assert.rejects(first, { code: 'internal', message: 'no snapshot' })
  assert.equal((await second).value.length, 2)
})

test('an error keeps its code, text and span', async t => {
  const { pool } = poolOf(t)
  await assert.rejects(pool.labelValues('refuse', request), { code: 'not_found', message: 'nothing', span: [1, 2] })
})

for (const [how, message] of [
  ['die', /^the query thread died: out of memory$/],
  ['exit', /^the query thread died$/],
] as const) {
  test(`a thread that dies (${how}) takes only its own query with it`, async t => {
    const { pool, workers } = poolOf(t, { threads: 2 })
    const slow = held()
    const other = pool.labelValues('hold', slow.request)
    const fatal = pool.labelValues(how, request)
    const queued = [1, 2, 3].map(() => pool.labelValues('x', request))
    await assert.rejects(fatal, { code: 'internal', message })
    const asked = pool.labelValues('x', request)
    for (const one of [...queued, asked]) assert.equal((await one).value.length, 2)
    slow.letGo()
    assert.equal((await other).value.length, 2)
    assert.equal(workers.length, 3)
    assert.deepEqual(pool.status, { running: 0, waiting: 0, deaths: 1 })
  })
}

test('what is asked while a thread is dying goes to another', async t => {
  const { pool, workers } = poolOf(t)
  const fatal = pool.labelValues('die', request)
  const failed = assert.rejects(fatal, { code: 'internal' })
  await once(workers[0]!, 'error')
  assert.equal((await pool.labelValues('x', request)).value.length, 2)
  await failed
})

test('threads that die at once are not started again until there is something to do', async t => {
  const { pool, workers } = poolOf(t)
  for (let i = 1; i <= 3; i++) {
    await assert.rejects(pool.labelValues('die', request), { code: 'internal' })
    assert.equal(workers.length, i)
  }
  assert.equal(pool.status.deaths, 3)
})

test('a query whose client goes while it waits is not run', async t => {
  const { pool } = poolOf(t)
  const slow = held()
  const first = pool.labelValues('hold', slow.request)
  const gone = new AbortController()
  const waiting = pool.labelValues('die', request, gone.signal)
  const last = pool.labelValues('x', request)
  assert.deepEqual(pool.status, { running: 1, waiting: 2, deaths: 0 })
  gone.abort()
  await assert.rejects(waiting, { code: 'canceled' })
  slow.letGo()
  await Promise.all([first, last])
  assert.equal(pool.status.deaths, 0)
})

test('a query whose client goes while it runs is answered at once, and its thread goes on', async t => {
  const { pool } = poolOf(t)
  const slow = held()
  const gone = new AbortController()
  const first = pool.labelValues('hold', slow.request, gone.signal)
  const second = pool.labelValues('x', request)
  gone.abort()
  await assert.rejects(first, { code: 'canceled' })
  slow.letGo()
  assert.equal((await second).value.length, 2)
})

test('a query whose client is gone already is not taken', async t => {
  const { pool, workers } = poolOf(t)
  await assert.rejects(pool.labelValues('die', request, AbortSignal.abort()), { code: 'canceled' })
  assert.equal(workers.length, 0)
})

test('more waiting than may wait is refused, with the number', async t => {
  const { pool } = poolOf(t, { maxWaiting: 2 })
  const slow = held()
  const taken = [pool.labelValues('hold', slow.request), pool.labelValues('x', request), pool.labelValues('x', request)]
  await assert.rejects(pool.labelValues('x', request), {
    code: 'resource_exhausted',
    message: /^2 queries are waiting/,
  })
  slow.letGo()
  await Promise.all(taken)
  assert.equal((await pool.labelValues('x', request)).value.length, 2)
})

test('no more threads are started than are asked for, and no more than there is work for', async t => {
  const { pool, workers } = poolOf(t, { threads: 2 })
  await pool.labelValues('x', request)
  await pool.labelValues('x', request)
  assert.equal(workers.length, 1)
  const slow = [held(), held(), held()]
  const all = slow.map(s => pool.labelValues('hold', s.request))
  assert.deepEqual(pool.status, { running: 2, waiting: 1, deaths: 0 })
  for (const s of slow) s.letGo()
  await Promise.all(all)
  assert.equal(workers.length, 2)
})

test('threads without work end, but for one', async t => {
  const { pool, workers, clock } = poolOf(t, { threads: 3 })
  const slow = [held(), held(), held()]
  const all = slow.map(s => pool.labelValues('hold', s.request))
  for (const s of slow) s.letGo()
  await Promise.all(all)
  const ended = workers.slice(1).map(w => once(w, 'exit'))
  await clock.advance(60_000)
  await ended[0]
  await clock.advance(60_000)
  await Promise.all(ended)
  assert.equal((await pool.labelValues('x', request)).value[0], String(workers[0]!.threadId))
  assert.equal(workers.length, 3)
  assert.equal(pool.status.deaths, 0)
})

test('closed, it refuses what runs, what waits and what comes', async t => {
  const { pool, workers } = poolOf(t)
  const slow = held()
  const open = [pool.labelValues('hold', slow.request), pool.labelValues('x', request)]
  const refused = open.map(one => assert.rejects(one, { code: 'unavailable', message: 'the server is stopping' }))
  await pool.close()
  await Promise.all(refused)
  await assert.rejects(pool.labelValues('x', request), { code: 'unavailable' })
  await pool.close()
  assert.equal(workers.length, 1)
})
