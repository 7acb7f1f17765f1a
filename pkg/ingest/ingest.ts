/**
 * The write path, for every protocol: decompress → decode → mend → prune → name, time, label → store. It resolves once the
 * store has the profile on disk. A request is taken whole or not at all: everything that can be refused is refused
 * before the first row is written.
 */

import { crc32 } from 'node:zlib'
import type { ProfileWrite, Writer } from '../../frostdb/writer.ts'
import { RequestError } from '../base/errors.ts'
import type { Clock } from '../base/ports.ts'
import { createDecodeScratch, type DecodeScratch } from '../pprof/arena.ts'
import { decodePprof, type PprofProfile } from '../pprof/decode.ts'
import { decompressBody } from '../pprof/decompress.ts'
import { pruneFrames } from '../pprof/prune.ts'
import type { DecodedProfile } from '../profile/columns.ts'
import type { ProfileType } from '../profile/type.ts'
import type { Ingest, IngestOptions, IngestProfile, IngestResult } from './contract.ts'
import { seriesLabels, splitByLabels } from './labels.ts'
import { mendStrings } from './mend.ts'

export interface IngestSettings {
  readonly writer: Writer
  readonly clock: Clock
  /** Labels of samples that are no labels of a series (`--storage-sample-labels`). */
  readonly sampleLabels: ReadonlySet<string>
  /** Older profiles are not taken; 0 = any age. */
  readonly retentionMs: number
  readonly counters: IngestCounters
}

/** What was mended or left out on the way, shown in `/metrics`. */
export interface IngestCounters {
  profiles: number
  samples: number
  repeated: number
  /** Scraped profiles whose time was missing, ahead or too old: they got the start of the scrape. */
  timesReplaced: number
  stringsCut: number
  stringsMended: number
  labelsDropped: number
  patternsIgnored: number
}

export const createIngestCounters = (): IngestCounters => ({
  profiles: 0,
  samples: 0,
  repeated: 0,
  timesReplaced: 0,
  stringsCut: 0,
  stringsMended: 0,
  labelsDropped: 0,
  patternsIgnored: 0,
})

/** A profile may be this much ahead of the server's clock. */
const AHEAD_MS = 10 * 60_000
/** A request holds all its bodies at once; many small bombs must not come to more than a few large profiles. */
const BODIES_OF_A_REQUEST = 4

export function createIngest(settings: IngestSettings): Ingest {
  const scratch = createDecodeScratch()
  return {
    async ingest(profiles, options) {
      const bodies: Uint8Array[] = []
      const mostBytes = BODIES_OF_A_REQUEST * (options.limits.bodySize || Number.POSITIVE_INFINITY)
      let bytes = 0
      for (const [i, { body }] of profiles.entries()) {
        const raw = await decompressBody(body, options.limits.bodySize).catch(error => refuse(profiles, i, error))
        bytes += raw.length
        if (bytes > mostBytes) {
          const what = `more than ${mostBytes} bytes uncompressed in one request`
          const limit = `${BODIES_OF_A_REQUEST} × --body-size-limit ${options.limits.bodySize}`
          refuse(profiles, i, new RequestError('invalid_argument', `body: ${what} (${limit})`))
        }
        bodies.push(raw)
      }
      let samples = 0
      /** Decoded one after the other into the same memory, as the store pulls them. */
      function* writes(): Generator<ProfileWrite> {
        for (const [i, { labels }] of profiles.entries()) {
          let write: ProfileWrite
          try {
            write = prepare(settings, bodies[i]!, labels, options, scratch)
          } catch (error) {
            refuse(profiles, i, error)
          }
          samples += write.profile.samples.length
          yield write
        }
      }
      const { repeated } = await settings.writer.write(writes())
      settings.counters.profiles += profiles.length - repeated
      settings.counters.samples += samples
      settings.counters.repeated += repeated
      return { samples, repeated } satisfies IngestResult
    },
  }
}

/** Throws the error, which then says whose it is. */
function refuse(profiles: readonly IngestProfile[], index: number, error: unknown): never {
  const place = profiles[index]!.place ?? (profiles.length > 1 ? `profile ${index}` : null)
  if (place === null || !(error instanceof RequestError)) throw error
  throw new RequestError(error.code, `${place}: ${error.message}`, { cause: error })
}

