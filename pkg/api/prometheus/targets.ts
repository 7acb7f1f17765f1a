/** `/api/v1/targets` in Prometheus's shape: one entry per target and profile type. */
import type { Labels } from '../../labels/labels.ts'
import type { ScrapeTarget, ScrapeView } from '../contract.ts'
import { type Handler, queryOf } from '../http.ts'

export function targetsHandlers(scrape: ScrapeView) {
  return {
    'GET /api/v1/targets'(request, response) {
      const params = queryOf(request)
      const state = (params.get('state') ?? 'any').toLowerCase()
      const pool = params.get('scrapePool')
      const wanted = (job: string) => pool === null || pool === '' || pool === job
      const active = scrape
        .pools()
        .filter(({ name }) => wanted(name))
        .flatMap(({ name, targets }) => targets.map(target => activeTarget(name, target)))
      const dropped = scrape.dropped().filter(({ job }) => wanted(job))
      const counts: Record<string, number> = {}
      for (const { job } of dropped) counts[job] = (counts[job] ?? 0) + 1
      response.json({
        status: 'success',
        data: {
          activeTargets: state === 'dropped' ? [] : active,
          droppedTargets:
            state === 'active'
              ? []
              : dropped.map(({ job, discoveredLabels }) => ({
                  discoveredLabels: objectOf(discoveredLabels),
                  scrapePool: job,
                })),
          droppedTargetCounts: counts,
        },
      })
    },
  } satisfies Record<string, Handler>
}

const NEVER = '0001-01-01T00:00:00Z'

function activeTarget(scrapePool: string, target: ScrapeTarget) {
  return {
    discoveredLabels: objectOf(target.discoveredLabels),
    labels: objectOf(target.labels),
    scrapePool,
    scrapeUrl: target.scrapeUrl,
    globalUrl: target.scrapeUrl,
    lastError: target.lastError,
    lastScrape: target.lastScrapeMs === null ? NEVER : new Date(target.lastScrapeMs).toISOString(),
    lastScrapeDuration: target.lastScrapeDurationSeconds,
    health: target.health,
    scrapeInterval: target.scrapeInterval,
    scrapeTimeout: target.scrapeTimeout,
  }
}

function objectOf(labels: Labels): Record<string, string> {
  return Object.fromEntries(labels.map(({ name, value }) => [name, value]))
}
