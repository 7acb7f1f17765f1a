/** A snapshot of the store as sources. A thread keeps one opener for its life: blocks stay open while a snapshot has them. */
import { DECODED_BYTES, type OpenBlock, openBlock } from '../block/open.ts'
import { createPageCache } from '../block/page-cache.ts'
import { forgetHeads, headSource, type SeriesCache } from './head-source.ts'
import type { Snapshot } from './snapshot.ts'
import type { Reads, Source } from './source.ts'

export interface Opener {
  /** Sources of the snapshot, blocks first, oldest first. A block whose index was open already counts as a cache hit. */
  open(snapshot: Snapshot, reads: Reads): Source[]
  close(): void
}

export function createOpener(): Opener {
  const blocks = new Map<string, OpenBlock>()
  const pages = createPageCache(DECODED_BYTES)
  const series: SeriesCache = new Map()
  return {
    open(snapshot, reads) {
      const there = new Set(snapshot.blocks.map(b => b.ulid))
      for (const [ulid, block] of blocks) {
        if (there.has(ulid)) continue
        block.close()
        blocks.delete(ulid)
      }
      forgetHeads(series, snapshot.heads)
      const opened = snapshot.blocks.map(({ ulid, directory }) => {
        let block = blocks.get(ulid)
        if (block === undefined) blocks.set(ulid, (block = openBlock(directory, ulid, reads, pages)))
        else reads.cacheHits++
        return block.source
      })
      return [...opened, ...snapshot.heads.map(view => headSource(view, series))]
    },
    close() {
      for (const block of blocks.values()) block.close()
      blocks.clear()
    },
  }
}
