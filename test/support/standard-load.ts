/**
 * The standard load: services × pods, one CPU profile per pod per ten seconds, every one different. Each service has a
 * pool of 3,000 stacks and addresses of its own; a profile is 100 to 700 draws from it, pool × u³, equal stacks summed.
 *
 * The profiles are made once and kept in a folder beside the repository's (temporary files), without their time: a body
 * is the kept deflate stream, one stored block with the field `time_nanos`, and the trailer, so that each run can place
 * the load where it wants at the price of a copy. To a reader a body is one gzip member of one pprof message.
 *
 *   file: ┌ per profile: stream bytes u32, crc32 u32, raw bytes u32, samples u32, count u32 ┐ streams, back to back
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { constants, crc32, deflateRawSync } from 'node:zlib'
import { createPprofWriter, timeField } from './pprof-writer.ts'
import { type Random, randomFrom } from './random.ts'
import { type StackUniverse, stackUniverse } from './stack-universe.ts'

export interface LoadShape {
  readonly services: number
  readonly pods: number
  /** Profiles of each pod. */
  readonly ticks: number
  readonly seed: number
}
export const STANDARD_LOAD: LoadShape = { services: 20, pods: 10, ticks: 36, seed: 1 }
export const SMALL_LOAD: LoadShape = { services: 4, pods: 3, ticks: 6, seed: 1 }

/** Of so many stacks 20 pools of 3,000 hold about 28,500. */
const UNIVERSE = 33_500
const POOL = 3000
const TICK_MS = 10_000
const DRAWS = { least: 100, most: 700 }
const PERIOD_NANOS = 10_000_000n
const HEADER = 5

export interface LoadProfile {
  readonly service: number
  readonly pod: number
  readonly tick: number
  /** pprof samples, each a stack of its own: the rows of one sample type. */
  readonly samples: number
  /** Sum over `samples:count`; `cpu:nanoseconds` is this × 10 ms. */
  readonly count: number
  readonly timeMs: number
}

export interface Load {
  readonly shape: LoadShape
  readonly profiles: readonly LoadProfile[]
  /** Rows of both sample types. */
  readonly rows: number
  readonly startMs: number
  readonly endMs: number
  /** gzip pprof. */
  body(profile: number): Buffer
  labels(profile: number): { readonly name: string; readonly value: string }[]
}

/** Sum over `cpu:nanoseconds` of a profile. */
export const cpuNanos = (profile: LoadProfile): bigint => BigInt(profile.count) * PERIOD_NANOS

/** The load, ending at `endMs` rounded down to ten seconds; profiles in the order of their times. */
export function standardLoad(shape: LoadShape, endMs: number): Load {
  const { services, pods, ticks } = shape
  const kept = readKept(shape)
  const header = new Uint32Array(kept.buffer.slice(kept.byteOffset, kept.byteOffset + services * pods * ticks * 20))
  const startMs = Math.floor(endMs / TICK_MS) * TICK_MS - ticks * TICK_MS
  const profiles: LoadProfile[] = []
  const offsets = [header.byteLength]
  let rows = 0
  for (let i = 0; i < services * pods * ticks; i++) {
    const [bytes, , , samples, count] = header.subarray(i * HEADER, (i + 1) * HEADER) as unknown as number[]
    const series = i % (services * pods)
    const tick = Math.floor(i / (services * pods))
    // Pods are profiled one after the other over the ten seconds.
    const timeMs = startMs + tick * TICK_MS + Math.floor((series * TICK_MS) / (services * pods))
    const service = series % services
    const pod = Math.floor(series / services)
    profiles.push({ service, pod, tick, samples: samples!, count: count!, timeMs })
    offsets.push(offsets[i]! + bytes!)
    rows += 2 * samples!
  }
  return {
    shape,
    profiles,
    rows,
    startMs,
    endMs: startMs + ticks * TICK_MS - 1,
    body(i) {
      const stream = kept.subarray(offsets[i]!, offsets[i + 1]!)
      const time = timeField(BigInt(profiles[i]!.timeMs) * 1_000_000n)
      return gzipMember(stream, header[i * HEADER + 1]!, header[i * HEADER + 2]!, time)
    },
    labels(i) {
      const { service, pod } = profiles[i]!
      const name = serviceName(service)
      return [
        { name: '__name__', value: 'process_cpu' },
        { name: 'namespace', value: `team-${service % 4}` },
        { name: 'service', value: name },
        { name: 'pod', value: podName(service, pod) },
        { name: 'instance', value: `10.0.${service}.${pod}:6060` },
      ]
    },
  }
}

export const serviceName = (service: number): string => `service-${String(service).padStart(2, '0')}`
export const podName = (service: number, pod: number): string =>
  `${serviceName(service)}-${(Math.imul(service + 7, 0x9e3779b1) >>> 0).toString(36)}-${pod}`

