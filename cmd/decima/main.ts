/** `decima`: the subcommands. Exit codes: 0 clean · 1 configuration, data or lock · 2 usage · 3 findings of `check --lint`. */
import { check } from './check.ts'
import { UsageError } from './flags.ts'
import { serve } from './serve.ts'
import { VERSION } from './version.ts'

const USAGE = `Usage: decima <command> [flags]

  serve          collect, keep and answer (the default); serve --help lists its flags
  check config   read a configuration file and say what is wrong with it
  version        print the version
`

async function main(argv: readonly string[]): Promise<number> {
  const [command = 'serve', ...rest] = argv
  if (command === 'serve') return await serve(rest)
  if (command === 'version' || command === '--version') {
    console.log(`decima ${VERSION} (node ${process.version})`)
    return 0
  }
  if (command === 'help' || command === '--help' || command === '-h') {
    console.log(USAGE)
    return 0
  }
  if (command === 'check') return check(rest)
  if (command.startsWith('--')) return await serve(argv)
  throw new UsageError(`unknown command ${JSON.stringify(command)}\n\n${USAGE}`)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = error instanceof UsageError ? 2 : 1
}
