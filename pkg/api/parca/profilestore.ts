/** parca.profilestore.v1alpha1.ProfileStoreService: a push is taken whole or not at all. */
import { RequestError } from '../../base/errors.ts'
import type { Clock } from '../../base/ports.ts'
import type { Ingest, IngestLimits, IngestProfile } from '../../ingest/contract.ts'
import type { Label } from '../../labels/labels.ts'
import type { UnaryService } from '../call.ts'
import type { ProfileStoreService, RawProfileSeries } from '../gen/parca/profilestore/v1alpha1/profilestore_pb.js'

export function profileStoreService(
  ingest: Ingest,
  limits: IngestLimits,
  clock: Clock,
): UnaryService<typeof ProfileStoreService> {
  return {
    async writeRaw({ series }) {
      const profiles = series.flatMap(profilesOf)
      if (profiles.length === 0) return {}
      await ingest.ingest(profiles, {
        source: 'push',
        startedMs: clock.now(),
        keepSampleTypes: null,
        durationNanos: null,
        limits,
      })
      return {}
    },

    async writeArrow() {
      throw new RequestError('unimplemented', 'WriteArrow is not implemented; push pprof with WriteRaw')
    },
  }
}

function profilesOf(series: RawProfileSeries, index: number): IngestProfile[] {
  const labels = labelsOf(series, index)
  return series.samples.map(({ rawProfile }, sample) => {
    if (rawProfile.length === 0) throw invalid(index, `sample ${sample}: raw_profile is empty`)
    return { body: rawProfile, labels, place: `series ${index}: sample ${sample}` }
  })
}

function labelsOf(series: RawProfileSeries, index: number): readonly Label[] {
  const labels: Label[] = []
  const seen = new Set<string>()
  for (const { name, value } of series.labels?.labels ?? []) {
    if (name === '') throw invalid(index, 'a label has no name')
    if (seen.has(name)) throw invalid(index, `label "${name}" is given twice`)
    seen.add(name)
    labels.push({ name, value })
  }
  if (!labels.some(label => label.name === '__name__' && label.value !== '')) {
    throw invalid(index, 'label __name__, the name of the profile, is missing')
  }
  return labels
}

function invalid(index: number, problem: string): RequestError {
  return new RequestError('invalid_argument', `series ${index}: ${problem}`)
}
