/**
 * Relabelling, rule by rule as Prometheus does it: a list of rules turns the labels of a target into others, or drops it.
 *
 * Labels that a rule sets come after those that were there, which decides who wins when `labelmap` gives one name to two.
 */
import type { RE2JS } from 're2js'
import { assertNever } from '../base/assert.ts'
import { lowerCase, upperCase } from './case.ts'
import { expandTemplate, type GroupSource } from './expand.ts'
import { hashmod } from './hashmod.ts'
import { type Label, type Labels, sortLabels } from './labels.ts'
import { compilePattern } from './pattern.ts'
import { RELABEL_DEFAULTS, type RelabelRule } from './rule.ts'

export { RELABEL_ACTIONS, RELABEL_DEFAULTS, type RelabelAction, type RelabelRule, validateRule } from './rule.ts'

/** The labels after all rules, or null when one of them drops the target. Rules must be valid (`validateRule`). */
export function relabel(labels: Iterable<Label>, rules: readonly RelabelRule[]): Labels | null {
  const draft = new Draft(labels)
  for (const rule of rules) if (!applyRule(draft, rule)) return null
  return sortLabels(draft.all())
}

/** Labels in the making: those that came, then those that were set, in that order. */
class Draft {
  readonly #base: Map<string, string>
  readonly #added = new Map<string, string>()

  constructor(labels: Iterable<Label>) {
    this.#base = new Map(sortLabels(labels).map(l => [l.name, l.value]))
  }

  get(name: string): string {
    return this.#added.get(name) ?? this.#base.get(name) ?? ''
  }

  /** Setting the empty value removes the label. */
  set(name: string, value: string): void {
    this.#base.delete(name)
    if (value === '') this.#added.delete(name)
    else this.#added.set(name, value)
  }

  /** A copy, so that it can be walked while labels change. */
  all(): Label[] {
    return [...this.#base, ...this.#added].map(([name, value]) => ({ name, value }))
  }
}

/** False drops the target. */
function applyRule(draft: Draft, rule: RelabelRule): boolean {
  const { action, targetLabel } = rule
  const value = rule.sourceLabels.map(name => draft.get(name)).join(rule.separator)
  switch (action) {
    case 'keep':
      return matches(rule, value)
    case 'drop':
      return !matches(rule, value)
    case 'keepequal':
      return draft.get(targetLabel) === value
    case 'dropequal':
      return draft.get(targetLabel) !== value
    case 'replace':
      replace(draft, rule, value)
      return true
    case 'lowercase':
      draft.set(targetLabel, lowerCase(value))
      return true
    case 'uppercase':
      draft.set(targetLabel, upperCase(value))
      return true
    case 'hashmod':
      draft.set(targetLabel, hashmod(value, rule.modulus))
      return true
    case 'labelmap':
      for (const label of draft.all()) {
        const groups = matchGroups(rule, label.name)
        const name = groups === null ? '' : expandTemplate(rule.replacement, groups)
        if (name !== '') draft.set(name, label.value)
      }
      return true
    case 'labeldrop':
      for (const label of draft.all()) if (matches(rule, label.name)) draft.set(label.name, '')
      return true
    case 'labelkeep':
      for (const label of draft.all()) if (!matches(rule, label.name)) draft.set(label.name, '')
      return true
    default:
      return assertNever(action)
  }
}

function replace(draft: Draft, rule: RelabelRule, value: string): void {
  const groups = matchGroups(rule, value)
  if (groups === null) return
  const target = expandTemplate(rule.targetLabel, groups)
  if (target === '') return
  draft.set(target, expandTemplate(rule.replacement, groups))
}

const compiled = new WeakMap<RelabelRule, RE2JS>()

function patternOf(rule: RelabelRule): RE2JS {
  let pattern = compiled.get(rule)
  if (pattern === undefined) compiled.set(rule, (pattern = compilePattern(rule.regex)))
  return pattern
}

function matches(rule: RelabelRule, text: string): boolean {
  return rule.regex === RELABEL_DEFAULTS.regex || patternOf(rule).test(text)
}

function matchGroups(rule: RelabelRule, text: string): GroupSource | null {
  // The default pattern takes everything as group 1.
  if (rule.regex === RELABEL_DEFAULTS.regex) return { group: i => (i <= 1 ? text : null), indexOf: () => -1 }
  const pattern = patternOf(rule)
  const match = pattern.matcher(text)
  if (!match.matches()) return null
  const names = pattern.namedGroups() as Readonly<Record<string, number>>
  return {
    group: i => (i <= pattern.groupCount() ? match.group(i) : null),
    indexOf: name => (Object.hasOwn(names, name) ? names[name]! : -1),
  }
}
