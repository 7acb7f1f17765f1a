/** A profile as text to lay beside it: header, sizes, totals, and its tree of functions down to a share of the total. */
import type { ProfileView } from './profile-view.ts'

/** A frame under this share of its value type's total is not printed, but counted. */
const SHARE = 0.01

export function profileText(view: ProfileView): string {
  const lines = [
    `types ${view.sampleTypes.join(', ')}`,
    `period ${view.period} ${view.periodType}`,
    `time ${view.timeNanos} duration ${view.durationNanos}`,
    `samples ${view.samples.length} mappings ${view.mappings.length} locations ${view.locations.length} functions ${view.functions.length}`,
  ]
  if (view.defaultSampleType) lines.push(`default ${view.defaultSampleType}`)
  if (view.dropFrames) lines.push(`drop ${view.dropFrames}`)
  if (view.keepFrames) lines.push(`keep ${view.keepFrames}`)
  for (const comment of view.comments) lines.push(`comment ${comment}`)
  for (const m of view.mappings) {
    lines.push(`mapping ${hex(m.start)}-${hex(m.limit)}@${hex(m.offset)} ${m.file} ${m.buildId}`.trimEnd())
  }
  for (const [label, count] of labelCounts(view)) lines.push(`label ${label} ×${count}`)
  view.sampleTypes.forEach((type, i) => {
    lines.push('', `${type}`, ...treeLines(view, i))
  })
  return `${lines.join('\n')}\n`
}

const hex = (value: bigint) => `0x${value.toString(16)}`

/** Labels and how many samples have them, numbers by key only. */
function labelCounts(view: ProfileView): [string, number][] {
  const counts = new Map<string, number>()
  for (const sample of view.samples) {
    for (const l of sample.labels) {
      const label = l.string === null ? `${l.key}=(number${l.unit && ` of ${l.unit}`})` : `${l.key}=${l.string}`
      counts.set(label, (counts.get(label) ?? 0) + 1)
    }
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
}

interface Node {
  total: bigint
  self: bigint
  readonly children: Map<string, Node>
}
const emptyNode = (): Node => ({ total: 0n, self: 0n, children: new Map() })

function treeLines(view: ProfileView, type: number): string[] {
  const root = emptyNode()
  for (const sample of view.samples) {
    const value = sample.values[type]!
    let node = root
    node.total += value
    for (const row of [...sample.stack].reverse()) {
      for (const frame of framesOf(view, row)) {
        const child = node.children.get(frame) ?? emptyNode()
        node.children.set(frame, child)
        node = child
        node.total += value
      }
    }
    node.self += value
  }
  const least = Math.abs(Number(root.total)) * SHARE
  const lines: string[] = []
  let hidden = 0
  const walk = (name: string, node: Node, depth: number) => {
    if (Math.abs(Number(node.total)) < least) {
      hidden++
      return
    }
    lines.push(`${'  '.repeat(depth)}${name} total ${node.total} self ${node.self}`)
    for (const [childName, child] of [...node.children].sort(([a], [b]) => (a < b ? -1 : 1))) {
      walk(childName, child, depth + 1)
    }
  }
  walk('root', root, 0)
  if (hidden > 0) lines.push(`(${hidden} smaller)`)
  return lines
}

/** Outermost first; inlined frames are marked. */
function framesOf(view: ProfileView, row: number): string[] {
  const location = view.locations[row]!
  if (location.lines.length === 0) return [hex(location.address)]
  return location.lines
    .map((line, i) => {
      const name = line.function < 0 ? '?' : view.functions[line.function]!.name
      return `${i < location.lines.length - 1 ? '~' : ''}${name}:${line.line}`
    })
    .reverse()
}
