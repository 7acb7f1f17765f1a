/** The scrape manager's view as the API shows it: a pool per job of the configuration. */
import type { ScrapeView } from '../../pkg/api/contract.ts'
import type { Config } from '../../pkg/config/types.ts'
import { formatDuration } from '../../pkg/config/units.ts'
import type { TargetsView } from '../../scrape/contract.ts'

export function scrapeView(view: () => TargetsView, config: () => Config): ScrapeView {
  return {
    pools() {
      const { active } = view()
      return config().scrapeConfigs.map(({ jobName }) => ({
        name: jobName,
        targets: active
          .filter(target => target.job === jobName)
          .map(target => ({
            ...target,
            scrapeInterval: formatDuration(target.intervalMs),
            scrapeTimeout: formatDuration(target.timeoutMs),
          })),
      }))
    },
    dropped: () => view().dropped,
  }
}
