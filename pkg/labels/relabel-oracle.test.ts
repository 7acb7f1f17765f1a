// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Go templates look like this.
/** Relabelling against Prometheus's own, by way of `promtool check service-discovery`, on random rules and labels. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Label, sortLabels } from './labels.ts'
import { RELABEL_DEFAULTS, type RelabelRule, relabel, validateRule } from './relabel.ts'

const RULE_LISTS = 3
const SEED = 20_260_101

function promtoolMissing(): string | false {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'promtool is not installed (Debian package prometheus)'
  }
}

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const rule: fc.Arbitrary<RelabelRule> = fc
  .record({
    action: fc.constantFrom<RelabelRule['action']>(
      ...(['replace', 'replace', 'replace', 'hashmod', 'labelmap', 'labeldrop', 'lowercase', 'uppercase'] as const),
      ...(['drop', 'dropequal'] as const),
    ),
    sourceLabels: fc.array(name, { minLength: 1, maxLength: 3 }),
    separator: fc.constantFrom(';', '', '-', '.*'),
    regex: fc.constantFrom('(.*)', '(a|b)', '(?P<first>.)(.*)', '.+', '([a-z]*)-?(.*)', '(?i)(ß|x).*', '', '(x)?y?.*'),
    targetLabel: name,
    template: fc.constantFrom('$1', '', 'x', '$first-${2}', '$1x${1}x', '$$1$', '${a', '$0', '$2'),
    modulus: fc.constantFrom(1, 7, 1000),
  })
  .map(r => {
    const base = { ...RELABEL_DEFAULTS, action: r.action }
    const { sourceLabels, separator, regex, targetLabel, modulus } = r
    if (r.action === 'labeldrop') return { ...base, regex: '[de]' }
    if (r.action === 'labelmap') return { ...base, regex: '([abc])', replacement: '${1}m' }
    if (r.action === 'dropequal') return { ...base, sourceLabels, targetLabel }
    if (r.action === 'drop') return { ...base, sourceLabels, regex: 'ab?' }
    if (r.action === 'hashmod') return { ...base, sourceLabels, separator, targetLabel, modulus }
    if (r.action !== 'replace') return { ...base, sourceLabels, separator, targetLabel }
    return { ...base, sourceLabels, separator, regex, targetLabel, replacement: r.template }
  })
const value = fc.constantFrom('', 'a', 'ab', 'x', 'XY', 'straße', 'ǆ-İ', 'y-z', '$1', 'ΟΔΟΣ', 'a b')
const labelSet = fc.dictionary(name, value, { maxKeys: 5, noNullPrototype: true })

function configText(rules: readonly RelabelRule[], targets: readonly Record<string, string>[]): string {
  // JSON is YAML.
  return JSON.stringify({
    scrape_configs: [
      {
        job_name: 'j',
        static_configs: targets.map((labels, i) => ({ targets: [`127.0.0.1:${i + 1}`], labels })),
        relabel_configs: rules.map(r => {
          const written: [string, unknown, unknown][] = [
            ['source_labels', r.sourceLabels, RELABEL_DEFAULTS.sourceLabels],
            ['separator', r.separator, RELABEL_DEFAULTS.separator],
            ['regex', r.regex, RELABEL_DEFAULTS.regex],
            ['modulus', r.modulus, RELABEL_DEFAULTS.modulus],
            ['target_label', r.targetLabel, RELABEL_DEFAULTS.targetLabel],
            ['replacement', r.replacement, RELABEL_DEFAULTS.replacement],
            ['action', r.action, null],
          ]
          return Object.fromEntries(written.filter(([, v, fallback]) => v !== fallback).map(([k, v]) => [k, v]))
        }),
      },
    ],
  })
}

const toLabels = (map: Record<string, string>): Label[] => Object.entries(map).map(([n, v]) => ({ name: n, value: v }))
/** Not one that Prometheus adds by itself. */
const isOurs = ({ name: n }: Label) => /^[a-e]m?$/.test(n)

test('relabels as Prometheus does', { skip: promtoolMissing() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'relabel-'))
  try {
    const lists = fc.sample(fc.array(rule, { minLength: 6, maxLength: 10 }), { numRuns: RULE_LISTS, seed: SEED })
    const targets = fc.sample(labelSet, { numRuns: 60, seed: SEED })
    for (const rules of lists) {
      for (const r of rules) assert.equal(validateRule(r), null)
      const file = join(folder, 'prometheus.yml')
      writeFileSync(file, configText(rules, targets))
      const answer = execFileSync('promtool', ['check', 'service-discovery', '--timeout=1s', file, 'j'], {
        encoding: 'utf8',
      })
      type Row = { discoveredLabels: Record<string, string>; labels: Record<string, string> | null }
      const rows = JSON.parse(answer) as Row[]
      assert.equal(rows.length, targets.length)
      rows.forEach(({ discoveredLabels, labels }) => {
        // The address tells which target it is; the other discovered labels this promtool shows as the rules left them.
        const before = targets[Number(discoveredLabels['__address__']!.split(':')[1]) - 1]!
        const after = relabel(toLabels(before), rules)
        const want = labels === null || Object.keys(labels).length === 0 ? null : toLabels(labels).filter(isOurs)
        assert.deepEqual(after, want && sortLabels(want), JSON.stringify({ rules, before }))
      })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
