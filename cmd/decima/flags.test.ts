import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { loadConfig } from '../../pkg/config/load.ts'
import { parseListenAddress, reachableAddress } from './address.ts'
import { FLAGS, IGNORED_FLAGS } from './flag-table.ts'
import { flagRows, flagsMarkdown, helpText } from './flag-text.ts'
import { defaultFlags, entries, parseFlags, UsageError } from './flags.ts'

const MIB = 1024 * 1024

for (const [argv, key, want] of [
  [['--config-path=a.yaml'], 'configPath', 'a.yaml'],
  [['--config-path', 'a.yaml'], 'configPath', 'a.yaml'],
  [['--config.file=a.yaml'], 'configPath', 'a.yaml'],
  [['--config-path=a', '--config.file=b'], 'configPath', 'b'],
  [['--config-path=a=b'], 'configPath', 'a=b'],
  [['--config-path='], 'configPath', ''],
  [['--http-address=127.0.0.1:7171'], 'httpAddress', '127.0.0.1:7171'],
  [['--web.listen-address', '[::1]:1'], 'httpAddress', '[::1]:1'],
  [['--port=7171'], 'httpAddress', '7171'],
  [['--storage.tsdb.path=/d'], 'storagePath', '/d'],
  [['--storage.tsdb.retention.time=15d'], 'storageRetentionTime', 15 * 86_400_000],
  [['--storage.tsdb.retention.size=1GB'], 'storageRetentionSize', 1024 * MIB],
  [['--storage-active-memory=536870912'], 'storageActiveMemory', 512 * MIB],
  [['--storage-active-memory=1MiB'], 'storageActiveMemory', MIB],
  [['--storage-block-duration=1h30m'], 'storageBlockDuration', 5_400_000],
  [['--storage-wal-sync=interval'], 'storageWalSync', 'interval'],
  [['--storage-keep-addresses'], 'storageKeepAddresses', true],
  [['--storage-keep-addresses=false'], 'storageKeepAddresses', false],
  [['--storage-keep-addresses', '--no-storage-keep-addresses'], 'storageKeepAddresses', false],
  [['--no-storage-keep-addresses=false'], 'storageKeepAddresses', true],
  [['--web.enable-admin-api', '--log-level=debug'], 'webEnableAdminApi', true],
  [['--no-web.enable-lifecycle'], 'webEnableLifecycle', false],
  [['--service-labels=a, b,'], 'serviceLabels', ['a', 'b']],
  [['--cors-allowed-origins=a', '--cors-allowed-origins', 'b,c'], 'corsAllowedOrigins', ['a', 'b', 'c']],
  [['--memory-limit=512MiB'], 'memoryLimit', 512 * MIB],
  [['--memory-limit=auto'], 'memoryLimit', null],
  [['--sample-limit=0'], 'sampleLimit', 0],
  [['--query.lookback-delta=1m'], 'queryLookbackDelta', 60_000],
] as const)
  test(`${argv.join(' ')}`, () => {
    const { flags, explicit, warnings } = parseFlags(argv)
    assert.deepEqual(flags[key], want)
    assert.equal(explicit.has(key), true)
    // What is accepted and does nothing yet says so, once.
    const { name, notYet } = FLAGS[key]
    assert.deepEqual(warnings, notYet === 'no effect' ? [`--${name} has no effect in this version`] : [])
  })

for (const [argv, message] of [
  [['--http-adress=:1'], 'unknown flag --http-adress, did you mean "--http-address"?'],
  [['--zzzzzzzzzzzzz'], 'unknown flag --zzzzzzzzzzzzz'],
  [['-x'], 'unexpected argument "-x"'],
  [['serve'], 'unexpected argument "serve"'],
  [['--'], 'unexpected argument "--"'],
  [['--config-path'], '--config-path needs a value'],
  [['--config-path', '--log-level=info'], '--config-path needs a value'],
  [['--no-config-path'], 'unknown flag --no-config-path'],
  [['--http-address=localhost'], '--http-address must be an address like :7070 or 127.0.0.1:7070, got "localhost"'],
  [['--storage-wal-sync=never'], '--storage-wal-sync must be one of always, interval, off, got "never"'],
  [['--storage-active-memory=lots'], '--storage-active-memory must be a size like 256MiB, or bytes, got "lots"'],
  [['--storage-block-duration=30'], '--storage-block-duration must be a duration like 30s, 1h30m or 30d, got "30"'],
  [['--sample-limit=auto'], '--sample-limit must be a whole number, 0 or above, got "auto"'],
  [['--storage-keep-addresses=yes'], '--storage-keep-addresses must be true or false, got "yes"'],
  [['--mode=query'], '--mode=query is not available in this version'],
  [['--web.config.file=web.yml'], '--web.config.file is not available in this version'],
] as const)
  test(`refuses ${argv.join(' ')}`, () =>
    assert.throws(
      () => parseFlags(argv),
      (e: unknown) => {
        assert.ok(e instanceof UsageError)
        assert.equal(e.message.split(', did you')[0], message.split(', did you')[0])
        if (message.includes('did you')) assert.equal(e.message, message)
        return true
      },
    ))

test('nothing given: the defaults, nothing explicit', () => {
  const { flags, explicit, asked } = parseFlags([])
  assert.deepEqual(flags, defaultFlags())
  assert.equal(explicit.size, 0)
  assert.equal(asked, null)
})

