/**
 * `object_storage` as people own it: the bucket section of Thanos, with the same keys and defaults, for folders, S3, Google
 * and Azure. What we cannot do is an error at its place; what has no effect here is a warning, so that a file moves over
 * as it is. The types are what a bucket is opened with.
 */
import { dirname, isAbsolute, join } from 'node:path'
import type { MapReader } from './reader.ts'
import { didYouMean } from './suggest.ts'
import type { AzureStorage, GcsStorage, ObjectStorage, S3Storage, StoreTls } from './types.ts'

const OTHER_TYPES = ['SWIFT', 'COS', 'ALIYUNOSS', 'BOS', 'OCI', 'OBS']
const TYPES = ['FILESYSTEM', 'S3', 'GCS', 'AZURE'] as const

const PREFIX =
  /^[A-Za-z0-9!_*'()=@:+,~-][A-Za-z0-9!_.*'()=@:+,~-]*(\/[A-Za-z0-9!_*'()=@:+,~-][A-Za-z0-9!_.*'()=@:+,~-]*)*$/
const LONGEST_PREFIX = 400
const SMALLEST_PART = 5 * 2 ** 20
const PART = 16 * 2 ** 20
const CHUNK_UNIT = 256 * 2 ** 10

/** null when there is none, or when it is too wrong to go on with. */
export function readObjectStorage(top: MapReader, file: string): ObjectStorage | null {
  const section = top.map('object_storage')
  const bucket = section?.map('bucket') ?? null
  section?.finish()
  if (section === null) return null
  if (bucket === null) {
    section.error('bucket', 'object_storage needs a bucket with type and config')
    return null
  }
  const type = readType(bucket)
  const prefix = readPrefix(bucket)
  const settings = bucket.map('config')
  bucket.finish()
  if (type === null) return null
  if (settings === null) {
    bucket.error('config', `object storage of type ${type} needs config with a ${NEEDED[type]}`)
    return null
  }
  const files = (path: string): string => (isAbsolute(path) ? path : join(dirname(file), path))
  const storage = readSettings(type, settings, prefix, files)
  settings.finish()
  return storage
}

type Resolve = (path: string) => string

const NEEDED = { FILESYSTEM: 'directory', S3: 'bucket', GCS: 'bucket', AZURE: 'container' } as const

function readType(bucket: MapReader): (typeof TYPES)[number] | null {
  const type = bucket.text('type', '').toUpperCase()
  const known = TYPES.find(t => t === type) ?? null
  if (known !== null) return known
  if (type === '') bucket.error('type', 'the bucket needs a type')
  else if (OTHER_TYPES.includes(type))
    bucket.error('type', `object storage type ${type} is not available, ${TYPES.join(', ')} are`)
  else bucket.error('type', `unknown object storage type ${JSON.stringify(type)}${didYouMean(type, TYPES)}`)
  return null
}

function readPrefix(bucket: MapReader): string {
  const prefix = bucket.text('prefix', '')
  const bare = prefix.replace(/^\/+|\/+$/g, '')
  if (bare !== '' && (bare.length > LONGEST_PREFIX || !PREFIX.test(bare)))
    bucket.error('prefix', `${JSON.stringify(prefix)} cannot be the prefix of keys`)
  return bare
}

function readSettings(
  type: (typeof TYPES)[number],
  settings: MapReader,
  prefix: string,
  files: Resolve,
): ObjectStorage {
  switch (type) {
    case 'FILESYSTEM':
      return { kind: 'filesystem', directory: needed(settings, 'directory', type), prefix }
    case 'S3':
      return readS3(settings, prefix, files)
    case 'GCS':
      return readGcs(settings, prefix, files)
    case 'AZURE':
      return readAzure(settings, prefix, files)
  }
}

function needed(settings: MapReader, key: string, type: string): string {
  const text = settings.text(key, '')
  if (text === '') settings.error(key, `object storage of type ${type} needs config with a ${key}`)
  return text
}

/** Text, or null when it is not there or empty: exported files spell out keys that nobody set. */
function optional(settings: MapReader, key: string): string | null {
  return settings.text(key, null) || null
}

