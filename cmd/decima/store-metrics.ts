/** What the store and the write path say of themselves in `/metrics`. */
import type { Store } from '../../frostdb/store.ts'
import type { IngestCounters } from '../../pkg/ingest/ingest.ts'
import type { Metrics } from '../../pkg/telemetry/metrics.ts'

export function createStoreMetrics(metrics: Metrics, store: Store, counters: IngestCounters): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    metrics.gauge({ name, help, collect: g => g.set(read()) })
  }
  gauge('decima_ready', '1 once the log is replayed.', () => 1)
  gauge('decima_store_writable', '0 while the store takes no writes: the disk is full or failing.', () =>
    store.status.writable ? 1 : 0,
  )
  gauge('decima_frostdb_head_series', 'Series in the head.', () => store.status.headSeries)
  gauge('decima_frostdb_head_profiles', 'Profiles in the head, one per profile type.', () => store.status.headProfiles)
  gauge('decima_frostdb_head_samples', 'Rows in the head.', () => store.status.headSamples)
  gauge('decima_frostdb_head_bytes', 'Memory of the head.', () => store.status.headBytes)
  gauge('decima_frostdb_blocks', 'Blocks on the local disk.', () => store.status.blocks.length)
  gauge('decima_frostdb_blocks_bytes', 'Bytes of the blocks on the local disk.', () =>
    store.status.blocks.reduce((n, b) => n + b.bytes, 0),
  )
  gauge(
    'decima_frostdb_wal_replay_duration_seconds',
    'How long the last replay took.',
    () => store.status.replay.tookMs / 1000,
  )
  gauge(
    'decima_frostdb_wal_corruptions_total',
    'Damaged records met at the last replay.',
    () => store.status.replay.damaged,
  )
  gauge(
    'decima_frostdb_wal_lost_profiles',
    'Profiles lost with damaged records at the last replay.',
    () => store.status.replay.lostProfiles,
  )
  const total = (name: string, help: string, read: () => number): void => {
    metrics.counter({ name, help, total: read })
  }
  total('decima_frostdb_wal_records_total', 'Records written to the log.', () => store.status.wal.records)
  total(
    'decima_frostdb_wal_syncs_total',
    'Syncs of the log: each covers all records of one group.',
    () => store.status.wal.syncs,
  )
  total('decima_frostdb_wal_written_bytes_total', 'Bytes written to the log.', () => store.status.wal.bytes)
  total('decima_frostdb_wal_failures_total', 'Writes or syncs of the log that failed.', () => store.status.wal.failures)
  total('decima_frostdb_flushes_total', 'Heads that became blocks.', () => store.status.flushes)
  total(
    'decima_frostdb_flush_failures_total',
    'Flushes that failed and are tried again.',
    () => store.status.flushFailures,
  )
  total('decima_ingest_profiles_total', 'Profiles taken.', () => counters.profiles)
  total('decima_ingest_samples_total', 'Samples of the profiles taken.', () => counters.samples)
  total(
    'decima_ingest_repeated_total',
    'Profiles not stored again, as they were the same as one of the last ten minutes.',
    () => counters.repeated,
  )
  total(
    'decima_ingest_times_replaced_total',
    'Scraped profiles whose time was missing, ahead, or too old.',
    () => counters.timesReplaced,
  )
  total(
    'decima_ingest_series_demoted_total',
    'Label sets stored without the labels of their samples, as the head had too many series.',
    () => store.status.demoted,
  )
  total('decima_ingest_strings_cut_total', 'Strings cut to --string-length-limit.', () => counters.stringsCut)
  total('decima_ingest_strings_mended_total', 'Strings that were not UTF-8.', () => counters.stringsMended)
  total(
    'decima_ingest_labels_dropped_total',
    'Reserved labels, and labels of samples, that were not kept.',
    () => counters.labelsDropped,
  )
  total(
    'decima_ingest_patterns_ignored_total',
    'drop_frames and keep_frames that are no regular expression.',
    () => counters.patternsIgnored,
  )
}
