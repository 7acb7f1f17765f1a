/**
 * Questions over gRPC while half of the standard load is in a block and half in the head: p50 and p99 at the client, what
 * the server says it took (`decima-query-stats`), CPU of the whole server a question, and the ratio to a plain loop that adds up as many values by stack.
 *
 *   node test/bench/query.ts [--small] [--cpu-prof[=FOLDER]]     with .cpuprofile files and the hot spots of every thread
 */
import { performance } from 'node:perf_hooks'
import { isSmall, percentile, sum, withFolder } from '../support/bench.ts'
import { printHotSpots, profileFlags, profileFolder } from '../support/cpu-profile.ts'
import { type CallResult, connect, timestamp } from '../support/grpc-client.ts'
import { checkLedger, pushLoad } from '../support/push-load.ts'
import { randomFrom } from '../support/random.ts'
import { startServer } from '../support/server-process.ts'
import {
  describeLoad,
  podName,
  SMALL_LOAD,
  STANDARD_LOAD,
  serviceName,
  standardLoad,
} from '../support/standard-load.ts'

const TYPE = 'process_cpu:samples:count:cpu:nanoseconds:delta'
/** Of a service; all of the fleet are about 28,500. */
const STACKS = 3000
const FLEET_STACKS = 28_500
const RUNS = isSmall ? 5 : 60
const WARM = isSmall ? 2 : 10

const profiled = profileFolder()
const load = standardLoad(isSmall ? SMALL_LOAD : STANDARD_LOAD, Date.now())
const { services, pods } = load.shape
const range = { start: timestamp(load.startMs), end: timestamp(load.endMs) }
console.log(`query: ${describeLoad(load)}; half in a block, half in the head`)

interface Question {
  readonly name: string
  readonly atMost: number // ms
  readonly method: string
  /** The i-th of them: pods and services take turns. */
  readonly request: (i: number) => object
  /** Rows whose values are added up for the answer, and the stacks they are of. */
  readonly rows?: number
  readonly stacks?: number
}

function merge(name: string, atMost: number, selector: (i: number) => string, trim: number, part: number): Question {
  return {
    name: `${name}, trimmed at ${trim}`,
    atMost,
    method: 'Query',
    request: i => ({
      mode: 'MODE_MERGE',
      merge: { query: `${TYPE}{${selector(i)}}`, ...range },
      reportType: 'REPORT_TYPE_FLAMEGRAPH_ARROW',
      nodeTrimThreshold: trim,
    }),
    rows: Math.round((load.rows / 2) * part),
    stacks: part === 1 ? FLEET_STACKS : STACKS,
  }
}

const onePod = (i: number): string => `pod="${podName(i % services, Math.floor(i / services) % pods)}"`
const oneService = (i: number): string => `service="${serviceName(i % services)}"`
const questions: Question[] = [
  ...[0, 0.1].flatMap(trim => [
    merge('merge of one pod', 15, onePod, trim, 1 / (services * pods)),
    merge('merge of one service', 20, oneService, trim, 1 / services),
    merge('merge of the fleet', 120, () => '', trim, 1),
  ]),
  { name: 'profile types', atMost: 5, method: 'ProfileTypes', request: () => ({}) },
  { name: 'profile types of a range', atMost: 5, method: 'ProfileTypes', request: () => range },
  { name: 'label names', atMost: 5, method: 'Labels', request: () => ({ ...range, profileType: TYPE }) },
  {
    name: 'label values of pod',
    atMost: 5,
    method: 'Values',
    request: () => ({ labelName: 'pod', ...range, profileType: TYPE }),
  },
  {
    name: 'range by service',
    atMost: 20,
    method: 'QueryRange',
    request: () => ({ query: `${TYPE}{}`, ...range, sumBy: ['service'] }),
  },
]

await withFolder(async folder => {
  const server = await startServer({ folder, nodeFlags: profileFlags(profiled) })
  const half = Math.floor(load.profiles.length / 2)
  await pushLoad(server.address, load, 0, half)
  const flushed = await fetch(`http://${server.address}/api/v1/admin/flush`, { method: 'POST' })
  if (!flushed.ok) throw new Error(`flush: ${flushed.status} ${await flushed.text()}`)
  await pushLoad(server.address, load, half)
  const { missing, surplus } = await checkLedger(server.address, load)
  if (missing + surplus > 0) throw new Error(`${missing} profiles are missing, ${surplus} points are no profile's`)

  const connection = connect(server.address)
  const columns = ['p50 ms', 'p99', 'least', 'server ms', 'CPU ms', 'first', 'KiB', 'rows', 'loop ms', 'ratio']
  console.log(`${''.padEnd(36)}${columns.map(c => c.padStart(10)).join('')}   at most`)
  for (const question of questions) {
    const times: number[] = []
    const serverTimes: number[] = []
    let first = 0
    let last: CallResult<unknown> | null = null
    let cpu = 0
    for (let i = -WARM; i < RUNS; i++) {
      const started = performance.now()
      last = await connection.query(question.method, question.request(i + WARM))
      const took = performance.now() - started
      if (i === -WARM) first = took
      if (i === -1) cpu = server.cpu()
      if (i < 0) continue
      times.push(took)
      serverTimes.push(last.stats!.ms)
    }
    const p50 = percentile(times, 0.5)
    const loop = question.rows === undefined ? null : plainLoopMs(question.rows, question.stacks!)
    const cells = [
      p50.toFixed(2),
      percentile(times, 0.99).toFixed(2),
      Math.min(...times).toFixed(2),
      percentile(serverTimes, 0.5).toFixed(2),
      (((server.cpu() - cpu) * 1000) / RUNS).toFixed(1),
      first.toFixed(1),
      sizeOf(last!.value),
      String(last!.stats!.rows),
      loop === null ? '' : loop.toFixed(3),
      loop === null ? '' : `${(p50 / loop).toFixed(1)} ×`,
    ]
    const verdict = `${question.atMost}: ${p50 <= question.atMost ? 'met' : 'MISSED'}`
    console.log(`${question.name.padEnd(36)}${cells.map(c => c.padStart(10)).join('')}   ${verdict}`)
  }
  connection.close()
  const { now, peak } = server.memory()
  console.log(`memory of the server: ${now.toFixed(0)} MiB, at most ${peak.toFixed(0)} MiB`)
  await server.stop()
  if (profiled !== null) printHotSpots(profiled)
})

/** Milliseconds to add up so many values by stack: the least that any merge has to do. Best of ten. */
function plainLoopMs(rows: number, stacks: number): number {
  const random = randomFrom(3)
  const stack = Int32Array.from({ length: rows }, () => Math.floor(stacks * random.next() ** 3))
  const value = Float64Array.from({ length: rows }, () => 1 + random.below(8))
  const sums = new Float64Array(stacks)
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 10; round++) {
    sums.fill(0)
    const started = performance.now()
    for (let i = 0; i < rows; i++) sums[stack[i]!]! += value[i]!
    best = Math.min(best, performance.now() - started)
  }
  if (sum(sums) < rows) throw new Error('the loop was left out')
  return best
}

function sizeOf(answer: unknown): string {
  const record = (answer as { flamegraphArrow?: { record: Uint8Array } | null }).flamegraphArrow?.record
  return record === undefined ? '' : (record.length / 1024).toFixed(0)
}