function readS3(settings: MapReader, prefix: string, files: Resolve): S3Storage {
  const bucket = needed(settings, 'bucket', 'S3')
  const endpoint = settings.text('endpoint', '')
  const region = settings.text('region', '')
  if (endpoint.includes('/'))
    settings.error('endpoint', 'endpoint must be host or host:port; insecure says whether it is plain HTTP')
  if (endpoint === '' && region === '')
    settings.error('endpoint', 'object storage of type S3 needs an endpoint or a region')
  if (settings.bool('signature_version2', false))
    settings.error('signature_version2', 'signature version 2 is not available, version 4 is')
  if (optional(settings, 'sts_endpoint') !== null)
    settings.error(
      'sts_endpoint',
      'sts_endpoint is not available: the environment variable AWS_ENDPOINT_URL_STS says it',
    )
  const trace = settings.map('trace')
  if (trace?.bool('enable', false)) trace.warn('enable', 'trace has no effect')
  trace?.finish()
  // Endpoints are used as written, so whether they have two stacks is theirs.
  settings.bool('disable_dualstack', false)
  const { tls, maxConnections } = readHttp(settings, files, [])
  const disableMultipart = settings.bool('disable_multipart', false)
  const partSize = settings.size('part_size', 0) || PART
  if (partSize < SMALLEST_PART) settings.error('part_size', 'part_size must be at least 5MiB')
  return {
    kind: 's3',
    prefix,
    bucket,
    endpoint,
    region,
    insecure: settings.bool('insecure', false),
    credentials: readS3Credentials(settings),
    lookup: settings.oneOf('bucket_lookup_type', ['auto', 'path', 'virtual-hosted'], 'auto'),
    listVersion: settings.oneOf('list_objects_version', ['v1', 'v2', ''], 'v2') === 'v1' ? 1 : 2,
    contentMd5: settings.bool('send_content_md5', true),
    partSize: disableMultipart ? null : partSize,
    encryption: readEncryption(settings, files),
    metadata: readTexts(settings, 'put_user_metadata'),
    tls,
    maxConnections,
    maxAttempts: readAttempts(settings),
  }
}

function readS3Credentials(settings: MapReader): S3Storage['credentials'] {
  const accessKey = optional(settings, 'access_key')
  const secretKey = optional(settings, 'secret_key')
  const sessionToken = optional(settings, 'session_token')
  if (settings.bool('aws_sdk_auth', false) && accessKey !== null)
    settings.error('aws_sdk_auth', 'aws_sdk_auth and access_key exclude each other')
  if (accessKey !== null && secretKey !== null) return { accessKey, secretKey, sessionToken }
  if (accessKey !== null) settings.error('access_key', 'access_key needs a secret_key')
  else if (secretKey !== null) settings.error('secret_key', 'secret_key needs an access_key')
  else if (sessionToken !== null) settings.error('session_token', 'session_token needs access_key and secret_key')
  return null
}

function readEncryption(settings: MapReader, files: Resolve): S3Storage['encryption'] {
  const section = settings.map('sse_config')
  if (section === null) return null
  const kind = section.oneOf('type', ['SSE-S3', 'SSE-KMS', 'SSE-C', ''], '')
  const keyId = section.text('kms_key_id', '')
  const context = readTexts(section, 'kms_encryption_context')
  const keyFile = section.text('encryption_key', '')
  section.finish()
  if (kind === 'SSE-KMS' && keyId === '') section.error('kms_key_id', 'sse_config of type SSE-KMS needs a kms_key_id')
  if (kind === 'SSE-C' && keyFile === '')
    section.error('encryption_key', 'sse_config of type SSE-C needs encryption_key, the file that holds the key')
  switch (kind) {
    case 'SSE-S3':
      return { kind }
    case 'SSE-KMS':
      return { kind, keyId, context }
    case 'SSE-C':
      return { kind, keyFile: files(keyFile) }
    default:
      return null
  }
}

