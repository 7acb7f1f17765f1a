/**
 * Labels on the write path: those of the series are checked against the limits; string labels of pprof samples join
 * them, so that one profile may become several series of the same time.
 */
import type { SeriesWrite } from '../../frostdb/writer.ts'
import { RequestError } from '../base/errors.ts'
import { type Label, type Labels, sortLabels } from '../labels/labels.ts'
import type { DecodedProfile } from '../profile/columns.ts'
import type { IngestLimits } from './contract.ts'

export interface SeriesName {
  /** The profile's name, from `__name__`. */
  readonly name: string
  readonly labels: Labels
  /** Name and labels as one text, for telling series apart. */
  readonly key: string
  /** Reserved labels (`__…`) that were left out. */
  readonly dropped: number
}

export function seriesLabels(given: readonly Label[], limits: IngestLimits): SeriesName {
  let name = ''
  let dropped = 0
  const kept: Label[] = []
  for (const label of given) {
    if (!label.name.isWellFormed() || !label.value.isWellFormed()) {
      throw new RequestError('invalid_argument', `label ${JSON.stringify(label.name.slice(0, 40))} is not UTF-8`)
    }
    if (label.name === '') {
      throw new RequestError('invalid_argument', `a label without a name has the value ${JSON.stringify(label.value)}`)
    }
    if (label.name === '__name__') name ||= label.value
    else if (label.name.startsWith('__')) dropped++
    else kept.push(label)
  }
  if (name === '') throw new RequestError('invalid_argument', 'the labels have no __name__, the name of the profile')
  const labels = sortLabels(kept)
  checkValue('__name__', name, limits)
  checkLimits(labels, limits)
  return { name, labels, key: JSON.stringify([name, labels.map(l => [l.name, l.value])]), dropped }
}

function checkLimits(labels: Labels, limits: IngestLimits): void {
  over('label-limit', limits.labels, labels.length, 'labels')
  for (const { name, value } of labels) {
    over(
      'label-name-length-limit',
      limits.labelNameLength,
      Buffer.byteLength(name),
      `bytes in label name ${shown(name)}`,
    )
    checkValue(name, value, limits)
  }
}

function checkValue(name: string, value: string, { labelValueLength }: IngestLimits): void {
  const bytes = Buffer.byteLength(value)
  over('label-value-length-limit', labelValueLength, bytes, `bytes in the value of label ${shown(name)}`)
}

const shown = (name: string): string => JSON.stringify(name.slice(0, 40))

function over(flag: string, limit: number, value: number, what: string): void {
  if (limit > 0 && value > limit)
    throw new RequestError('invalid_argument', `${value} ${what}, more than --${flag} (${limit})`)
}

export interface SplitSamples {
  readonly series: readonly SeriesWrite[]
  /** Labels of samples that were left out: numeric, reserved, or meant to be kept per sample. */
  readonly dropped: number
}

/** Parts the samples by their string labels. */
export function splitByLabels(
  profile: DecodedProfile,
  labels: Labels,
  perSample: ReadonlySet<string>,
  limits: IngestLimits,
): SplitSamples {
  const { samples } = profile
  const { labelStart, labelKey, labelString } = samples
  const rows = labelStart[samples.length]!
  if (rows === 0) return { series: [{ labels, targetLabels: null, samples: null }], dropped: 0 }

  const keep = new Map<number, boolean>()
  let dropped = 0
  const kept = new Uint8Array(rows)
  for (let row = 0; row < rows; row++) {
    const key = labelKey[row]!
    let wanted = keep.get(key)
    if (wanted === undefined) {
      const name = text(profile, key)
      wanted = name !== '' && !name.startsWith('__') && !perSample.has(name)
      keep.set(key, wanted)
    }
    if (wanted && labelString[row]! >= 0) kept[row] = 1
    else dropped++
  }

  const groups = groupSamples(profile, kept)
  // Groups whose labels only come in another order are one series.
  const bySeries = new Map<string, { readonly labels: Labels; readonly groups: number[][] }>()
  for (const group of groups) {
    const all = joined(profile, labels, group[0]!, kept)
    const key = JSON.stringify(all)
    const known = bySeries.get(key)
    if (known !== undefined) known.groups.push(group)
    else {
      checkLimits(all, limits)
      bySeries.set(key, { labels: all, groups: [group] })
    }
  }
  const series = [...bySeries.values()].map(one => ({
    labels: one.labels,
    targetLabels: one.labels.length === labels.length ? null : labels,
    samples: bySeries.size === 1 ? null : Int32Array.from(one.groups.flat()),
  }))
  return { series, dropped }
}

