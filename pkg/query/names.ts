/** What there is to ask for: profile types, label names and values. From the series and profile rows, never from samples. */
import type { Source } from '../../frostdb/scan/source.ts'
import type { Labels } from '../labels/labels.ts'
import { parseMatchers } from '../labels/selector.ts'
import { parseQuery } from '../profile/query.ts'
import { formatProfileType, type ProfileType } from '../profile/type.ts'
import type { LabelRequest, NanoRange } from './engine.ts'
import { labelsTest, sameType, selectProfiles } from './select.ts'

/** 1 for each series with a profile in the range. A head may know series of which no profile was stored. */
function seriesIn(source: Source, range: NanoRange | null): Uint8Array {
  const there = new Uint8Array(source.series.length)
  const { series, length } = source.profiles
  if (range === null) for (let i = 0; i < length; i++) there[series[i]!] = 1
  else for (const i of selectProfiles(source, there.slice().fill(1), range)) there[series[i]!] = 1
  return there
}

export function profileTypes(sources: readonly Source[], range: NanoRange | null): ProfileType[] {
  const types = new Map<string, ProfileType>()
  for (const source of sources) {
    const there = seriesIn(source, range)
    source.series.forEach(({ type }, i) => {
      if (there[i] === 1) types.set(formatProfileType(type), type)
    })
  }
  return [...types].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, type]) => type)
}

function* labelSets(sources: readonly Source[], request: LabelRequest): Generator<Labels> {
  const matchers = request.matchers.length === 0 ? [] : parseMatchers(request.matchers.join(','))
  const query = request.profileType === null ? null : parseQuery(request.profileType)
  const fits = labelsTest(query === null ? matchers : [...query.matchers, ...matchers])
  for (const source of sources) {
    const there = seriesIn(source, request.range)
    for (const [i, { type, labels }] of source.series.entries()) {
      if (there[i] === 1 && (query === null || sameType(type, query.profileType)) && fits(labels)) yield labels
    }
  }
}

export function labelNames(sources: readonly Source[], request: LabelRequest): string[] {
  const names = new Set<string>()
  for (const labels of labelSets(sources, request)) for (const { name } of labels) names.add(name)
  return [...names].sort()
}

export function labelValues(sources: readonly Source[], label: string, request: LabelRequest): string[] {
  const values = new Set<string>()
  for (const labels of labelSets(sources, request))
    for (const { name, value } of labels) if (name === label) values.add(value)
  return [...values].sort()
}