function readGcs(settings: MapReader, prefix: string, files: Resolve): GcsStorage {
  const serviceAccount = optional(settings, 'service_account')
  if (serviceAccount !== null && !isJsonObject(serviceAccount))
    settings.error('service_account', 'service_account must be the JSON of a key, not the name of a file')
  if (settings.bool('use_grpc', false)) settings.warn('use_grpc', 'use_grpc has no effect, requests go over HTTP')
  settings.count('grpc_conn_pool_size', 0)
  readHttp(settings, files, ['tls_config', 'insecure_skip_verify', 'max_conns_per_host'])
  const chunk = settings.size('chunk_size_bytes', 0)
  return {
    kind: 'gcs',
    prefix,
    bucket: needed(settings, 'bucket', 'GCS'),
    serviceAccount,
    chunkSize: chunk === 0 ? null : Math.ceil(chunk / CHUNK_UNIT) * CHUNK_UNIT,
    maxAttempts: readAttempts(settings),
  }
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

function readAzure(settings: MapReader, prefix: string, files: Resolve): AzureStorage {
  const credentials = readAzureCredentials(settings)
  const account = settings.text('storage_account', '')
  if (account === '' && credentials.kind !== 'connection-string')
    settings.error('storage_account', 'object storage of type AZURE needs config with a storage_account')
  const reader = settings.map('reader_config')
  reader?.count('max_retry_requests', 0)
  reader?.finish()
  const pipeline = settings.map('pipeline_config')
  const maxTries = pipeline?.count('max_tries', 0) ?? 0
  for (const key of ['try_timeout', 'retry_delay', 'max_retry_delay'])
    if (pipeline?.duration(key, 0)) pipeline.warn(key, `${key} has no effect`)
  pipeline?.finish()
  if (optional(settings, 'msi_resource') !== null) settings.warn('msi_resource', 'msi_resource has no effect')
  // A data lake answers as a blob store too.
  settings.oneOf('azure_storage_account_type', ['blob', 'datalake', ''], '')
  readHttp(settings, files, ['tls_config', 'insecure_skip_verify', 'max_conns_per_host'])
  return {
    kind: 'azure',
    prefix,
    account,
    container: needed(settings, 'container', 'AZURE'),
    endpoint: settings.text('endpoint', '') || 'blob.core.windows.net',
    credentials,
    createContainer: settings.bool('storage_create_container', true),
    maxAttempts: readAttempts(settings) ?? (maxTries || null),
  }
}

function readAzureCredentials(settings: MapReader): AzureStorage['credentials'] {
  const key = optional(settings, 'storage_account_key')
  const connection = optional(settings, 'storage_connection_string')
  const userId = optional(settings, 'user_assigned_id')
  const [tenantId, clientId, clientSecret] = ['az_tenant_id', 'client_id', 'client_secret'].map(k =>
    optional(settings, k),
  )
  const client = tenantId ?? clientId ?? clientSecret
  const given = Object.entries({
    storage_account_key: key,
    storage_connection_string: connection,
    user_assigned_id: userId,
    [tenantId !== null ? 'az_tenant_id' : clientId !== null ? 'client_id' : 'client_secret']: client,
  }).flatMap(([name, value]) => (value === null ? [] : [name]))
  if (given.length > 1) settings.error(given[1]!, `${given[0]} and ${given[1]} exclude each other`)
  if (key !== null) return { kind: 'key', key }
  if (connection !== null) return { kind: 'connection-string', text: connection }
  if (client === null) return { kind: 'managed', clientId: userId }
  if (tenantId === null || clientId === null || clientSecret === null)
    settings.error(given[0]!, 'az_tenant_id, client_id and client_secret belong together')
  return { kind: 'client-secret', tenantId: tenantId ?? '', clientId: clientId ?? '', clientSecret: clientSecret ?? '' }
}

/** 0 is the default, as in Thanos. */
function readAttempts(settings: MapReader): number | null {
  const retries = settings.count('max_retries', 0)
  return retries === 0 ? null : retries + 1
}

/** A map of free keys to text. */
function readTexts(settings: MapReader, key: string): Record<string, string> {
  const section = settings.map(key)
  if (section === null) return {}
  return Object.fromEntries(section.entries().map(([name]) => [name, section.text(name, '')]))
}

/** Times of connections and caps of idle ones are ours to choose. */
const NO_EFFECT = [
  ...['idle_conn_timeout', 'response_header_timeout', 'tls_handshake_timeout', 'expect_continue_timeout'],
  ...['max_idle_conns', 'max_idle_conns_per_host', 'disable_compression'],
]

function readHttp(
  settings: MapReader,
  files: Resolve,
  alsoWithoutEffect: readonly string[],
): { tls: StoreTls | null; maxConnections: number | null } {
  const section = settings.map('http_config')
  if (section === null) return { tls: null, maxConnections: null }
  const ignored = [...NO_EFFECT, ...alsoWithoutEffect].filter(key => section.has(key))
  if (ignored.length > 0) settings.warn('http_config', `no effect in http_config: ${ignored.join(', ')}`)
  const skip = section.bool('insecure_skip_verify', false)
  const tls = section.map('tls_config')
  const file = (key: string): string | null => {
    const path = tls === null ? null : optional(tls, key)
    return path === null ? null : files(path)
  }
  const read: StoreTls = {
    caFile: file('ca_file'),
    certFile: file('cert_file'),
    keyFile: file('key_file'),
    serverName: tls && optional(tls, 'server_name'),
    insecureSkipVerify: (tls?.bool('insecure_skip_verify', false) ?? false) || skip,
  }
  tls?.finish()
  if (tls !== null && (read.certFile === null) !== (read.keyFile === null))
    tls.error(
      read.certFile === null ? 'key_file' : 'cert_file',
      'a client certificate needs both cert_file and key_file',
    )
  const maxConnections = section.count('max_conns_per_host', 0) || null
  section.finish()
  return { tls: tls === null && !skip ? null : read, maxConnections }
}
