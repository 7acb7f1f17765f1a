/**
 * The command line of `decima serve`, read by the table in `flag-table.ts`: `--flag=value`, `--flag value`, and for a switch
 * `--flag`, `--no-flag`, `--flag=false`. What is wrong is a `UsageError`; what is odd is a warning.
 */
import { didYouMean } from '../../pkg/config/suggest.ts'
import { FLAGS, type Flag, type FlagKey, IGNORED_FLAGS, type IgnoredFlag, type ServeFlags } from './flag-table.ts'

export type { FlagKey, ServeFlags } from './flag-table.ts'

/** The command line is wrong: exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

export interface ParsedFlags {
  readonly flags: ServeFlags
  /** Keys that the command line sets, whatever their value. */
  readonly explicit: ReadonlySet<FlagKey>
  readonly warnings: readonly string[]
  /** `--help` or `--version` is there: nothing else counts then. */
  readonly asked: 'help' | 'version' | null
}

/** Arguments without the subcommand. Throws `UsageError`. */
export function parseFlags(argv: readonly string[]): ParsedFlags {
  const values = defaultFlags() as Record<FlagKey, unknown>
  const explicit = new Set<FlagKey>()
  const warnings = new Map<string, string>()
  const asked = askedFor(argv)
  for (let i = 0; asked === null && i < argv.length; i++) {
    const argument = argv[i]!
    if (!argument.startsWith('--') || argument === '--')
      throw new UsageError(`unexpected argument ${JSON.stringify(argument)}`)
    const equals = argument.indexOf('=')
    const typed = argument.slice(2, equals < 0 ? undefined : equals)
    const found = find(typed)
    if (found === null) throw new UsageError(`unknown flag --${typed}${suggestion(typed)}`)

    let value: string
    if (equals >= 0) value = argument.slice(equals + 1)
    else if (found.isSwitch) value = 'true'
    else if (argv[i + 1]?.startsWith('--') === false) value = argv[++i]!
    else throw new UsageError(`--${typed} needs a value`)

    if (found.kind === 'ignored') {
      warnings.set(found.flag.name, `--${found.flag.name} is ignored: ${found.flag.reason}`)
      continue
    }
    const parsed = parseValue(found.flag, typed, found.negated ? negate(value) : value)
    const { key } = found
    if (found.flag.notYet === 'no effect')
      warnings.set(found.flag.name, `--${found.flag.name} has no effect in this version`)
    values[key] = found.flag.kind.isList && explicit.has(key) ? [...(values[key] as []), ...(parsed as [])] : parsed
    explicit.add(key)
  }
  return { flags: values as ServeFlags, explicit, warnings: [...warnings.values()], asked }
}

export function defaultFlags(): ServeFlags {
  return Object.fromEntries(entries().map(([key, flag]) => [key, flag.fallback])) as ServeFlags
}

/** The table in its order. */
export function entries(): [FlagKey, Flag<unknown>][] {
  return Object.entries(FLAGS) as [FlagKey, Flag<unknown>][]
}

type Found =
  | {
      readonly kind: 'flag'
      readonly key: FlagKey
      readonly flag: Flag<unknown>
      readonly isSwitch: boolean
      readonly negated: boolean
    }
  | { readonly kind: 'ignored'; readonly flag: IgnoredFlag; readonly isSwitch: boolean }

const BY_NAME = new Map<string, Found>()
for (const [key, flag] of entries())
  for (const name of [flag.name, ...flag.aliases]) {
    const { isSwitch } = flag.kind
    BY_NAME.set(name, { kind: 'flag', key, flag, isSwitch, negated: false })
    if (isSwitch) BY_NAME.set(`no-${name}`, { kind: 'flag', key, flag, isSwitch, negated: true })
  }
for (const flag of IGNORED_FLAGS) {
  BY_NAME.set(flag.name, { kind: 'ignored', flag, isSwitch: flag.isSwitch })
  if (flag.isSwitch) BY_NAME.set(`no-${flag.name}`, { kind: 'ignored', flag, isSwitch: true })
}

function find(name: string): Found | null {
  return BY_NAME.get(name) ?? null
}

function askedFor(argv: readonly string[]): 'help' | 'version' | null {
  if (argv.some(a => a === '--help' || a === '-h')) return 'help'
  return argv.some(a => a === '--version' || a === '--version=true') ? 'version' : null
}

function parseValue(flag: Flag<unknown>, typed: string, value: string): unknown {
  const parsed = flag.kind.parse(value)
  if (parsed === undefined)
    throw new UsageError(`--${typed} must be ${flag.kind.expected}, got ${JSON.stringify(value)}`)
  if (flag.notYet === 'no effect') return parsed
  if (flag.notYet === 'always') throw new UsageError(`--${typed} is not available in this version`)
  if (flag.notYet.includes(value)) throw new UsageError(`--${typed}=${value} is not available in this version`)
  return parsed
}

function negate(value: string): string {
  return value === 'true' ? 'false' : value === 'false' ? 'true' : value
}

function suggestion(typed: string): string {
  return didYouMean(typed, BY_NAME.keys()).replace('"', '"--')
}
