/** A configuration as YAML, defaults filled in and secrets masked: what `/config` shows. Reads as a configuration again. */
import { stringify } from 'yaml'
import { RELABEL_DEFAULTS, type RelabelRule } from '../labels/rule.ts'
import type {
  AzureStorage,
  Config,
  HttpClientConfig,
  ObjectStorage,
  ProfilingTarget,
  S3Storage,
  ScrapeConfig,
  ScrapeLimits,
  Secret,
  TlsConfig,
} from './types.ts'
import { formatDuration, formatSize } from './units.ts'

export const MASK = '<secret>'

type Tree = { readonly [key: string]: unknown }

export function formatConfig(config: Config): string {
  const { objectStorage, scrapeConfigs } = config
  const tree: Tree = {
    object_storage: objectStorage && {
      bucket: {
        type: objectStorage.kind.toUpperCase(),
        config: storageTree(objectStorage),
        prefix: objectStorage.prefix || null,
      },
    },
    scrape_configs: scrapeConfigs.map(jobTree),
  }
  return stringify(withoutNothing(tree), { lineWidth: 0, aliasDuplicateObjects: false })
}

function storageTree(storage: ObjectStorage): Tree {
  switch (storage.kind) {
    case 'filesystem':
      return { directory: storage.directory }
    case 's3':
      return s3Tree(storage)
    case 'gcs':
      return {
        bucket: storage.bucket,
        // Reads as a configuration again, so it stays JSON.
        service_account: storage.serviceAccount && JSON.stringify({ key: MASK }),
        chunk_size_bytes: storage.chunkSize,
        max_retries: retriesOf(storage),
      }
    case 'azure':
      return azureTree(storage)
  }
}

function s3Tree(storage: S3Storage): Tree {
  const { credentials, encryption, tls, maxConnections } = storage
  return {
    bucket: storage.bucket,
    endpoint: storage.endpoint || null,
    region: storage.region || null,
    insecure: storage.insecure,
    access_key: credentials?.accessKey ?? null,
    secret_key: credentials && MASK,
    session_token: credentials?.sessionToken == null ? null : MASK,
    bucket_lookup_type: storage.lookup,
    list_objects_version: `v${storage.listVersion}`,
    send_content_md5: storage.contentMd5,
    disable_multipart: storage.partSize === null,
    part_size: storage.partSize,
    sse_config: encryption && {
      type: encryption.kind,
      kms_key_id: encryption.kind === 'SSE-KMS' ? encryption.keyId : null,
      kms_encryption_context: encryption.kind === 'SSE-KMS' ? encryption.context : null,
      encryption_key: encryption.kind === 'SSE-C' ? encryption.keyFile : null,
    },
    put_user_metadata: storage.metadata,
    http_config: {
      max_conns_per_host: maxConnections,
      tls_config: tls && {
        ca_file: tls.caFile,
        cert_file: tls.certFile,
        key_file: tls.keyFile,
        server_name: tls.serverName,
        insecure_skip_verify: tls.insecureSkipVerify,
      },
    },
    max_retries: retriesOf(storage),
  }
}

function azureTree(storage: AzureStorage): Tree {
  const { credentials } = storage
  const isClient = credentials.kind === 'client-secret'
  return {
    storage_account: storage.account || null,
    storage_account_key: credentials.kind === 'key' ? MASK : null,
    storage_connection_string: credentials.kind === 'connection-string' ? MASK : null,
    user_assigned_id: credentials.kind === 'managed' ? credentials.clientId : null,
    az_tenant_id: isClient ? credentials.tenantId : null,
    client_id: isClient ? credentials.clientId : null,
    client_secret: isClient ? MASK : null,
    container: storage.container,
    endpoint: storage.endpoint,
    storage_create_container: storage.createContainer,
    max_retries: retriesOf(storage),
  }
}

const retriesOf = ({ maxAttempts }: { readonly maxAttempts: number | null }): number | null =>
  maxAttempts === null ? null : maxAttempts - 1