/** Samples with the same kept labels in the same order, by an open-addressing table over one sample of each group. */
function groupSamples({ samples }: DecodedProfile, kept: Uint8Array): number[][] {
  const { labelStart, labelKey, labelString } = samples
  const groups: number[][] = []
  let slots = new Int32Array(64) // group + 1
  const hashes: number[] = []
  const hashOf = (sample: number): number => {
    let hash = 17
    for (let row = labelStart[sample]!; row < labelStart[sample + 1]!; row++) {
      if (kept[row] === 1)
        hash = Math.imul(Math.imul(hash ^ labelKey[row]!, 0x85ebca6b) ^ labelString[row]!, 0xc2b2ae35) ^ (hash >>> 15)
    }
    return hash
  }
  const same = (a: number, b: number): boolean => {
    let i = labelStart[a]!
    let j = labelStart[b]!
    for (;;) {
      while (i < labelStart[a + 1]! && kept[i] === 0) i++
      while (j < labelStart[b + 1]! && kept[j] === 0) j++
      const endA = i === labelStart[a + 1]!
      const endB = j === labelStart[b + 1]!
      if (endA || endB) return endA && endB
      if (labelKey[i] !== labelKey[j] || labelString[i] !== labelString[j]) return false
      i++
      j++
    }
  }
  for (let sample = 0; sample < samples.length; sample++) {
    const hash = hashOf(sample)
    let slot = hash & (slots.length - 1)
    for (;;) {
      const group = slots[slot]! - 1
      if (group < 0) {
        groups.push([sample])
        hashes.push(hash)
        slots[slot] = groups.length
        if (groups.length * 2 > slots.length) slots = rehash(hashes, slots.length * 2)
        break
      }
      if (hashes[group] === hash && same(groups[group]![0]!, sample)) {
        groups[group]!.push(sample)
        break
      }
      slot = (slot + 1) & (slots.length - 1)
    }
  }
  return groups
}

function rehash(hashes: readonly number[], size: number): Int32Array<ArrayBuffer> {
  const slots = new Int32Array(size)
  for (const [group, hash] of hashes.entries()) {
    let slot = hash & (size - 1)
    while (slots[slot] !== 0) slot = (slot + 1) & (size - 1)
    slots[slot] = group + 1
  }
  return slots
}

/** The series' labels and those of the sample; a sample's label whose name is taken becomes `exported_<name>`. */
function joined(profile: DecodedProfile, labels: Labels, sample: number, kept: Uint8Array): Labels {
  const { labelStart, labelKey, labelString } = profile.samples
  const taken = new Set(labels.map(l => l.name))
  const own = new Map<string, string>()
  for (let row = labelStart[sample]!; row < labelStart[sample + 1]!; row++) {
    if (kept[row] === 0) continue
    const name = text(profile, labelKey[row]!)
    if (!own.has(name)) own.set(name, text(profile, labelString[row]!))
  }
  const all: Label[] = [...labels]
  // Those that keep their names first: in whatever order a sample has its labels, they get the same names.
  const names = [...own.keys()].sort()
  for (const name of [...names.filter(n => !taken.has(n)), ...names.filter(n => taken.has(n))]) {
    let free = name
    while (taken.has(free)) free = `exported_${free}`
    taken.add(free)
    all.push({ name: free, value: own.get(name)! })
  }
  return sortLabels(all)
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

function text({ strings }: DecodedProfile, i: number): string {
  return decoder.decode(strings.bytes.subarray(strings.start[i]!, strings.end[i]!))
}
