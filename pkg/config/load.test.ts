import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ConfigError } from '../base/errors.ts'
import { loadConfig } from './load.ts'
import { ConfigErrors } from './problems.ts'
import type { ScrapeConfig } from './types.ts'

const lines = (...l: string[]) => `${l.join('\n')}\n`
/** A file with one job that has these lines. */
const jobFile = (...l: string[]) => lines('scrape_configs:', '- job_name: api', ...l.map(line => `  ${line}`))

function job(...l: string[]): ScrapeConfig {
  return loadConfig(jobFile(...l), { file: 'parca.yaml' }).config.scrapeConfigs[0]!
}

function errorsOf(text: string): string[] {
  try {
    loadConfig(text, { file: 'parca.yaml' })
  } catch (e) {
    assert.ok(e instanceof ConfigErrors && e instanceof ConfigError)
    assert.equal(e.message, e.errors.map(one => one.message).join('\n'))
    return e.errors.map(one => one.message.replace(/^parca\.yaml:/, ''))
  }
  return []
}

test('a job with nothing but a name has every default', () => {
  assert.deepEqual(job(), {
    jobName: 'api',
    intervalMs: 10_000,
    timeoutMs: 13_000,
    scheme: 'http',
    params: [],
    profiles: [
      {
        name: 'memory',
        enabled: true,
        path: '/debug/pprof/allocs',
        delta: false,
        seconds: null,
        keepSampleTypes: null,
      },
      { name: 'block', enabled: true, path: '/debug/pprof/block', delta: false, seconds: null, keepSampleTypes: null },
      {
        name: 'goroutine',
        enabled: true,
        path: '/debug/pprof/goroutine',
        delta: false,
        seconds: null,
        keepSampleTypes: null,
      },
      { name: 'mutex', enabled: true, path: '/debug/pprof/mutex', delta: false, seconds: null, keepSampleTypes: null },
      {
        name: 'process_cpu',
        enabled: true,
        path: '/debug/pprof/profile',
        delta: true,
        seconds: null,
        keepSampleTypes: null,
      },
    ],
    relabelRules: [],
    staticGroups: [],
    limits: {
      bodySize: null,
      samples: null,
      stackDepth: null,
      labels: null,
      labelNameLength: null,
      labelValueLength: null,
      strings: null,
      stringLength: null,
      targets: null,
      keepDroppedTargets: null,
    },
    http: { basicAuth: null, authorization: null, tls: null, followRedirects: true, enableHttp2: true, headers: [] },
  })
})

test('a whole file', () => {
  const { config, warnings } = loadConfig(
    lines(
      'object_storage:',
      '  bucket: {type: FILESYSTEM, prefix: p, config: {directory: ./data}}',
      'scrape_configs:',
      '- job_name: api',
      '  scrape_interval: 1m30s',
      '  scrape_timeout: 2m',
      '  scheme: https',
      '  normalized_addresses: true',
      '  params: {gc: ["1"], x: [a, b], empty: []}',
      '  body_size_limit: 64MB',
      '  sample_limit: 1_000',
      '  target_limit: 5',
      '  string_length_limit: 64KiB',
      '  static_configs:',
      '  - targets: [127.0.0.1:6060, "localhost:1"]',
      '    labels: {zone: a, cell: 7}',
      '  - targets: [self]',
      '- job_name: web',
    ),
    { file: 'parca.yaml' },
  )
  assert.deepEqual(warnings, [])
  assert.deepEqual(config.objectStorage, { kind: 'filesystem', directory: './data', prefix: 'p' })
  const [api, web] = config.scrapeConfigs
  assert.deepEqual([api!.intervalMs, api!.timeoutMs, api!.scheme], [90_000, 120_000, 'https'])
  assert.deepEqual(api!.params, [
    { name: 'gc', values: ['1'] },
    { name: 'x', values: ['a', 'b'] },
  ])
  assert.deepEqual(
    [api!.limits.bodySize, api!.limits.samples, api!.limits.targets, api!.limits.stringLength],
    [67_108_864, 1000, 5, 65_536],
  )
  assert.deepEqual(api!.staticGroups, [
    {
      source: 'static/0',
      targets: ['127.0.0.1:6060', 'localhost:1'],
      labels: [
        { name: 'cell', value: '7' },
        { name: 'zone', value: 'a' },
      ],
    },
    { source: 'static/1', targets: ['self'], labels: [] },
  ])
  assert.equal(web!.jobName, 'web')
})

