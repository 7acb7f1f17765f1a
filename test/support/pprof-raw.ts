/**
 * What `go tool pprof -raw` says of a profile, brought into a form that does not depend on ids or order: each distinct
 * sample as the text of its frames and labels, with its values summed. Go's tool merges equal samples, and drops those
 * that are all zero.
 */
import { spawnSync } from 'node:child_process'
import type { LabelView, ProfileView } from './profile-view.ts'

export type Samples = Record<string, string>

/** Where Go is, or null. */
export function goTool(): string | null {
  for (const go of ['go', '/usr/local/go/bin/go']) {
    const run = spawnSync(go, ['tool', 'pprof', '--help'], { env: process.env })
    if (run.error === undefined && /usage/i.test(`${run.stdout}${run.stderr}`)) return go
  }
  return null
}

export function rawSamplesOf(go: string, path: string): Samples {
  const run = spawnSync(go, ['tool', 'pprof', '-symbolize=none', '-raw', path], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  if (run.status !== 0) throw new Error(`go tool pprof: ${run.stderr}`)
  const [, samplesText = '', rest = ''] = /\nSamples:\n(.*?)\nLocations\n(.*)/s.exec(run.stdout) ?? []
  const frames = new Map<string, string>()
  let id = ''
  for (const line of rest.split('\nMappings')[0]!.split('\n')) {
    const first = /^ *(\d+): (0x[0-9a-f]+) (?:M=\d+ )?(.*)$/.exec(line)
    if (first) {
      id = first[1]!
      frames.set(id, `${first[2]} ${first[3]}`)
    } else if (line.startsWith('             ')) frames.set(id, `${frames.get(id)}|${line.trim()}`)
  }
  const sums = new Map<string, bigint[]>()
  let stack = ''
  let values: bigint[] = []
  let labels: string[] = []
  const flush = () => {
    if (values.length > 0) addTo(sums, [stack, ...labels].join('\n'), values)
  }
  for (const line of samplesText.split('\n').slice(1)) {
    const sample = /^((?: +-?\d+)+): ([\d ]*)$/.exec(line)
    if (sample) {
      flush()
      values = sample[1]!.trim().split(/ +/).map(BigInt)
      stack = sample[2]!
        .trim()
        .split(' ')
        .map(i => frames.get(i) ?? '')
        .join(' < ')
      labels = []
    } else labels.push(line.trim())
  }
  flush()
  return plain(sums)
}

/** The same of a view. */
export function rawSamplesOfView(view: ProfileView): Samples {
  const frames = view.locations.map(location => {
    const lines = location.lines.map(({ function: row, line }) => {
      if (row < 0) return '??'
      const f = view.functions[row]!
      return `${f.name} ${f.file}:${line}:0 s=${f.startLine}${f.name === f.systemName ? '' : `(${f.systemName})`}`
    })
    return `0x${location.address.toString(16)} ${lines.join('|')}`
  })
  const sums = new Map<string, bigint[]>()
  for (const { stack, values, labels } of view.samples) {
    const strings = labelText(labels.filter(l => l.string !== null))
    const numbers = labelText(labels.filter(l => l.string === null && (l.number !== 0n || l.unit !== '')))
    addTo(sums, [stack.map(row => frames[row]).join(' < '), ...strings, ...numbers].join('\n'), values)
  }
  return plain(sums)
}

/** `key:[a b] other:[c]`, or nothing. */
function labelText(labels: readonly LabelView[]): string[] {
  const byKey = new Map<string, string[]>()
  for (const l of labels) {
    const value = l.string ?? (l.unit ? `${l.number} ${l.unit}` : `${l.number}`)
    byKey.set(l.key, [...(byKey.get(l.key) ?? []), value])
  }
  if (byKey.size === 0) return []
  return [
    [...byKey]
      .map(([key, values]) => `${key}:[${values.join(' ')}]`)
      .sort()
      .join(' '),
  ]
}

function addTo(sums: Map<string, bigint[]>, key: string, values: readonly bigint[]): void {
  if (values.every(v => v === 0n)) return
  const sum = sums.get(key)
  sums.set(key, sum ? sum.map((v, i) => v + values[i]!) : [...values])
}

function plain(sums: Map<string, bigint[]>): Samples {
  return Object.fromEntries([...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, v]) => [key, v.join(' ')]))
}
