/**
 * A Node program that has work to do and shows what it does: a library that sorts and searches its books, with
 * `/debug/pprof/profile?seconds=N` and `/debug/pprof/heap` made from V8's own profiles. Prints its address.
 */
import { createServer, type ServerResponse } from 'node:http'
import { type HeapProfiler, type Profiler, Session } from 'node:inspector/promises'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { Function as Func, Line, Location, Profile, Sample, StringTable, ValueType } from 'pprof-format'

interface Book {
  readonly title: string
  readonly words: readonly string[]
}
const shelf: Book[] = []

function acquireBooks(): void {
  for (let i = 0; i < 20; i++) {
    const words = Array.from({ length: 200 }, (_, n) => `${(i * 7919 + n * 104_729) % 9973}`)
    shelf.push({ title: `Volume ${shelf.length} of ${words[0]}`, words })
  }
  if (shelf.length > 2000) shelf.splice(0, 1000)
}

function sortShelf(): void {
  shelf.sort((a, b) => a.title.localeCompare(b.title))
}

function searchWord(word: string): number {
  let found = 0
  for (const { words } of shelf) for (const one of words) if (one.startsWith(word)) found++
  return found
}

function work(): void {
  const until = performance.now() + 40
  while (performance.now() < until) {
    acquireBooks()
    sortShelf()
    searchWord('12')
  }
  setTimeout(work, 10)
}

interface Frame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}
interface Stack {
  /** Innermost first. */
  readonly frames: readonly Frame[]
  readonly values: readonly number[]
}

const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.setSamplingInterval', { interval: 1000 })
await session.post('HeapProfiler.startSampling', { samplingInterval: 16_384 })

async function cpuStacks(seconds: number): Promise<Stack[]> {
  await session.post('Profiler.start')
  await sleep(seconds * 1000)
  const { profile } = await session.post('Profiler.stop')
  const parent = new Map<number, Profiler.ProfileNode>()
  for (const node of profile.nodes) for (const child of node.children ?? []) parent.set(child, node)
  return profile.nodes.flatMap(node => {
    if ((node.hitCount ?? 0) === 0 || node.callFrame.functionName === '(idle)') return []
    const frames: Frame[] = []
    for (let at: Profiler.ProfileNode | undefined = node; at !== undefined; at = parent.get(at.id))
      frames.push(at.callFrame)
    return [{ frames, values: [node.hitCount!, node.hitCount! * 1_000_000] }]
  })
}

async function heapStacks(): Promise<Stack[]> {
  const { profile } = await session.post('HeapProfiler.getSamplingProfile')
  const stacks: Stack[] = []
  const walk = (node: HeapProfiler.SamplingHeapProfileNode, callers: readonly Frame[]): void => {
    const frames = [node.callFrame, ...callers]
    if (node.selfSize > 0) stacks.push({ frames, values: [node.selfSize] })
    for (const child of node.children) walk(child, frames)
  }
  walk(profile.head, [])
  return stacks
}

function encode(stacks: readonly Stack[], types: readonly string[], period: string, seconds: number): Uint8Array {
  const strings = new StringTable()
  const functions = new Map<string, Func>()
  const idOf = ({ functionName, url, lineNumber }: Frame): number => {
    const key = `${functionName} ${url} ${lineNumber}`
    const id = Number(functions.get(key)?.id ?? functions.size + 1)
    const name = strings.dedup(functionName || '(anonymous)')
    functions.set(
      key,
      new Func({ id, name, systemName: name, filename: strings.dedup(url), startLine: lineNumber + 1 }),
    )
    return id
  }
  const valueType = (text: string): ValueType => {
    const [type, unit] = text.split('/') as [string, string]
    return new ValueType({ type: strings.dedup(type), unit: strings.dedup(unit) })
  }
  const sample = stacks.map(
    ({ frames, values }) => new Sample({ locationId: frames.slice(0, -1).map(idOf), value: [...values] }),
  )
  return gzipSync(
    new Profile({
      sampleType: types.map(valueType),
      sample,
      location: [...functions.values()].map(
        ({ id, startLine }) => new Location({ id, line: [new Line({ functionId: id, line: startLine })] }),
      ),
      function: [...functions.values()],
      stringTable: strings,
      timeNanos: BigInt(Date.now()) * 1_000_000n - BigInt(seconds) * 1_000_000_000n,
      durationNanos: BigInt(seconds) * 1_000_000_000n,
      periodType: valueType(period),
      period: 1_000_000,
    }).encode(),
  )
}

async function answer(url: URL, response: ServerResponse): Promise<void> {
  if (url.pathname === '/debug/pprof/profile') {
    const seconds = Number(url.searchParams.get('seconds') ?? 30)
    response.end(encode(await cpuStacks(seconds), ['samples/count', 'cpu/nanoseconds'], 'cpu/nanoseconds', seconds))
  } else if (url.pathname === '/debug/pprof/heap') {
    response.end(encode(await heapStacks(), ['inuse_space/bytes'], 'space/bytes', 0))
  } else response.writeHead(404).end()
}

const server = createServer((request, response) => void answer(new URL(request.url!, 'http://127.0.0.1'), response))
server.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${(server.address() as AddressInfo).port}`))
work()