test('label values are strings as written', () => {
  const { labels } = job(
    'static_configs:',
    '- targets: [a]',
    '  labels: {a: 1.10, b: true, c: 0x1F, d: null, e: ~, f: "", g: 2026-01-02, h: "1.0", i: "~", j: 1e3, "http.route": /x}',
  ).staticGroups[0]!
  assert.equal(
    labels.map(l => `${l.name}=${l.value}`).join(' '),
    'a=1.10 b=true c=0x1F d=null g=2026-01-02 h=1.0 http.route=/x i=~ j=1e3',
  )
})

test('merges and anchors', () => {
  const { config } = loadConfig(
    lines(
      'scrape_configs:',
      '- &base',
      '  job_name: a',
      '  scrape_interval: 20s',
      '  profiling_config: &profiles {pprof_config: {block: {enabled: false}}}',
      '- <<: *base',
      '  job_name: b',
      '- job_name: c',
      '  <<: [{scrape_interval: 30s}, *base]',
      '- job_name: d',
      '  profiling_config: *profiles',
    ),
    { file: 'parca.yaml' },
  )
  assert.deepEqual(
    config.scrapeConfigs.map(c => [c.jobName, c.intervalMs, c.profiles[1]!.enabled]),
    [
      ['a', 20_000, false],
      ['b', 20_000, false],
      ['c', 30_000, false],
      ['d', 10_000, false],
    ],
  )
})

for (const [what, yaml, want] of [
  ['a built-in keeps what is not written', 'process_cpu: {path: /cpu}', 'process_cpu on /cpu delta'],
  ['enabled null stays on', 'process_cpu: {enabled: null}', 'process_cpu on /debug/pprof/profile delta'],
  ['a null entry is the default', 'process_cpu:', 'process_cpu on /debug/pprof/profile delta'],
  ['delta can be switched off', 'process_cpu: {delta: false}', 'process_cpu on /debug/pprof/profile'],
  ['seconds', 'process_cpu: {seconds: 3}', 'process_cpu on /debug/pprof/profile delta 3s'],
  ['off', 'memory: {enabled: false}', 'memory off /debug/pprof/allocs'],
  ['kept types', 'memory: {keep_sample_type: [{type: a, unit: b}]}', 'memory on /debug/pprof/allocs a/b'],
  ['an own profile', 'fgprof: {enabled: true, path: debug/fgprof, delta: true}', 'fgprof on /debug/fgprof delta'],
  ['an own profile needs its word', 'fgprof: {path: /debug/fgprof}', 'fgprof off /debug/fgprof'],
  ['an own null profile', 'fgprof:', 'fgprof off '],
] as const)
  test(`profiles: ${what}`, () => {
    const name = yaml.split(':')[0]!
    const p = job('profiling_config:', '  pprof_config:', `    ${yaml}`).profiles.find(one => one.name === name)!
    const kept = (p.keepSampleTypes ?? []).map(k => ` ${k.type}/${k.unit}`).join('')
    const seconds = p.seconds === null ? '' : ` ${p.seconds}s`
    assert.equal(`${p.name} ${p.enabled ? 'on' : 'off'} ${p.path}${p.delta ? ' delta' : ''}${seconds}${kept}`, want)
  })

test('path_prefix is joined', () => {
  const paths = (prefix: string) => job('profiling_config:', `  path_prefix: ${prefix}`).profiles.map(p => p.path)
  assert.equal(paths('/x')[0], '/x/debug/pprof/allocs')
  assert.equal(paths('x//y/../z/')[4], '/x/z/debug/pprof/profile')
})