test('help and version win over everything', () => {
  assert.equal(parseFlags(['--what', '--help']).asked, 'help')
  assert.equal(parseFlags(['--version']).asked, 'version')
})

test("Parca's flags that mean nothing here are warned of once each", () => {
  const { warnings, explicit } = parseFlags([
    ...['--enable-persistence', '--storage-enable-wal=false', '--no-insecure', '--store-address', 'x:1'],
    ...['--external-label=a=b', '--external-label=c=d'],
  ])
  assert.equal(warnings.length, 5)
  assert.match(warnings[0]!, /^--enable-persistence is ignored: /)
  assert.equal(explicit.size, 0)
})

test('every default is a value that its flag takes', () => {
  for (const [, flag] of entries()) {
    const text = flag.kind.format(flag.fallback)
    assert.deepEqual(flag.kind.parse(text), flag.fallback, flag.name)
  }
})

test('names are given once, ours with hyphens only', () => {
  const names = [...entries().flatMap(([, f]) => [f.name, ...f.aliases]), ...IGNORED_FLAGS.map(f => f.name)]
  assert.equal(new Set(names).size, names.length)
  for (const [, flag] of entries()) assert.match(flag.name, /^[a-z]+(-[a-z]+)*$/)
})

test('every flag of Parca is known', () => {
  const parca = [
    ...[
      'config-path',
      'mode',
      'http-address',
      'http-read-timeout',
      'http-write-timeout',
      'port',
      'log-level',
      'log-format',
    ],
    ...[
      'otlp-address',
      'otlp-exporter',
      'otlp-insecure',
      'cors-allowed-origins',
      'path-prefix',
      'mutex-profile-fraction',
    ],
    ...['block-profile-rate', 'enable-persistence', 'storage-active-memory', 'storage-path', 'storage-enable-wal'],
    ...['storage-snapshot-trigger-size', 'storage-row-group-size', 'storage-index-on-disk', 'symbolizer-demangle-mode'],
    ...['symbolizer-external-addr-2-line-path', 'symbolizer-number-of-tries', 'debuginfo-cache-dir'],
    ...['debuginfo-upload-max-size', 'debuginfo-upload-max-duration', 'debuginfo-uploads-signed-url'],
    ...['debuginfod-upstream-servers', 'debuginfod-http-request-timeout', 'profile-share-server', 'store-address'],
    ...['bearer-token', 'bearer-token-file', 'insecure', 'insecure-skip-verify', 'external-label', 'grpc-headers'],
    ...['debug-normalize-addresses', 'iceberg-storage', 'clickhouse-enabled', 'clickhouse-address'],
    ...['clickhouse-database', 'clickhouse-username', 'clickhouse-password', 'clickhouse-table', 'clickhouse-secure'],
  ]
  const known = new Set([...entries().flatMap(([, f]) => [f.name, ...f.aliases]), ...IGNORED_FLAGS.map(f => f.name)])
  assert.deepEqual(
    parca.filter(name => !known.has(name)),
    [],
  )
})

test('rows show the values in force', () => {
  const { flags } = parseFlags(['--storage-active-memory=1024'])
  const row = (name: string) => flagRows(flags).find(r => r.name === name)!
  assert.equal(row('storage-active-memory').value, '1KiB')
  assert.equal(row('storage-active-memory').fallback, '256MiB')
  assert.equal(row('memory-limit').value, 'auto')
})

test('the help text has every flag', () => {
  const help = helpText()
  for (const [, flag] of entries()) assert.ok(help.includes(`${flag.name}`), flag.name)
  for (const line of help.split('\n')) assert.ok(line.length <= 130, line)
})

test('docs/flags.md is what the table says (else run tools/docs.ts)', () => {
  assert.equal(readFileSync(new URL('../../docs/flags.md', import.meta.url), 'utf8'), flagsMarkdown())
})

test('addresses', () => {
  for (const [text, want, reachable] of [
    [':7070', { host: null, port: 7070 }, '127.0.0.1:7070'],
    ['7070', { host: null, port: 7070 }, '127.0.0.1:7070'],
    ['0.0.0.0:1', { host: '0.0.0.0', port: 1 }, '127.0.0.1:1'],
    ['localhost:0', { host: 'localhost', port: 0 }, 'localhost:0'],
    ['[::]:5', { host: '::', port: 5 }, '127.0.0.1:5'],
    ['[::1]:5', { host: '::1', port: 5 }, '[::1]:5'],
    ['::1:5', null, null],
    ['a:70000', null, null],
    ['', null, null],
    ['http://a:1', null, null],
  ] as const) {
    const address = parseListenAddress(text)
    assert.deepEqual(address, want, text)
    if (address !== null) assert.equal(reachableAddress(address), reachable)
  }
})

test('the default configuration profiles this server, without a warning', () => {
  const file = 'configs/parca.yaml'
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
  const { config, warnings } = loadConfig(text, { file })
  assert.deepEqual(warnings, [])
  const [job] = config.scrapeConfigs
  assert.deepEqual([job!.jobName, job!.intervalMs, job!.staticGroups[0]!.targets], ['decima', 5000, ['self']])
  assert.deepEqual(
    job!.profiles.filter(p => p.enabled).map(p => `${p.name} ${p.path}${p.delta ? ' delta' : ''}`),
    ['memory /debug/pprof/heap', 'process_cpu /debug/pprof/profile delta'],
  )
})
