import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatConfig, MASK } from './format.ts'
import { loadConfig } from './load.ts'

const FULL = `
object_storage: {bucket: {type: FILESYSTEM, prefix: p, config: {directory: data}}}
scrape_configs:
- job_name: api
  scrape_interval: 1m30s
  params: {gc: ["1"]}
  body_size_limit: 1MiB
  sample_limit: 0
  basic_auth: {username: me, password: hunter2}
  tls_config: {ca_file: /ca, cert_file: /c, key: PRIVATE, min_version: TLS10, max_version: TLS13}
  http_headers: {X-Key: {values: [v], secrets: [hidden], files: [/f]}}
  profiling_config:
    path_prefix: /x
    pprof_config: {memory: {keep_sample_type: [{type: a, unit: b}]}, own: {enabled: true, path: /own, seconds: 2}}
  relabel_configs:
  - {source_labels: [a, b], regex: "", target_label: c, replacement: "1.10"}
  - {action: labeldrop, regex: x.*}
  static_configs:
  - {targets: [127.0.0.1:1], labels: {version: 1.10, yes: true, none: null}}
- job_name: "1.0"
  authorization: {credentials: token}
`

test('what is shown holds no secret', () => {
  const shown = formatConfig(loadConfig(FULL, { file: 'f' }).config)
  for (const secret of ['hunter2', 'PRIVATE', 'hidden', 'token']) assert.ok(!shown.includes(secret), secret)
  assert.equal(shown.split(MASK).length - 1, 4)
})

test('what is shown reads as the same configuration, secrets apart', () => {
  const { config } = loadConfig(FULL, { file: 'f' })
  const again = loadConfig(formatConfig(config), { file: 'f' }).config
  const masked = JSON.parse(JSON.stringify(config).replaceAll(/hunter2|PRIVATE|hidden|token/g, MASK))
  assert.deepEqual(JSON.parse(JSON.stringify(again)), masked)
})
