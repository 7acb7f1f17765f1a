/** `decima check config FILE…`: what is wrong with a configuration, without starting anything. */
import { UsageError } from './flags.ts'
import { readConfig } from './settings.ts'

/** Prints one line a finding; 1 when a file has errors, 3 with `--lint` when one has warnings. */
export function check(argv: readonly string[]): number {
  const [what, ...rest] = argv
  if (what !== 'config') throw new UsageError('usage: decima check config [--lint] [FILE…]')
  const files = rest.filter(a => a !== '--lint')
  const strange = files.find(a => a.startsWith('-'))
  if (strange !== undefined) throw new UsageError(`unknown flag ${strange} of check config`)
  let worst = 0
  for (const file of files.length === 0 ? ['parca.yaml'] : files) {
    try {
      const { config, warnings } = readConfig(file)
      for (const warning of warnings) console.error(warning)
      console.log(`${file}: ${config.scrapeConfigs.length} scrape configs, ${warnings.length} warnings`)
      if (warnings.length > 0 && rest.includes('--lint')) worst = Math.max(worst, 3)
    } catch (error) {
      console.error((error as Error).message)
      worst = 1
    }
    if (worst === 1) break
  }
  return worst
}