for (const [text, want] of [
  ['', ['1:1: the configuration is empty']],
  ['# nothing\n---\n', ['1:1: the configuration is empty']],
  ['- a\n', ['1:1: the configuration must be a map with scrape_configs']],
  ['scrape_config: []\n', ['1:1: unknown key "scrape_config", did you mean "scrape_configs"?']],
  ['zzz: 1\n', ['1:1: unknown key "zzz"']],
  ['scrape_configs: []\nscrape_configs: []\n', ['2:1: key "scrape_configs" is given twice, first at line 1']],
  ['scrape_configs: {}\n', ['1:17: scrape_configs must be a list']],
  ['scrape_configs: [a]\n', ['1:18: an item of scrape_configs must be a map']],
  [
    'scrape_configs:\n- job_name: a\n- job_name: b\n- job_name: a\n- job_name: b\n- job_name: a\n',
    ['4:13: ScrapeConfigs: duplicate job_name found in scrape configs: a, b.'],
  ],
  ['scrape_configs:\n- scheme: http\n', ['2:3: job_name is empty']],
  ['global: {}\n', ['1:1: there is no global section: scrape_interval, scrape_timeout and limits belong to each job']],
  ['object_storage: {}\n', ['1:17: object_storage needs a bucket with type and config']],
  ['object_storage: {bucket: {type: DISK}}\n', ['1:33: unknown object storage type "DISK"']],
  [
    'object_storage: {bucket: {type: FILESYSTEM, config: {dir: x}}}\n',
    ['1:53: object storage of type FILESYSTEM needs config with a directory', '1:54: unknown key "dir"'],
  ],
  ['a: *x\n', ['1:4: there is no anchor "&x" before this alias', '1:1: unknown key "a"']],
  ['a: &x [*x]\n', ['1:1: unknown key "a"', '1:8: the alias "*x" stands inside what it refers to']],
  ['a: 1\n---\nb: 1\n', ['2:1: the file must hold one YAML document, not several']],
] as const)
  test(`refuses ${JSON.stringify(text)}`, () => assert.deepEqual(errorsOf(text).sort(), [...want].sort()))

for (const [line, want] of [
  ['scrape_intervall: 10s', '3:3: unknown key "scrape_intervall", did you mean "scrape_interval"?'],
  ['scrape_interval: 500ms', '3:20: scrape_interval 500ms is below 1s'],
  ['scrape_interval: 0', '3:20: scrape_interval 0s is below 1s'],
  ['scrape_interval: 1.5m', '3:20: scrape_interval must be a duration like 10s, 1m30s or 500ms, got "1.5m"'],
  ['scrape_interval: [1s]', '3:20: scrape_interval must be text or a number, not a list'],
  ['scheme: ftp', '3:11: scheme must be one of http, https, got "ftp"'],
  ['body_size_limit: lots', '3:20: body_size_limit must be a size like 64MiB, got "lots"'],
  ['sample_limit: -1', '3:17: sample_limit must be a whole number, 0 or above, got "-1"'],
  ['params: [a]', '3:11: params must be a map'],
  ['params: {a: b}', '3:15: a must be a list'],
  ['kubernetes_sd_configs: [{role: pod}]', '3:3: kubernetes_sd_configs is not available in this version'],
  ['kubernets_sd_configs: []', '3:3: unknown key "kubernets_sd_configs", did you mean "kubernetes_sd_configs"?'],
  ['proxy_url: http://127.0.0.1', '3:3: proxy_url is not available in this version'],
  ['static_configs: [{targets: ["a/b"]}]', '3:31: "a/b" is not a valid hostname'],
  ['static_configs: [{targets: [""]}]', '3:31: a target must not be empty'],
  ['static_configs: [{target: [a]}]', '3:21: unknown key "target", did you mean "targets"?'],
  ['static_configs: [{targets: [a], labels: {a: [1]}}]', '3:47: the value of label "a" must be text'],
  ['relabel_configs: [{action: kep}]', '3:30: unknown relabel action "kep", did you mean "keep"?'],
  ['relabel_configs: [{source_labels: [a]}]', '3:21: relabel action replace needs a target_label'],
  ['relabel_configs: [{target_label: a, regex: "("}]', '3:46: regex "(" is not valid: missing closing ): `(`'],
  [
    'relabel_configs: [{action: labeldrop, regex: a, separator: x}]',
    '3:62: relabel action labeldrop takes only regex, not separator',
  ],
  [
    'relabel_configs: [{action: hashmod, target_label: a, modulus: 0}]',
    '3:65: relabel action hashmod needs a modulus above 0',
  ],
  ['profiling_config: {pprof_config: {memory: {pth: x}}}', '3:46: unknown key "pth", did you mean "path"?'],
  ['profiling_config: {pprof_config: {own: {enabled: true}}}', '3:42: profile own needs a path'],
  ['profiling_config: {pprof_config: {memory: {delta: yes}}}', '3:53: delta must be true or false, got "yes"'],
  ['basic_auth: {username: a, username_file: b}', '3:44: username and username_file exclude each other'],
  ['authorization: {type: basic, credentials: x}', '3:25: for basic authentication use basic_auth'],
  ['authorization: {}', '3:18: authorization needs credentials or credentials_file'],
  ['tls_config: {cert_file: a}', '3:27: a client certificate needs both cert and key'],
  ['tls_config: {min_version: TLS13, max_version: TLS12}', '3:49: max_version is below min_version'],
  ['tls_config: {min_version: SSL3}', '3:29: min_version must be one of TLS10, TLS11, TLS12, TLS13, got "SSL3"'],
  ['http_headers: {Host: {values: [x]}}', '3:18: header Host cannot be set here'],
  ['http_headers: {"a b": {values: [x]}}', '3:18: "a b" is not a valid header name'],
  ['http_headers: {X-A: {values: ["a\\nb"]}}', '3:33: a header value must be one line'],
  ['labels: !env X', '3:11: unresolved tag: !env'],
] as const)
  test(`refuses the job line ${line}`, () =>
    assert.ok(errorsOf(jobFile(line)).includes(want), errorsOf(jobFile(line)).join('\n')))

