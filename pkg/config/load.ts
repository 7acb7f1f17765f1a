/**
 * `parca.yaml` from text to `Config`. Strict: every unknown key, wrong value and duplicate is an error with its place, and
 * all of them are reported at once. What is odd but works is a warning.
 */
import { readObjectStorage } from './object-storage.ts'
import { ConfigErrors, Problems } from './problems.ts'
import { MapReader } from './reader.ts'
import { readScrapeConfig } from './scrape.ts'
import { readTree } from './tree.ts'
import type { Config, ScrapeConfig } from './types.ts'

export interface LoadedConfig {
  readonly config: Config
  /** Each as `file:line:column: message`. */
  readonly warnings: readonly string[]
}

/** `file` is the path as the user gave it: errors carry it, and files named inside are relative to its folder. */
export function loadConfig(text: string, { file }: { readonly file: string }): LoadedConfig {
  const problems = new Problems(file)
  const tree = readTree(text, problems)
  if (tree === null || tree.kind !== 'map') {
    // Where YAML itself is broken, that is what there is to say.
    problems.throwIfAny()
    const message = tree === null ? 'the configuration is empty' : 'the configuration must be a map with scrape_configs'
    throw new ConfigErrors(file, [{ place: tree?.place ?? { line: 1, column: 1 }, message }])
  }

  const top = new MapReader(tree, problems)
  const config: Config = { objectStorage: readObjectStorage(top, file), scrapeConfigs: readScrapeConfigs(top, file) }
  top.refuse('global', 'there is no global section: scrape_interval, scrape_timeout and limits belong to each job')
  top.refuse('scrape_config_files', 'scrape_config_files is not available in this version')
  top.finish()
  problems.throwIfAny()
  return { config, warnings: problems.warnings() }
}

function readScrapeConfigs(top: MapReader, file: string): ScrapeConfig[] {
  const jobs = top.maps('scrape_configs')
  const configs = jobs.map(job => readScrapeConfig(job, file))
  const seen = new Set<string>()
  const repeated = new Set<string>()
  let place = top.place()
  configs.forEach(({ jobName }, i) => {
    if (jobName !== '' && seen.has(jobName)) {
      if (repeated.size === 0) place = jobs[i]!.place('job_name')
      repeated.add(jobName)
    }
    seen.add(jobName)
  })
  if (repeated.size > 0) {
    const names = [...repeated].join(', ')
    top.problems.error(place, `ScrapeConfigs: duplicate job_name found in scrape configs: ${names}.`)
  }
  return configs
}
