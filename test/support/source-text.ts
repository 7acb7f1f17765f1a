/** A source as text: what its rows say, whatever its ids. Two sources that hold the same say the same. */
import { createAccumulator } from '../../frostdb/scan/accumulate.ts'
import { noReads, type Source } from '../../frostdb/scan/source.ts'
import { stringAt } from '../../pkg/profile/frames.ts'
import { formatProfileType } from '../../pkg/profile/type.ts'

/** The frames of a node, leaf first, all that is known of each. */
export function stackText(source: Source, stack: number): string {
  const { nodes, frames, strings } = source
  const text = (id: number): string => (id < 0 ? '' : stringAt(strings, id))
  const out: string[] = []
  for (let node = source.stackNode?.[stack] ?? stack; node !== 0; node = nodes.parent[node]!) {
    const f = nodes.frame[node]!
    const address = frames.address[f] === 0n ? '' : ` 0x${frames.address[f]!.toString(16)}`
    const system = frames.systemName[f] === frames.functionName[f] ? '' : `(${text(frames.systemName[f]!)})`
    out.push(
      `${frames.inlined[f] === 1 ? '~' : ''}${text(frames.functionName[f]!)}${system}` +
        `@${text(frames.file[f]!)}:${frames.line[f]} ${text(frames.buildId[f]!)}${address}`,
    )
  }
  return out.join(' < ')
}

/** Sums of the rows of some profiles by the text of their stack; what comes to nothing is left out. */
export function sumsOf(source: Source, profiles: readonly number[]): Map<string, bigint> {
  const { rowStart, rowCount, bound } = source.profiles
  const wide = profiles.reduce((sum, i) => sum + bound[i]!, 0) >= 2 ** 53
  const acc = createAccumulator(source.stacks, wide)
  const runs = profiles.filter(i => rowCount[i]! > 0).flatMap(i => [rowStart[i]!, rowStart[i]! + rowCount[i]!])
  source.accumulate(Int32Array.from(runs), acc, noReads())
  const out = new Map<string, bigint>()
  for (let stack = 0; stack < source.stacks; stack++) {
    const sum = BigInt(acc.lo[stack]!) + (BigInt(acc.hi?.[stack] ?? 0) << 32n)
    if (sum === 0n) continue
    const text = stackText(source, stack)
    out.set(text, (out.get(text) ?? 0n) + sum)
  }
  return out
}

export function profileText(source: Source, i: number): string {
  const { series, timeMs, timeRest, durationNanos, period } = source.profiles
  const { type, labels } = source.series[series[i]!]!
  const set = labels.map(l => `${l.name}=${JSON.stringify(l.value)}`).join(',')
  const time = BigInt(timeMs[i]!) * 1_000_000n + BigInt(timeRest[i]!)
  return `${formatProfileType(type)}{${set}} ${time}+${durationNanos[i]} /${period[i]}`
}

/** Everything a source holds: by profile (those alike added up, as a block does) its sums and its total. */
export function contentOf(source: Source): Map<string, { total: bigint; stacks: Map<string, bigint> }> {
  const out = new Map<string, { total: bigint; stacks: Map<string, bigint> }>()
  for (let i = 0; i < source.profiles.length; i++) {
    const key = profileText(source, i)
    let profile = out.get(key)
    if (profile === undefined) out.set(key, (profile = { total: 0n, stacks: new Map() }))
    profile.total += (BigInt(source.profiles.totalHigh[i]!) << 32n) + BigInt(source.profiles.totalLow[i]!)
    for (const [stack, sum] of sumsOf(source, [i])) {
      const all = (profile.stacks.get(stack) ?? 0n) + sum
      if (all === 0n) profile.stacks.delete(stack)
      else profile.stacks.set(stack, all)
    }
  }
  return out
}

/** Sorted lines, for messages of tests. */
export function contentText(sources: readonly Source[]): string[] {
  const all = new Map<string, { total: bigint; stacks: Map<string, bigint> }>()
  for (const source of sources) {
    for (const [key, { total, stacks }] of contentOf(source)) {
      const known = all.get(key)
      if (known === undefined) all.set(key, { total, stacks })
      else {
        known.total += total
        for (const [stack, sum] of stacks) known.stacks.set(stack, (known.stacks.get(stack) ?? 0n) + sum)
      }
    }
  }
  return [...all]
    .flatMap(([key, { total, stacks }]) => [
      `${key} = ${total}`,
      ...[...stacks].filter(([, sum]) => sum !== 0n).map(([stack, sum]) => `${key} | ${stack} = ${sum}`),
    ])
    .sort()
}
