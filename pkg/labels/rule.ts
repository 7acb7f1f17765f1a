/**
 * One relabelling rule as Prometheus defines it, with its defaults filled in, and what makes a rule valid.
 * How a rule is applied is in `relabel.ts`.
 */
import { patternError } from './pattern.ts'

export const RELABEL_ACTIONS = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
] as const
export type RelabelAction = (typeof RELABEL_ACTIONS)[number]

export interface RelabelRule {
  readonly action: RelabelAction
  /** Their values, joined by the separator, are what the rule looks at; an absent label counts as empty. */
  readonly sourceLabels: readonly string[]
  readonly separator: string
  /** RE2 source as written; it must match the whole value, `.` matches a newline too. */
  readonly regex: string
  /** hashmod only; 0 = not set. */
  readonly modulus: number
  /** Empty = not set. In `replace` a template, like the replacement. */
  readonly targetLabel: string
  readonly replacement: string
}

export const RELABEL_DEFAULTS: RelabelRule = {
  action: 'replace',
  sourceLabels: [],
  separator: ';',
  regex: '(.*)',
  modulus: 0,
  targetLabel: '',
  replacement: '$1',
}

const NEEDS_TARGET: readonly RelabelAction[] = [
  'replace',
  'hashmod',
  'lowercase',
  'uppercase',
  'keepequal',
  'dropequal',
]
const NO_REPLACEMENT: readonly RelabelAction[] = ['lowercase', 'uppercase', 'keepequal', 'dropequal']

/** What is wrong with a rule, naming the key to mend; null when it is valid. */
export function validateRule(rule: RelabelRule): { readonly key: string; readonly message: string } | null {
  const { action } = rule
  if (!RELABEL_ACTIONS.includes(action)) return { key: 'action', message: `unknown relabel action "${action}"` }
  const regexError = patternError(rule.regex)
  if (regexError !== null) return { key: 'regex', message: `regex "${rule.regex}" is not valid: ${regexError.message}` }
  if (action === 'hashmod' && !(Number.isSafeInteger(rule.modulus) && rule.modulus > 0))
    return { key: 'modulus', message: 'relabel action hashmod needs a modulus above 0' }
  if (NEEDS_TARGET.includes(action) && rule.targetLabel === '')
    return { key: 'target_label', message: `relabel action ${action} needs a target_label` }
  if (NO_REPLACEMENT.includes(action) && rule.replacement !== RELABEL_DEFAULTS.replacement)
    return { key: 'replacement', message: `relabel action ${action} takes no replacement` }
  if (action === 'labelmap' && rule.replacement === '')
    return { key: 'replacement', message: 'the replacement of relabel action labelmap must be a label name' }
  if (action === 'labeldrop' || action === 'labelkeep') return onlyKeys(rule, ['regex'])
  if (action === 'keepequal' || action === 'dropequal') return onlyKeys(rule, ['source_labels', 'target_label'])
  return null
}

function onlyKeys(rule: RelabelRule, allowed: readonly string[]): { key: string; message: string } | null {
  const written: Record<string, boolean> = {
    source_labels: rule.sourceLabels.length > 0,
    separator: rule.separator !== RELABEL_DEFAULTS.separator,
    regex: rule.regex !== RELABEL_DEFAULTS.regex,
    modulus: rule.modulus !== 0,
    target_label: rule.targetLabel !== '',
    replacement: rule.replacement !== RELABEL_DEFAULTS.replacement,
  }
  for (const [key, isWritten] of Object.entries(written))
    if (isWritten && !allowed.includes(key))
      return { key, message: `relabel action ${rule.action} takes only ${allowed.join(' and ')}, not ${key}` }
  return null
}
