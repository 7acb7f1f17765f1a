import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { MessageChannel, Worker } from 'node:worker_threads'
import { gunzipSync } from 'node:zlib'
import { Profile } from 'pprof-format'
import { systemClock } from '../base/system.ts'
import { HEAP_INTERVAL, objectsIn } from './heap-sampler.ts'
import { createSelfProfiler } from './self-profile.ts'
import { placeOf } from './v8-pprof.ts'

const profiler = createSelfProfiler(systemClock)
const never = new AbortController().signal
const workers: Worker[] = []
after(() => Promise.all(workers.map(worker => worker.terminate())))

/** A worker that burns CPU or allocates as told, attached under `name`. */
async function attachWorker(name: string): Promise<Worker> {
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker(new URL('./self-profile.worker.ts', import.meta.url), {
    workerData: { port: port2 },
    transferList: [port2],
  })
  workers.push(worker)
  profiler.addWorker(name, worker, port1)
  await new Promise(resolve => worker.once('message', resolve))
  return worker
}

interface Row {
  readonly stack: readonly string[]
  readonly files: readonly string[]
  readonly thread: string
  readonly values: readonly number[]
}

function decode(body: Uint8Array) {
  const profile = Profile.decode(gunzipSync(body))
  const text = (i: number | bigint) => profile.stringTable.strings[Number(i)]!
  const locations = new Map(profile.location.map(l => [Number(l.id), l]))
  const functions = new Map(profile.function.map(f => [Number(f.id), f]))
  const rows: Row[] = profile.sample.map(sample => {
    const found = sample.locationId.map(id => {
      const line = locations.get(Number(id))!.line[0]!
      return { func: functions.get(Number(line.functionId))!, line: Number(line.line) }
    })
    return {
      stack: found.map(({ func }) => text(func.name)),
      files: found.map(({ func, line }) => `${text(func.filename)}:${line}`),
      thread: sample.label.filter(l => text(l.key) === 'thread').map(l => text(l.str))[0]!,
      values: sample.value.map(Number),
    }
  })
  return {
    rows,
    sampleTypes: profile.sampleType.map(t => `${text(t.type)}:${text(t.unit)}`),
    periodType: `${text(profile.periodType!.type)}:${text(profile.periodType!.unit)}`,
    period: Number(profile.period),
    timeMs: Number(BigInt(profile.timeNanos) / 1_000_000n),
    durationNanos: Number(profile.durationNanos),
    comments: profile.comment.map(text),
    mappings: profile.mapping.map(m => text(m.filename)),
  }
}

function burnHere(ms: number): number {
  const end = performance.now() + ms
  let x = 0
  while (performance.now() < end) for (let i = 0; i < 10_000; i++) x += Math.sqrt(i)
  return x
}

const sumOf = (rows: readonly Row[], value: number) => rows.reduce((sum, row) => sum + row.values[value]!, 0)

test('a CPU profile names what burns, in every thread', async () => {
  const worker = await attachWorker('query-1')
  const before = Date.now()
  const profiling = profiler.cpu(0.6, never)
  worker.postMessage({ kind: 'burn', ms: 400 })
  burnHere(300)
  const profile = decode(await profiling)
  assert.deepEqual(profile.sampleTypes, ['samples:count', 'cpu:nanoseconds'])
  assert.deepEqual([profile.periodType, profile.period], ['cpu:nanoseconds', 5_000_000])
  assert.ok(profile.timeMs >= before && profile.timeMs <= Date.now())
  assert.ok(profile.durationNanos >= 0.59e9)
  const here = profile.rows.filter(row => row.thread === 'main' && row.stack.includes('burnHere'))
  const there = profile.rows.filter(row => row.thread === 'query-1' && row.stack.includes('burnThere'))
  assert.ok(sumOf(here, 0) >= 5, 'burnHere is seen')
  assert.ok(sumOf(there, 0) >= 5, 'burnThere is seen')
  for (const row of profile.rows) {
    assert.equal(row.values[1], row.values[0]! * 5_000_000)
    assert.ok(!row.stack.includes('(idle)') && !row.stack.includes('(root)') && !row.stack.includes(''))
  }
  assert.match(here[0]!.files[here[0]!.stack.indexOf('burnHere')]!, /^pkg\/telemetry\/self-profile\.test\.ts:\d+$/)
  assert.equal(profile.mappings[0], 'decima')
  assert.ok(profile.mappings.includes('node'))
})

test('a worker in the middle of a long task is profiled all the same', async () => {
  const worker = await attachWorker('busy')
  worker.postMessage({ kind: 'burn', ms: 1500 })
  const done = new Promise(resolve => worker.once('message', resolve))
  await systemClock.sleep(100)
  const profile = decode(await profiler.cpu(0.3, never))
  const rows = profile.rows.filter(row => row.thread === 'busy' && row.stack.includes('burnThere'))
  assert.ok(sumOf(rows, 0) >= 5, `${profile.comments}`)
  assert.ok(profile.durationNanos < 1e9)
  await done
})

test('a worker that comes and goes during a profile is in it', async () => {
  const profiling = profiler.cpu(1, never)
  const worker = await attachWorker('passing')
  worker.postMessage({ kind: 'burn', ms: 200 })
  await new Promise(resolve => worker.once('message', resolve))
  worker.postMessage({ kind: 'leave' })
  await new Promise(resolve => worker.once('exit', resolve))
  const profile = decode(await profiling)
  const rows = profile.rows.filter(row => row.thread === 'passing' && row.stack.includes('burnThere'))
  assert.ok(sumOf(rows, 0) >= 5, `${profile.comments}`)
  assert.ok(!profile.comments.some(text => text.includes('passing')))
})

