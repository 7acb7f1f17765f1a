import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatConfig, MASK } from './format.ts'
import { loadConfig } from './load.ts'
import { ConfigErrors } from './problems.ts'

const lines = (...text: string[]): string => `${text.join('\n')}\n`
const bucketOf = (type: string, ...config: string[]): string =>
  lines('object_storage:', '  bucket:', `    type: ${type}`, '    config:', ...config.map(line => `      ${line}`))
const load = (text: string) => loadConfig(text, { file: '/etc/decima/parca.yaml' })

function errorsOf(text: string): string[] {
  try {
    load(text)
  } catch (error) {
    if (error instanceof ConfigErrors) return error.errors.map(e => e.message.replace('/etc/decima/parca.yaml:', ''))
    throw error
  }
  return []
}

test('S3 with nothing but what it needs', () => {
  assert.deepEqual(load(bucketOf('S3', 'bucket: fleet', 'region: eu-west-1')).config.objectStorage, {
    kind: 's3',
    prefix: '',
    bucket: 'fleet',
    endpoint: '',
    region: 'eu-west-1',
    insecure: false,
    credentials: null,
    lookup: 'auto',
    listVersion: 2,
    contentMd5: true,
    partSize: 16 * 2 ** 20,
    encryption: null,
    metadata: {},
    tls: null,
    maxConnections: null,
    maxAttempts: null,
  })
})

const FULL_S3 = bucketOf(
  's3',
  'bucket: fleet',
  'endpoint: 127.0.0.1:9000',
  'region: eu-test-1',
  'disable_dualstack: true',
  'aws_sdk_auth: false',
  'access_key: AKDECIMA',
  'insecure: true',
  'signature_version2: false',
  'secret_key: "s3-secret"',
  'session_token: s3-session',
  'put_user_metadata: {X-Amz-Storage-Class: STANDARD_IA, owner: me}',
  'http_config:',
  '  idle_conn_timeout: 1m30s',
  '  response_header_timeout: 2m',
  '  insecure_skip_verify: false',
  '  tls_handshake_timeout: 10s',
  '  expect_continue_timeout: 1s',
  '  max_idle_conns: 100',
  '  max_idle_conns_per_host: 100',
  '  max_conns_per_host: 20',
  '  tls_config: {ca_file: ca.pem, cert_file: /c.pem, key_file: /k.pem, server_name: s3, insecure_skip_verify: true}',
  '  disable_compression: false',
  'trace: {enable: false}',
  'list_objects_version: v1',
  'bucket_lookup_type: path',
  'send_content_md5: false',
  'disable_multipart: false',
  'part_size: 67108864',
  'sse_config: {type: SSE-KMS, kms_key_id: key-1, kms_encryption_context: {team: perf}, encryption_key: ""}',
  'sts_endpoint: ""',
  'max_retries: 4',
).replace('type: s3', 'type: s3\n    prefix: /profiles/eu/')

test('S3 with every key', () => {
  const { config, warnings } = load(FULL_S3)
  assert.deepEqual(config.objectStorage, {
    kind: 's3',
    prefix: 'profiles/eu',
    bucket: 'fleet',
    endpoint: '127.0.0.1:9000',
    region: 'eu-test-1',
    insecure: true,
    credentials: { accessKey: 'AKDECIMA', secretKey: 's3-secret', sessionToken: 's3-session' },
    lookup: 'path',
    listVersion: 1,
    contentMd5: false,
    partSize: 67_108_864,
    encryption: { kind: 'SSE-KMS', keyId: 'key-1', context: { team: 'perf' } },
    metadata: { 'X-Amz-Storage-Class': 'STANDARD_IA', owner: 'me' },
    tls: {
      caFile: '/etc/decima/ca.pem',
      certFile: '/c.pem',
      keyFile: '/k.pem',
      serverName: 's3',
      insecureSkipVerify: true,
    },
    maxConnections: 20,
    maxAttempts: 5,
  })
  assert.deepEqual(warnings, [
    '/etc/decima/parca.yaml:18:9: no effect in http_config: idle_conn_timeout, response_header_timeout, ' +
      'tls_handshake_timeout, expect_continue_timeout, max_idle_conns, max_idle_conns_per_host, disable_compression',
  ])
})

