/** A configuration as YAML, defaults filled in and secrets masked: what `/config` shows. Reads as a configuration again. */
import { stringify } from 'yaml'
import { RELABEL_DEFAULTS, type RelabelRule } from '../labels/rule.ts'
import type {
  Config,
  HttpClientConfig,
  ProfilingTarget,
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
        config: { directory: objectStorage.directory },
        prefix: objectStorage.prefix || null,
      },
    },
    scrape_configs: scrapeConfigs.map(jobTree),
  }
  return stringify(withoutNothing(tree), { lineWidth: 0, aliasDuplicateObjects: false })
}

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