function jobTree(job: ScrapeConfig): Tree {
  return {
    job_name: job.jobName,
    scrape_interval: formatDuration(job.intervalMs),
    scrape_timeout: formatDuration(job.timeoutMs),
    scheme: job.scheme,
    params: Object.fromEntries(job.params.map(p => [p.name, p.values])),
    ...limitsTree(job.limits),
    ...httpTree(job.http),
    profiling_config: { pprof_config: Object.fromEntries(job.profiles.map(p => [p.name, profileTree(p)])) },
    relabel_configs: job.relabelRules.map(ruleTree),
    static_configs: job.staticGroups.map(group => ({
      targets: group.targets,
      labels: Object.fromEntries(group.labels.map(l => [l.name, l.value])),
    })),
  }
}

function profileTree(profile: ProfilingTarget): Tree {
  return {
    enabled: profile.enabled,
    path: profile.path || null,
    delta: profile.delta,
    seconds: profile.seconds,
    keep_sample_type: profile.keepSampleTypes,
  }
}

function ruleTree(rule: RelabelRule): Tree {
  const unlessDefault = (key: keyof RelabelRule) => (rule[key] === RELABEL_DEFAULTS[key] ? null : rule[key])
  return {
    source_labels: rule.sourceLabels,
    separator: unlessDefault('separator'),
    regex: unlessDefault('regex'),
    modulus: unlessDefault('modulus'),
    target_label: unlessDefault('targetLabel'),
    replacement: unlessDefault('replacement'),
    action: rule.action,
  }
}

function limitsTree(limits: ScrapeLimits): Tree {
  const size = (bytes: number | null) => (bytes === null ? null : formatSize(bytes))
  return {
    body_size_limit: size(limits.bodySize),
    sample_limit: limits.samples,
    stack_depth_limit: limits.stackDepth,
    label_limit: limits.labels,
    label_name_length_limit: size(limits.labelNameLength),
    label_value_length_limit: size(limits.labelValueLength),
    string_limit: limits.strings,
    string_length_limit: size(limits.stringLength),
    target_limit: limits.targets,
    keep_dropped_targets: limits.keepDroppedTargets,
  }
}

function httpTree(http: HttpClientConfig): Tree {
  const { basicAuth, authorization, tls } = http
  return {
    basic_auth: basicAuth && {
      ...plainTree('username', basicAuth.username),
      ...secretTree('password', basicAuth.password),
    },
    authorization: authorization && {
      type: authorization.type,
      ...secretTree('credentials', authorization.credentials),
    },
    tls_config: tls && tlsTree(tls),
    follow_redirects: http.followRedirects,
    enable_http2: http.enableHttp2,
    http_headers: Object.fromEntries(
      http.headers.map(({ name, values }) => [
        name,
        {
          values: values.flatMap(v => (v.kind === 'text' && !v.secret ? [v.text] : [])),
          secrets: values.flatMap(v => (v.kind === 'text' && v.secret ? [MASK] : [])),
          files: values.flatMap(v => (v.kind === 'file' ? [v.path] : [])),
        },
      ]),
    ),
  }
}

function tlsTree(tls: TlsConfig): Tree {
  const version = (v: string | null) => v && `TLS${v === 'TLSv1' ? '10' : v.slice(4).replace('.', '')}`
  return {
    ...plainTree('ca', tls.ca),
    ...plainTree('cert', tls.cert),
    ...secretTree('key', tls.key),
    server_name: tls.serverName,
    insecure_skip_verify: tls.insecureSkipVerify,
    min_version: version(tls.minVersion),
    max_version: version(tls.maxVersion),
  }
}

function plainTree(key: string, secret: Secret | null): Tree {
  if (secret === null) return {}
  return secret.kind === 'file' ? { [`${key}_file`]: secret.path } : { [key]: secret.text || null }
}

function secretTree(key: string, secret: Secret | null): Tree {
  return plainTree(key, secret?.kind === 'text' && secret.text !== '' ? { kind: 'text', text: MASK } : secret)
}

/** Leaves out null, empty lists and empty maps, so that what is shown is what is set. */
function withoutNothing(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNothing)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).flatMap(([key, inner]) => {
    const kept = withoutNothing(inner)
    const isEmpty = kept === null || (typeof kept === 'object' && Object.keys(kept).length === 0)
    return isEmpty ? [] : [[key, kept] as const]
  })
  return Object.fromEntries(entries)
}