test('functions without a name are called after their place', async () => {
  const profiling = profiler.cpu(0.3, never)
  const end = performance.now() + 200
  ;(() => {
    while (performance.now() < end);
  })()
  const names = decode(await profiling).rows.flatMap(row => row.stack)
  assert.ok(
    names.some(name => /^anonymous pkg\/telemetry\/self-profile\.test\.ts:\d+$/.test(name)),
    [...new Set(names)].join(', '),
  )
})

test('CPU profiles run beside each other, up to four', async () => {
  const running = [1, 2, 3, 4].map(() => profiler.cpu(0.3, never))
  await assert.rejects(profiler.cpu(0.3, never), { code: 'internal', message: /cpu profiling already in use/ })
  for (const body of await Promise.all(running)) assert.equal(decode(body).periodType, 'cpu:nanoseconds')
  await profiler.cpu(0.05, never)
})

test('a CPU profile ends with its client', async () => {
  const gone = new AbortController()
  const profiling = profiler.cpu(600, gone.signal)
  gone.abort()
  await assert.rejects(profiling, { name: 'AbortError' })
  await assert.rejects(profiler.cpu(601, never), { code: 'invalid_argument' })
  await assert.rejects(profiler.cpu(0, never), { code: 'invalid_argument' })
})

const kept: object[] = []
function keepMuch(): void {
  for (let i = 0; i < 400_000; i++) kept.push({ i, half: i / 2, next: { i } })
}

test('the heap profile finds who holds memory, also after a window of allocations', async () => {
  const worker = await attachWorker('flush')
  keepMuch()
  worker.postMessage({ kind: 'keep', count: 400_000 })
  await new Promise(resolve => worker.once('message', resolve))
  await profiler.allocs(0.05, never)
  const profile = decode(await profiler.heap())
  assert.deepEqual(profile.sampleTypes, ['inuse_objects:count', 'inuse_space:bytes'])
  assert.deepEqual([profile.periodType, profile.durationNanos], ['space:bytes', 0])
  for (const [thread, name] of [
    ['main', 'keepMuch'],
    ['flush', 'keepThere'],
  ] as const) {
    const rows = profile.rows.filter(row => row.thread === thread && row.stack.includes(name))
    assert.ok(sumOf(rows, 1) > 10e6, `${name} holds ${sumOf(rows, 1)} bytes`)
    assert.ok(sumOf(rows, 0) > 100_000, `${name} holds ${sumOf(rows, 0)} objects`)
  }
  assert.equal(kept.length, 400_000)
})

/** Eight at a time stay: what is stored in one place only, an optimizing compiler need not make. */
const last: unknown[] = []
function wasteMuch(count: number): void {
  for (let i = 0; i < count; i++) last[i & 7] = { i, next: { i } }
}

test('the profile of allocations counts what was collected meanwhile', async () => {
  const window = profiler.allocs(0.5, never)
  for (let i = 0; i < 40; i++) {
    wasteMuch(100_000)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  const profile = decode(await window)
  assert.deepEqual(profile.sampleTypes, ['alloc_objects:count', 'alloc_space:bytes'])
  assert.ok(profile.durationNanos >= 0.49e9)
  const rows = profile.rows.filter(row => row.thread === 'main' && row.stack.includes('wasteMuch'))
  // 100,000 times two objects of 24 bytes or more each round: far more than the young generation holds.
  assert.ok(sumOf(rows, 1) > 40e6, `${sumOf(rows, 1)} bytes`)
  assert.equal(last.length, 8)
})

test('a worker that ended is not waited for', async () => {
  const worker = await attachWorker('short')
  const profiling = profiler.cpu(0.2, never)
  await worker.terminate()
  assert.ok(decode(await profiling).comments.some(text => text.startsWith('thread short ended')))
  assert.ok(!decode(await profiler.heap()).comments.some(text => text.includes('short')))
})

test('a thread that ends ends its profilers before its heap', async () => {
  // What goes wrong here is the end of the process.
  for (let i = 0; i < 6; i++) {
    const [a, b] = await Promise.all([attachWorker('a'), attachWorker('b')])
    const profiling = profiler.cpu(0.02, never)
    a.postMessage({ kind: 'keep', count: 20_000 })
    await Promise.all([a.terminate(), b.terminate(), profiling])
  }
})

for (const [bytes, size] of [
  [HEAP_INTERVAL + 24, 24],
  [HEAP_INTERVAL + 40, 40],
  [HEAP_INTERVAL + 96, 96],
  [HEAP_INTERVAL * 3, HEAP_INTERVAL * 3],
] as const)
  test(`a sample of ${bytes} bytes stands for objects of ${size}`, () => assert.equal(objectsIn(bytes), bytes / size))

for (const [url, file, mapping] of [
  ['file:///srv/decima/scrape/loop.ts', 'scrape/loop.ts', 'decima'],
  ['file:///srv/decima/node_modules/undici/lib/core/util.js', 'node_modules/undici/lib/core/util.js', 'undici'],
  ['file:///srv/decima/node_modules/@scope/name/index.js', 'node_modules/@scope/name/index.js', '@scope/name'],
  ['node:internal/timers', 'node:internal/timers', 'node'],
  ['wasm://wasm/00a1b2c3', 'wasm://wasm/00a1b2c3', 'wasm'],
  ['', '', 'v8'],
  ['file:///elsewhere/a%20b.js', '/elsewhere/a b.js', 'decima'],
] as const)
  test(`place of ${url}`, () => assert.deepEqual(placeOf(url, 'file:///srv/decima/'), { file, mapping }))