const FULL_GCS = bucketOf(
  'GCS',
  'bucket: fleet',
  'service_account: |-',
  '  {"type": "service_account", "private_key": "gcs-secret"}',
  'use_grpc: true',
  'grpc_conn_pool_size: 4',
  'http_config: {insecure_skip_verify: true}',
  'chunk_size_bytes: 300000',
  'max_retries: 2',
)

test('GCS with every key', () => {
  const { config, warnings } = load(FULL_GCS)
  assert.deepEqual(config.objectStorage, {
    kind: 'gcs',
    prefix: '',
    bucket: 'fleet',
    serviceAccount: '{"type": "service_account", "private_key": "gcs-secret"}',
    chunkSize: 524_288,
    maxAttempts: 3,
  })
  assert.deepEqual(
    warnings.map(w => w.replace(/^.*yaml:/, '')),
    ['8:17: use_grpc has no effect, requests go over HTTP', '10:20: no effect in http_config: insecure_skip_verify'],
  )
})

const AZURE = ['storage_account: acme', 'container: fleet']
const FULL_AZURE = bucketOf(
  'AZURE',
  ...AZURE,
  'storage_account_key: azure-secret',
  'storage_connection_string: ""',
  'storage_create_container: false',
  'endpoint: blob.core.example',
  'user_assigned_id: ""',
  'az_tenant_id: ""',
  'client_id: ""',
  'client_secret: ""',
  'max_retries: 0',
  'reader_config: {max_retry_requests: 0}',
  'pipeline_config: {max_tries: 7, try_timeout: 0s, retry_delay: 1s, max_retry_delay: 0s}',
  'azure_storage_account_type: blob',
  'msi_resource: ""',
)

test('Azure with every key', () => {
  const { config, warnings } = load(FULL_AZURE)
  assert.deepEqual(config.objectStorage, {
    kind: 'azure',
    prefix: '',
    account: 'acme',
    container: 'fleet',
    endpoint: 'blob.core.example',
    credentials: { kind: 'key', key: 'azure-secret' },
    createContainer: false,
    maxAttempts: 7,
  })
  assert.deepEqual(warnings, ['/etc/decima/parca.yaml:17:69: retry_delay has no effect'])
})

for (const [config, want] of [
  [[], { kind: 'managed', clientId: null }],
  [['user_assigned_id: id'], { kind: 'managed', clientId: 'id' }],
  [['storage_connection_string: a=b'], { kind: 'connection-string', text: 'a=b' }],
  [
    ['az_tenant_id: t', 'client_id: c', 'client_secret: s'],
    { kind: 'client-secret', tenantId: 't', clientId: 'c', clientSecret: 's' },
  ],
] as const)
  test(`Azure credentials: ${config.join(', ') || 'none'}`, () => {
    const { objectStorage } = load(bucketOf('AZURE', ...AZURE, ...config)).config
    assert.deepEqual(objectStorage?.kind === 'azure' && objectStorage.credentials, want)
  })

for (const [what, text] of Object.entries({ FULL_S3, FULL_GCS, FULL_AZURE }))
  test(`${what} is shown without its secrets, and reads as the same again`, () => {
    const { config } = load(text)
    const shown = formatConfig(config)
    for (const secret of ['s3-secret', 's3-session', 'gcs-secret', 'azure-secret'])
      assert.ok(!shown.includes(secret), secret)
    const again = load(shown).config
    const masked = JSON.stringify(config)
      .replaceAll(/s3-secret|s3-session|azure-secret/g, MASK)
      .replace(/"serviceAccount":"(\\.|[^"])*"/, JSON.stringify({ serviceAccount: `{"key":"${MASK}"}` }).slice(1, -1))
    assert.deepEqual(again, JSON.parse(masked))
  })