/** What was made, for the reader of a benchmark. */
export function describeLoad(load: Load): string {
  const n = load.profiles.length
  let gzip = 0
  for (let i = 0; i < n; i += 7) gzip += load.body(i).length
  return [
    `${n} profiles of ${load.shape.services} services × ${load.shape.pods} pods`,
    `${(load.rows / 2 / n).toFixed(0)} samples each, ${(load.rows / 1e6).toFixed(2)} M rows`,
    `${(gzip / Math.ceil(n / 7) / 1024).toFixed(1)} KiB gzip each`,
  ].join(', ')
}

function gzipMember(stream: Uint8Array, crc: number, length: number, tail: Uint8Array): Buffer {
  const out = Buffer.alloc(10 + stream.length + 5 + tail.length + 8)
  out.writeUInt32LE(0x00088b1f, 0)
  out[9] = 255
  out.set(stream, 10)
  let at = 10 + stream.length
  out[at] = 1 // the last block, stored
  out.writeUInt16LE(tail.length, at + 1)
  out.writeUInt16LE(~tail.length & 0xffff, at + 3)
  out.set(tail, at + 5)
  at += 5 + tail.length
  out.writeUInt32LE(crc32(tail, crc), at)
  out.writeUInt32LE(length + tail.length, at + 4)
  return out
}

function readKept(shape: LoadShape): Buffer {
  const folder = join(tmpdir(), 'decima-bench')
  const file = join(folder, `load-${keyOf(shape)}.bin`)
  if (existsSync(file)) return readFileSync(file)
  mkdirSync(folder, { recursive: true })
  const made = makeLoad(shape)
  const part = `${file}.${process.pid}`
  writeFileSync(part, made)
  renameSync(part, file)
  return made
}

/** Of the shape and of all that makes the bytes. */
function keyOf({ services, pods, ticks, seed }: LoadShape): string {
  const hash = createHash('sha256').update(JSON.stringify([services, pods, ticks, seed]))
  for (const name of ['standard-load.ts', 'pprof-writer.ts', 'stack-universe.ts', 'random.ts'])
    hash.update(readFileSync(join(import.meta.dirname, name)))
  return hash.digest('hex').slice(0, 16)
}

function makeLoad({ services, pods, ticks, seed }: LoadShape): Buffer {
  const universe = stackUniverse(UNIVERSE, seed)
  const binaries = Array.from({ length: services }, (_, service) => {
    const random = randomFrom(seed * 1000 + service)
    const addresses = layOut(universe, random)
    return {
      pool: drawPool(universe.stacks.length, random.next),
      write: createPprofWriter({
        universe,
        addressOf: location => addresses[location]!,
        binary: `/app/${serviceName(service)}`,
      }),
    }
  })
  const random = randomFrom(seed + 77)
  const streams: Buffer[] = []
  const header = new Uint32Array(services * pods * ticks * HEADER)
  const seen = new Int32Array(POOL)
  for (let i = 0; i < services * pods * ticks; i++) {
    const { pool, write } = binaries[(i % (services * pods)) % services]!
    const draws = DRAWS.least + random.below(DRAWS.most - DRAWS.least + 1)
    const drawn: number[] = []
    for (let k = 0; k < draws; k++) {
      const rank = Math.floor(POOL * random.next() ** 3)
      if (seen[rank]!++ === 0) drawn.push(rank)
    }
    const raw = write({
      stacks: Int32Array.from(drawn, rank => pool[rank]!),
      counts: Int32Array.from(drawn, rank => seen[rank]!),
    })
    for (const rank of drawn) seen[rank] = 0
    const stream = deflateRawSync(raw, { level: 6, finishFlush: constants.Z_SYNC_FLUSH })
    header.set([stream.length, crc32(raw), raw.length, drawn.length, draws], i * HEADER)
    streams.push(stream)
  }
  return Buffer.concat([Buffer.from(header.buffer), ...streams])
}

/** Addresses of the locations: functions stand one behind the other in an order of the binary's own. */
function layOut({ functions, locations }: StackUniverse, random: Random): Float64Array {
  const order = functions.map((_, fn) => ({ fn, key: random.next() })).sort((a, b) => a.key - b.key)
  const base = new Float64Array(functions.length)
  let end = 0x40_1000
  for (const { fn } of order) {
    base[fn] = end
    end += 64 * (1 + random.below(200))
  }
  return Float64Array.from(locations, ({ lines }) => base[lines.at(-1)!.fn]! + 1 + random.below(64))
}

/** Distinct stacks of the universe, the most frequent of the service first. */
function drawPool(universe: number, next: () => number): Int32Array {
  const all = Int32Array.from({ length: universe }, (_, i) => i)
  for (let i = 0; i < POOL; i++) {
    const other = i + Math.floor(next() * (universe - i))
    const stack = all[i]!
    all[i] = all[other]!
    all[other] = stack
  }
  return all.slice(0, POOL)
}