function prepare(
  settings: IngestSettings,
  raw: Uint8Array,
  labels: IngestProfile['labels'],
  options: IngestOptions,
  scratch: DecodeScratch,
): ProfileWrite {
  const { counters } = settings
  const { limits } = options
  const series = seriesLabels(labels, limits)
  const decoded = decodePprof(raw, limits, scratch)
  const { profile: readable, mended } = mendStrings(decoded)
  const { profile, refusedPatterns } = pruneFrames(readable)
  counters.stringsCut += decoded.cutStrings
  counters.stringsMended += mended
  counters.patternsIgnored += refusedPatterns
  const durationNanos = profile.durationNanos > 0n ? profile.durationNanos : (options.durationNanos ?? 0n)
  const split = splitByLabels(profile, series.labels, settings.sampleLabels, limits)
  counters.labelsDropped += series.dropped + split.dropped
  return {
    profile,
    types: profileTypes(profile, series.name, durationNanos > 0n, options),
    series: split.series,
    timeNanos: profileTime(settings, profile, options),
    durationNanos,
    period: profile.period,
    stackDepth: limits.stackDepth,
    repeatKey: profile.timeNanos === 0n ? null : repeatKey(raw, series.key, profile.timeNanos),
  }
}

/** Same labels, same body, same time: 32 bits of checksum, length and time tell apart what one target can send. */
function repeatKey(raw: Uint8Array, key: string, timeNanos: bigint): string {
  return `${crc32(raw).toString(36)}.${raw.length.toString(36)}.${timeNanos.toString(36)} ${key}`
}

function profileTime(settings: IngestSettings, profile: DecodedProfile, options: IngestOptions): bigint {
  const { timeNanos } = profile
  const nowMs = settings.clock.now()
  const timeMs = Number(timeNanos / 1_000_000n)
  const oldest = settings.retentionMs === 0 ? 0 : nowMs - settings.retentionMs
  let wrong: string | null = null
  if (timeNanos === 0n) wrong = 'time_nanos is not set'
  else if (timeNanos < 0n) wrong = `time_nanos ${timeNanos} is before 1970`
  else if (timeMs > nowMs + AHEAD_MS)
    wrong = `time_nanos ${timeNanos} is more than 10 minutes ahead of the server's clock`
  else if (timeMs < oldest) wrong = `time_nanos ${timeNanos} is older than the retention (--storage-retention-time)`
  if (wrong === null) return timeNanos
  if (options.source === 'push') throw new RequestError('invalid_argument', wrong)
  settings.counters.timesReplaced++
  return BigInt(Math.floor(options.startedMs)) * 1_000_000n
}

function profileTypes(
  profile: PprofProfile,
  name: string,
  delta: boolean,
  options: IngestOptions,
): ProfileWrite['types'] {
  const text = stringReader(profile)
  const periodType = text(profile.periodType.type)
  const periodUnit = text(profile.periodType.unit)
  const types = profile.sampleTypes.map(({ type, unit }, value) => ({
    type: { name, sampleType: text(type), sampleUnit: text(unit), periodType, periodUnit, delta },
    value,
  }))
  const keep = options.keepSampleTypes
  const kept =
    keep === null
      ? types
      : types.filter(({ type: t }) => keep.some(k => k.type === t.sampleType && k.unit === t.sampleUnit))
  for (const { type } of kept) checkParts(type)
  if (kept.length === 0) {
    const have = types.map(({ type: t }) => `${t.sampleType}/${t.sampleUnit}`).join(', ')
    throw new RequestError(
      'invalid_argument',
      types.length === 0
        ? 'the profile has no sample types'
        : `keep_sample_type keeps none of the profile's sample types (${have})`,
    )
  }
  return kept
}

/** A type is asked for by its parts with colons between them. */
function checkParts({ name, sampleType, sampleUnit, periodType, periodUnit }: ProfileType): void {
  for (const [what, text] of Object.entries({
    __name__: name,
    'sample type': sampleType,
    'sample unit': sampleUnit,
    'period type': periodType,
    'period unit': periodUnit,
  })) {
    if (/[:\0]/.test(text)) {
      throw new RequestError('invalid_argument', `${what} ${JSON.stringify(text)} holds a colon or NUL`)
    }
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

function stringReader({ strings }: DecodedProfile): (string: number) => string {
  return i => decoder.decode(strings.bytes.subarray(strings.start[i]!, strings.end[i]!))
}
