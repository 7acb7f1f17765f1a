/** What scraping needs from the rest of the server and what it shows to it. Declared here, provided by who wires the server. */
import type { Label, Labels } from '../pkg/labels/labels.ts'
import type { ScrapeOutcome } from './outcome.ts'

/** The write path as scraping sees it. Resolves once the profile is durable; rejects with `RequestError`. */
export interface Ingest {
  /** `body` is the pprof as it was received, perhaps compressed. It is not kept after the promise settles. */
  ingest(body: Uint8Array, meta: ProfileMeta): Promise<{ readonly samples: number }>
}

export interface ProfileMeta {
  /** The target's public labels and `__name__`. */
  readonly labels: readonly Label[]
  /** When the request was sent, unix ms. */
  readonly startedMs: number
  /** The seconds that were asked for; null when the profile is of a point in time. */
  readonly durationNanos: bigint | null
  readonly keepSampleTypes: readonly { readonly type: string; readonly unit: string }[] | null
  readonly limits: ProfileLimits
}

/** Limits of one profile; 0 = none. */
export interface ProfileLimits {
  readonly bodySize: number // bytes after decompression
  readonly samples: number
  readonly stackDepth: number
  readonly labels: number
  readonly labelNameLength: number
  readonly labelValueLength: number
  readonly strings: number
  readonly stringLength: number
}

/** What is counted. Every method is cheap and does not throw. */
export interface ScrapeMetrics {
  scrapeEnded(event: ScrapeEvent): void
  /** Since the start of the previous scrape of the same loop. */
  intervalPassed(configuredMs: number, actualMs: number): void
  /** Targets of a pool were brought in line with what was discovered. */
  poolSynced(job: string, tookMs: number): void
  /** A changed configuration took effect in a pool. */
  poolReloaded(configuredIntervalMs: number, tookMs: number): void
  /** Targets that could not be made of what was discovered. */
  targetsFailed(job: string, count: number): void
}

export interface ScrapeEvent {
  readonly job: string
  readonly profileName: string
  readonly outcome: ScrapeOutcome['kind']
  /** From the request to its answer. */
  readonly tookMs: number
  readonly latenessMs: number
  /** As received; 0 when there is none. */
  readonly bodyBytes: number
  readonly samples: number
  /** What went wrong; empty when nothing did. */
  readonly error: string
}

export type TargetHealth = 'unknown' | 'up' | 'down'

/** One target and profile type as shown to users. */
export interface TargetView {
  readonly job: string
  /** Before relabelling. */
  readonly discoveredLabels: Labels
  /** Public labels with `__name__`. */
  readonly labels: Labels
  readonly scrapeUrl: string
  readonly health: TargetHealth
  /** Of the last scrape; empty after a good one. */
  readonly lastError: string
  /** Start of the last scrape, unix ms; null before the first. */
  readonly lastScrapeMs: number | null
  /** From the request until the profile was durable. */
  readonly lastScrapeDurationSeconds: number
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Of a delta type: seconds profiled, and wall seconds from the first request to the last answer. */
  readonly profiledSeconds: number
  readonly watchedSeconds: number
}

export interface DroppedTargetView {
  readonly job: string
  readonly discoveredLabels: Labels
}

/** All targets at one moment. */
export interface TargetsView {
  readonly active: readonly TargetView[]
  readonly dropped: readonly DroppedTargetView[]
  /** Dropped targets in all, the ones no longer remembered included. */
  readonly droppedCount: number
}