for (const [text, want] of [
  [
    'object_storage: {bucket: {type: SWIFT, config: {}}}\n',
    ['1:33: object storage type SWIFT is not available, FILESYSTEM, S3, GCS, AZURE are'],
  ],
  [
    'object_storage: {bucket: {type: S4, config: {}}}\n',
    ['1:33: unknown object storage type "S4", did you mean "S3"?'],
  ],
  ['object_storage: {bucket: {type: S3}}\n', ['1:26: object storage of type S3 needs config with a bucket']],
  [
    'object_storage: {bucket: {type: GCS, config: {}}}\n',
    ['1:46: object storage of type GCS needs config with a bucket'],
  ],
  [
    'object_storage: {bucket: {type: AZURE, config: {storage_account: a}}}\n',
    ['1:48: object storage of type AZURE needs config with a container'],
  ],
  [
    'object_storage: {bucket: {type: AZURE, config: {container: a}}}\n',
    ['1:48: object storage of type AZURE needs config with a storage_account'],
  ],
  [
    'object_storage: {bucket: {type: FILESYSTEM, prefix: ../x, config: {directory: d}}}\n',
    ['1:53: "../x" cannot be the prefix of keys'],
  ],
  [
    'object_storage: {bucket: {type: FILESYSTEM, prefix: a//b, config: {directory: d}}}\n',
    ['1:53: "a//b" cannot be the prefix of keys'],
  ],
] as const)
  test(`refuses ${JSON.stringify(text)}`, () => assert.deepEqual(errorsOf(text), [...want]))

const S3 = ['bucket: b', 'endpoint: e']
for (const [type, config, want] of [
  ['S3', ['bucket: b'], '5:7: object storage of type S3 needs an endpoint or a region'],
  [
    'S3',
    ['bucket: b', 'endpoint: https://e'],
    '6:17: endpoint must be host or host:port; insecure says whether it is plain HTTP',
  ],
  ['S3', [...S3, 'acces_key: x'], '7:7: unknown key "acces_key", did you mean "access_key"?'],
  ['S3', [...S3, 'access_key: x'], '7:19: access_key needs a secret_key'],
  ['S3', [...S3, 'secret_key: x'], '7:19: secret_key needs an access_key'],
  ['S3', [...S3, 'session_token: x'], '7:22: session_token needs access_key and secret_key'],
  [
    'S3',
    [...S3, 'aws_sdk_auth: true', 'access_key: x', 'secret_key: y'],
    '7:21: aws_sdk_auth and access_key exclude each other',
  ],
  ['S3', [...S3, 'signature_version2: true'], '7:27: signature version 2 is not available, version 4 is'],
  [
    'S3',
    [...S3, 'sts_endpoint: x'],
    '7:21: sts_endpoint is not available: the environment variable AWS_ENDPOINT_URL_STS says it',
  ],
  ['S3', [...S3, 'part_size: 1MiB'], '7:18: part_size must be at least 5MiB'],
  [
    'S3',
    [...S3, 'bucket_lookup_type: dns'],
    '7:27: bucket_lookup_type must be one of auto, path, virtual-hosted, got "dns"',
  ],
  ['S3', [...S3, 'sse_config: {type: SSE-KMS}'], '7:19: sse_config of type SSE-KMS needs a kms_key_id'],
  [
    'S3',
    [...S3, 'sse_config: {type: SSE-C}'],
    '7:19: sse_config of type SSE-C needs encryption_key, the file that holds the key',
  ],
  ['S3', [...S3, 'sse_config: {typ: SSE-C}'], '7:20: unknown key "typ", did you mean "type"?'],
  [
    'S3',
    [...S3, 'http_config: {tls_config: {cert_file: c}}'],
    '7:45: a client certificate needs both cert_file and key_file',
  ],
  ['S3', [...S3, 'http_config: {timeout: 1s}'], '7:21: unknown key "timeout"'],
  [
    'GCS',
    ['bucket: b', 'service_account: /key.json'],
    '6:24: service_account must be the JSON of a key, not the name of a file',
  ],
  ['GCS', ['bucket: b', 'endpoint: e'], '6:7: unknown key "endpoint"'],
  [
    'AZURE',
    [...AZURE, 'storage_account_key: k', 'storage_connection_string: c'],
    '8:34: storage_account_key and storage_connection_string exclude each other',
  ],
  [
    'AZURE',
    [...AZURE, 'user_assigned_id: u', 'storage_account_key: k'],
    '7:25: storage_account_key and user_assigned_id exclude each other',
  ],
  ['AZURE', [...AZURE, 'client_id: c'], '7:18: az_tenant_id, client_id and client_secret belong together'],
] as const)
  test(`${type} refuses ${config.at(-1)}`, () => assert.deepEqual(errorsOf(bucketOf(type, ...config)), [want]))
