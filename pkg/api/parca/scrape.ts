/** parca.scrape.v1alpha1.ScrapeService: one entry per target and profile type, by job. */
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Labels } from '../../labels/labels.ts'
import type { UnaryService } from '../call.ts'
import type { ScrapeTarget, ScrapeView } from '../contract.ts'
import {
  Target_Health as Health,
  type ScrapeService,
  TargetsRequest_State as State,
  type TargetSchema,
} from '../gen/parca/scrape/v1alpha1/scrape_pb.js'
import { durationOfSeconds, timestampOfMs } from './time.ts'

type TargetInit = MessageInitShape<typeof TargetSchema>

const HEALTH: Readonly<Record<ScrapeTarget['health'], Health>> = {
  up: Health.GOOD,
  down: Health.BAD,
  unknown: Health.UNKNOWN_UNSPECIFIED,
}

export function scrapeService(scrape: ScrapeView): UnaryService<typeof ScrapeService> {
  return {
    async targets({ state }) {
      const byJob = new Map<string, TargetInit[]>()
      const entries = (job: string) => byJob.get(job) ?? byJob.set(job, []).get(job)!
      if (state !== State.DROPPED) {
        for (const pool of scrape.pools()) entries(pool.name).push(...pool.targets.map(targetOf))
      }
      if (state !== State.ACTIVE) {
        for (const { job, discoveredLabels } of scrape.dropped()) {
          entries(job).push({ discoveredLabels: labelSetOf(discoveredLabels), labels: { labels: [] } })
        }
      }
      return { targets: Object.fromEntries([...byJob].map(([job, targets]) => [job, { targets }])) }
    },
  }
}

function targetOf(target: ScrapeTarget): TargetInit {
  return {
    discoveredLabels: labelSetOf(target.discoveredLabels),
    labels: labelSetOf(target.labels),
    lastError: target.lastError,
    ...(target.lastScrapeMs !== null && { lastScrape: timestampOfMs(target.lastScrapeMs) }),
    lastScrapeDuration: durationOfSeconds(target.lastScrapeDurationSeconds),
    url: target.scrapeUrl,
    health: HEALTH[target.health],
  }
}

function labelSetOf(labels: Labels) {
  return { labels: labels.map(label => ({ ...label })) }
}
