import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProfilingTarget, ScrapeConfig, TargetGroup } from '../pkg/config/types.ts'
import { labelValue } from '../pkg/labels/labels.ts'
import { RELABEL_DEFAULTS, type RelabelRule } from '../pkg/labels/relabel.ts'
import { makeTarget, requestUrl, type Target } from './target.ts'
import { aConfig, allocs, cpu, group } from './testing.ts'

const rule = (r: Partial<RelabelRule>): RelabelRule => ({ ...RELABEL_DEFAULTS, ...r })
const set = (targetLabel: string, replacement: string) => rule({ targetLabel, replacement })

function make(
  options: { config?: Partial<ScrapeConfig>; address?: string; profile?: ProfilingTarget; group?: TargetGroup } = {},
): Target {
  const { config = {}, address = '10.0.0.7:6060', profile = cpu } = options
  const made = makeTarget(address, options.group ?? group(), profile, aConfig(config), '127.0.0.1:7070')
  assert.equal(made.kind, 'target', JSON.stringify(made))
  return (made as { target: Target }).target
}

const text = (target: Target) => target.profileLabels.map(({ name, value }) => `${name}=${value}`).join(' ')

for (const [what, options, url, labels] of [
  [
    'a CPU profile asks for the seconds of the interval',
    {},
    'http://10.0.0.7:6060/debug/pprof/profile?seconds=10',
    '__name__=process_cpu instance=10.0.0.7:6060 job=api',
  ],
  [
    'a point in time asks for none',
    { profile: allocs },
    'http://10.0.0.7:6060/debug/pprof/allocs',
    '__name__=memory instance=10.0.0.7:6060 job=api',
  ],
  [
    'seconds of the profile win over the interval and a parameter',
    { profile: { ...cpu, seconds: 3 }, config: { params: [{ name: 'seconds', values: ['4'] }] } },
    'http://10.0.0.7:6060/debug/pprof/profile?seconds=3',
    '__name__=process_cpu instance=10.0.0.7:6060 job=api',
  ],
  [
    'seconds of a parameter win over the interval',
    { config: { params: [{ name: 'seconds', values: ['4'] }] } },
    'http://10.0.0.7:6060/debug/pprof/profile?seconds=4',
    '__name__=process_cpu instance=10.0.0.7:6060 job=api',
  ],
  [
    'parameters with several values, the first one relabelled',
    {
      profile: allocs,
      config: {
        params: [{ name: 'm', values: ['a', 'b'] }],
        relabelRules: [set('__param_m', 'x'), set('__param_z', '1')],
      },
    },
    'http://10.0.0.7:6060/debug/pprof/allocs?m=x&m=b&z=1',
    '__name__=memory instance=10.0.0.7:6060 job=api',
  ],
  [
    'relabelling changes scheme, path, name, address and interval',
    {
      config: {
        relabelRules: [
          set('__scheme__', 'https'),
          set('__profile_path__', '/pprof/cpu?kind=on'),
          set('__name__', 'oncpu'),
          set('__address__', 'api'),
          set('__scrape_interval__', '30s'),
          set('team', 'blue'),
        ],
      },
    },
    'https://api/pprof/cpu?kind=on&seconds=30',
    '__name__=oncpu instance=api job=api team=blue',
  ],
  [
    'labels of the group are public, meta labels are not, job and instance can be set',
    { group: group([], { job: 'other', instance: 'web-1', zone: 'b', __meta_x: 'y' }) },
    'http://10.0.0.7:6060/debug/pprof/profile?seconds=10',
    '__name__=process_cpu instance=web-1 job=other zone=b',
  ],
  [
    'self is this server',
    { address: 'self' },
    'http://127.0.0.1:7070/debug/pprof/profile?seconds=10',
    '__name__=process_cpu instance=127.0.0.1:7070 job=api',
  ],
  [
    'an IPv6 address',
    { address: '[::1]:6060', profile: allocs },
    'http://[::1]:6060/debug/pprof/allocs',
    '__name__=memory instance=[::1]:6060 job=api',
  ],
] as const)
  test(`target: ${what}`, () => {
    const target = make(options)
    assert.equal(target.url, url)
    assert.equal(text(target), labels)
  })