test('every mistake is reported, in the order of the file', () => {
  const text = jobFile('scheme: ftp', 'scrape_interval: 1x', 'sample_limt: 1')
  assert.deepEqual(
    errorsOf(text).map(e => e.split(':')[0]),
    ['3', '4', '5'],
  )
})

test('a mistake in an anchor is said once', () => {
  const text = lines('scrape_configs:', '- &a {job_name: a, scheme: ftp}', '- {<<: *a, job_name: b}')
  assert.equal(errorsOf(text).length, 1)
})

for (const [l, want] of [
  [
    ['scrape_timeout: 5s'],
    ['3:19: scrape_timeout 5s is too short for process_cpu, which takes 10s: it gets more time'],
  ],
  [['scrape_timeout: 11s'], []],
  [['scrape_timeout: 5s', 'params: {seconds: ["2"]}'], []],
  [
    ['profiling_config: {pprof_config: {process_cpu: {seconds: 30}}}'],
    ['2:3: process_cpu takes 30s, longer than the scrape_interval 10s: scrapes will be late'],
  ],
  [
    ['profiling_config: {pprof_config: {own: {path: /x}}}'],
    ['3:42: profile own is not scraped: it does not say enabled: true'],
  ],
] as const)
  test(`warns of ${l.join(', ')}`, () => {
    const { warnings } = loadConfig(jobFile(...l), { file: 'parca.yaml' })
    assert.deepEqual(
      warnings,
      want.map(w => `parca.yaml:${w}`),
    )
  })

test('requests: credentials, trust and headers', () => {
  const http = loadConfig(
    jobFile(
      'bearer_token_file: token',
      'tls_config: {ca_file: ca.pem, cert_file: /c.pem, key: KEY, server_name: x, min_version: TLS12}',
      'follow_redirects: false',
      'http_headers: {X-A: {values: [a, 1], secrets: [s], files: [f]}}',
    ),
    { file: '/etc/decima/parca.yaml' },
  ).config.scrapeConfigs[0]!.http
  assert.deepEqual(http, {
    basicAuth: null,
    authorization: { type: 'Bearer', credentials: { kind: 'file', path: '/etc/decima/token' } },
    tls: {
      ca: { kind: 'file', path: '/etc/decima/ca.pem' },
      cert: { kind: 'file', path: '/c.pem' },
      key: { kind: 'text', text: 'KEY' },
      serverName: 'x',
      insecureSkipVerify: false,
      minVersion: 'TLSv1.2',
      maxVersion: null,
    },
    followRedirects: false,
    enableHttp2: true,
    headers: [
      {
        name: 'X-A',
        values: [
          { kind: 'text', text: 'a', secret: false },
          { kind: 'text', text: '1', secret: false },
          { kind: 'text', text: 's', secret: true },
          { kind: 'file', path: '/etc/decima/f', secret: true },
        ],
      },
    ],
  })
  assert.deepEqual(job('basic_auth: {username: me, password: no}').http.basicAuth, {
    username: { kind: 'text', text: 'me' },
    password: { kind: 'text', text: 'no' },
  })
})

test('any text is read or refused with places', () => {
  const word = fc.constantFrom(
    'scrape_configs',
    'job_name',
    'params',
    ':',
    ': ',
    '\n',
    '\n  ',
    '- ',
    '&a ',
    '*a',
    '<<',
    '{',
    '}',
    '[',
    ']',
    ',',
    '"',
    '1',
    '~',
    '!x',
    '# c',
    '\t',
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 25 }), words => {
      try {
        loadConfig(words.join(''), { file: 'f' })
      } catch (e) {
        assert.ok(e instanceof ConfigErrors, String(e))
        assert.match(e.message, /^f:\d+:\d+: ./)
      }
    }),
    { numRuns: 1000 },
  )
})
