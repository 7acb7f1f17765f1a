/** The flag table as people read it: `--help`, the rows of `/flags`, and `docs/flags.md`. */
import { type Flag, type FlagKey, IGNORED_FLAGS, type ServeFlags } from './flag-table.ts'
import { entries } from './flags.ts'

export interface FlagRow {
  readonly name: string
  readonly value: string
  readonly fallback: string
  readonly help: string
}

/** The values in force, in the order of the table. */
export function flagRows(flags: ServeFlags): FlagRow[] {
  return entries().map(([key, flag]) => ({
    name: flag.name,
    value: flag.kind.format(flags[key as FlagKey]),
    fallback: fallbackText(flag),
    help: flag.help,
  }))
}

const WIDTH = 100
const INDENT = 6

export function helpText(): string {
  const out = ['Usage: decima serve [flags]', '', 'Collects profiles, keeps them, and answers questions about them.']
  let group = ''
  for (const [, flag] of entries()) {
    if (flag.group !== group) out.push('', `${(group = flag.group)}:`)
    out.push(`  ${forms(flag)}${defaultNote(flag)}`, ...wrap(helpOf(flag)))
  }
  out.push('', 'Others:', '  --help', ...wrap('Print this text.'), '  --version', ...wrap('Print the version.'))
  return `${out.join('\n')}\n`
}

export function flagsMarkdown(): string {
  const out = [
    '# Flags of `decima serve`',
    '',
    'Made from `cmd/decima/flag-table.ts` by `tools/docs.ts`. Write `--flag=value` or `--flag value`; a switch is `--flag`, `--no-flag` or `--flag=false`.',
    'Times read like `30s`, `1h30m`, `30d`; sizes like `256MiB` (powers of two) or plain bytes. What is in force is shown on `/flags`.',
  ]
  let group = ''
  for (const [, flag] of entries()) {
    if (flag.group !== group) {
      group = flag.group
      out.push('', `## ${group}`, '', '| flag | default | meaning |', '|---|---|---|')
    }
    const fallback = fallbackText(flag)
    out.push(`| \`--${flag.name}\` | ${fallback === '' ? '' : `\`${fallback}\``} | ${cell(helpOf(flag))} |`)
  }
  out.push(
    '',
    '## Taken and ignored',
    '',
    'Parca has these too. They mean nothing here: each is warned of once.',
    '',
    '| flag | why |',
    '|---|---|',
    ...IGNORED_FLAGS.map(({ name, reason }) => `| \`--${name}\` | ${cell(reason)} |`),
  )
  return `${out.join('\n')}\n`
}

function forms(flag: Flag<unknown>): string {
  return flag.kind.isSwitch ? `--[no-]${flag.name}` : `--${flag.name}=${flag.kind.placeholder}`
}

function fallbackText(flag: Flag<unknown>): string {
  return flag.kind.format(flag.fallback)
}

function defaultNote(flag: Flag<unknown>): string {
  const fallback = fallbackText(flag)
  return flag.kind.isSwitch || fallback === '' || fallback.length > 40 ? '' : `  (default ${fallback})`
}

function helpOf(flag: Flag<unknown>): string {
  const notes = [flag.help]
  if (flag.notYet === 'always') notes.push('Not available in this version.')
  else if (flag.notYet === 'no effect') notes.push('No effect in this version.')
  else if (flag.notYet.length > 0) notes.push(`Not available in this version: ${flag.notYet.join(', ')}.`)
  if (flag.aliases.length > 0) notes.push(`Also ${flag.aliases.map(a => `\`--${a}\``).join(', ')}.`)
  return notes.join(' ')
}

function wrap(text: string): string[] {
  const lines: string[] = []
  for (const word of text.replaceAll('`', '').split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(`${' '.repeat(INDENT)}${word}`)
  }
  return lines
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