for (const [what, options, reason] of [
  ['no address', { rules: [set('__address__', '')] }, /^no address$/],
  ['an address with a path', { address: 'api/x' }, /not a valid hostname/],
  ['an address with a user', { address: 'a@b:1' }, /not a valid hostname/],
  ['a port that is none', { address: 'api:99999' }, /not a valid hostname/],
  ['a scheme that is none', { rules: [set('__scheme__', 'ftp')] }, /^invalid scheme: "ftp"$/],
  ['an interval that is none', { rules: [set('__scrape_interval__', 'soon')] }, /scrape interval "soon"/],
  ['an interval below a second', { rules: [set('__scrape_interval__', '500ms')] }, /at least 1s/],
  ['a timeout of nothing', { rules: [set('__scrape_timeout__', '0s')] }, /scrape timeout "0s"/],
  ['no name', { rules: [set('__name__', '')] }, /no __name__/],
  ['a parameter seconds that is no number', { rules: [set('__param_seconds', 'many')] }, /seconds is not/],
] as const)
  test(`no target: ${what}`, () => {
    const { address = 'api:1', rules = [] } = options as { address?: string; rules?: RelabelRule[] }
    const made = makeTarget(address, group(), cpu, aConfig({ relabelRules: rules }), '')
    assert.ok(made.kind === 'failed', JSON.stringify(made))
    assert.match(made.reason, reason)
  })

test('a dropped target keeps what was discovered', () => {
  const drop = rule({ action: 'drop', sourceLabels: ['__address__'], regex: 'api:.*' })
  const made = makeTarget('api:1', group([], { zone: 'b' }), cpu, aConfig({ relabelRules: [drop] }), '')
  assert.ok(made.kind === 'dropped')
  for (const [name, value] of [
    ['__address__', 'api:1'],
    ['__scrape_interval__', '10s'],
    ['__profile_path__', '/debug/pprof/profile'],
    ['zone', 'b'],
    ['job', 'api'],
  ] as const)
    assert.equal(labelValue(made.discoveredLabels, name), value)
})

test('making targets again and again gives the same ones: parameters are not touched', () => {
  const config = { params: [{ name: 'm', values: ['a'] }] }
  const made = Array.from({ length: 3 }, () => make({ config }))
  assert.equal(new Set(made.map(target => target.key)).size, 1)
  assert.equal(make({ config, profile: allocs }).url, 'http://10.0.0.7:6060/debug/pprof/allocs?m=a')
})

test('the deadline of a delta scrape is its seconds and a slack, whatever timeout was written', () => {
  assert.equal(make({ config: { timeoutMs: 13_000 } }).slackMs, 3000)
  assert.equal(make({ config: { timeoutMs: 5000 } }).slackMs, 3000)
  assert.equal(make({ config: { timeoutMs: 25_000 } }).slackMs, 15_000)
})

test('a shorter request asks for fewer seconds of the same URL', () => {
  const target = make({ config: { params: [{ name: 'm', values: ['a b'] }] } })
  assert.equal(requestUrl(target, 9), 'http://10.0.0.7:6060/debug/pprof/profile?m=a+b&seconds=9')
  assert.equal(requestUrl(target, 10), target.url)
})

test('what a target is does not depend on what discovery says besides', () => {
  const a = make({ group: group([], { __meta_pod_uid: '1' }) })
  const b = make({ group: group([], { __meta_pod_uid: '2' }) })
  assert.equal(a.key, b.key)
  assert.notEqual(a.key, make({ config: { intervalMs: 11_000 } }).key)
})
