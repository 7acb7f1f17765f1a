/** What a protocol hands to the write path, and what it gets back once the profile is on disk. */
import type { Label } from '../labels/labels.ts'

export interface IngestProfile {
  /** Body as received: pprof, raw or gzip (several members) or zstd. Not kept after the promise settles. */
  readonly body: Uint8Array
  /** Labels of the series with `__name__` (the profile's name). Any order; other names beginning with `__` are dropped, and counted. */
  readonly labels: readonly Label[]
  /** Where it stood in the request, for errors. Default: `profile <row>` when there are several. */
  readonly place?: string
}

export interface IngestOptions {
  readonly source: 'scrape' | 'push'
  /** When the scrape began, unix ms: the time of a profile that brings none. */
  readonly startedMs: number
  /** Only these sample types are kept (scrape's keep_sample_type); null keeps all. */
  readonly keepSampleTypes: readonly { readonly type: string; readonly unit: string }[] | null
  /** Whether the values cover a duration even if the profile does not say one: seconds asked for, else null. */
  readonly durationNanos: bigint | null
  readonly limits: IngestLimits
}

/** INTERFACE "Limits". 0 = none. */
export interface IngestLimits {
  readonly bodySize: number // bytes after decompression
  readonly samples: number
  readonly stackDepth: number
  readonly labels: number
  readonly labelNameLength: number
  readonly labelValueLength: number
  readonly strings: number
  readonly stringLength: number
}

export interface IngestResult {
  /** pprof samples in the bodies. */
  readonly samples: number
  /** Profiles not stored again because they are an identical repeat. */
  readonly repeated: number
}

/** The write path: decode, normalize, append, and durable before it resolves. Whole or not at all; rejects with `RequestError`. */
export interface Ingest {
  ingest(profiles: readonly IngestProfile[], options: IngestOptions): Promise<IngestResult>
}
