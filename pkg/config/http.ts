/** The keys of a job that say how its requests are made: who we are, whom we trust, what is sent along. */
import { dirname, isAbsolute, join } from 'node:path'
import type { MapReader } from './reader.ts'
import type { Authorization, BasicAuth, HttpClientConfig, HttpHeader, Secret, TlsConfig, TlsVersion } from './types.ts'

const NOT_YET = ['oauth2', 'proxy_url', 'no_proxy', 'proxy_from_environment', 'proxy_connect_header']

/** Headers that the request itself or other keys decide. */
const RESERVED_HEADERS = [
  ...['accept-encoding', 'authorization', 'connection', 'content-encoding', 'content-length', 'content-type', 'host'],
  ...['keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['user-agent', 'www-authenticate', 'x-prometheus-scrape-timeout-seconds'],
]

export function readHttpClient(job: MapReader, file: string): HttpClientConfig {
  const files = (path: string): string => (isAbsolute(path) ? path : join(dirname(file), path))
  const basicAuth = readBasicAuth(job, files)
  const authorization = readAuthorization(job, files)
  if (basicAuth !== null && authorization !== null)
    job.error('basic_auth', 'basic_auth and authorization (or bearer_token) exclude each other')
  const tls = readTls(job, files)
  const headers = readHeaders(job, files)
  for (const key of NOT_YET) job.refuse(key, `${key} is not available in this version`)
  return {
    basicAuth,
    authorization,
    tls,
    followRedirects: job.bool('follow_redirects', true),
    enableHttp2: job.bool('enable_http2', true),
    headers,
  }
}

type Resolve = (path: string) => string

/** A value or the file that holds it, never both. */
function readSecret(section: MapReader, key: string, fileKey: string, resolve: Resolve): Secret | null {
  const text = section.text(key, null)
  const path = section.text(fileKey, null)
  if (text !== null && path !== null) section.error(fileKey, `${key} and ${fileKey} exclude each other`)
  if (path !== null) return { kind: 'file', path: resolve(path) }
  return text === null ? null : { kind: 'text', text }
}

function readBasicAuth(job: MapReader, resolve: Resolve): BasicAuth | null {
  const section = job.map('basic_auth')
  if (section === null) return null
  const empty: Secret = { kind: 'text', text: '' }
  const username = readSecret(section, 'username', 'username_file', resolve) ?? empty
  const password = readSecret(section, 'password', 'password_file', resolve) ?? empty
  section.finish()
  return { username, password }
}

function readAuthorization(job: MapReader, resolve: Resolve): Authorization | null {
  const bearer = readSecret(job, 'bearer_token', 'bearer_token_file', resolve)
  const section = job.map('authorization')
  if (section === null) return bearer === null ? null : { type: 'Bearer', credentials: bearer }
  if (bearer !== null) job.error('authorization', 'authorization and bearer_token exclude each other')
  const type = section.text('type', 'Bearer')
  const credentials = readSecret(section, 'credentials', 'credentials_file', resolve)
  section.finish()
  if (type.toLowerCase() === 'basic') section.error('type', 'for basic authentication use basic_auth')
  if (credentials === null) section.error('credentials', 'authorization needs credentials or credentials_file')
  return { type, credentials: credentials ?? { kind: 'text', text: '' } }
}

const TLS_VERSIONS: Readonly<Record<string, TlsVersion>> = {
  TLS10: 'TLSv1',
  TLS11: 'TLSv1.1',
  TLS12: 'TLSv1.2',
  TLS13: 'TLSv1.3',
}

function readTls(job: MapReader, resolve: Resolve): TlsConfig | null {
  const section = job.map('tls_config')
  if (section === null) return null
  const version = (key: string): TlsVersion | null => {
    const name = section.oneOf(key, Object.keys(TLS_VERSIONS), null)
    return name === null ? null : TLS_VERSIONS[name]!
  }
  const tls: TlsConfig = {
    ca: readSecret(section, 'ca', 'ca_file', resolve),
    cert: readSecret(section, 'cert', 'cert_file', resolve),
    key: readSecret(section, 'key', 'key_file', resolve),
    serverName: section.text('server_name', null),
    insecureSkipVerify: section.bool('insecure_skip_verify', false),
    minVersion: version('min_version'),
    maxVersion: version('max_version'),
  }
  section.finish()
  if ((tls.cert === null) !== (tls.key === null))
    section.error(tls.cert === null ? 'key_file' : 'cert_file', 'a client certificate needs both cert and key')
  if (tls.minVersion !== null && tls.maxVersion !== null && tls.minVersion > tls.maxVersion)
    section.error('max_version', 'max_version is below min_version')
  return tls
}

function readHeaders(job: MapReader, resolve: Resolve): HttpHeader[] {
  const section = job.map('http_headers')
  if (section === null) return []
  return section.entries().map(([name, { keyPlace }]) => {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name))
      section.problems.error(keyPlace, `${JSON.stringify(name)} is not a valid header name`)
    else if (RESERVED_HEADERS.includes(name.toLowerCase()))
      section.problems.error(keyPlace, `header ${name} cannot be set here`)
    const entry = section.map(name)
    if (entry === null) return { name, values: [] }
    const texts = (key: string, secret: boolean): HttpHeader['values'] =>
      entry.texts(key).map(node => {
        if (/[\0\r\n]/.test(node.source)) section.problems.error(node.place, 'a header value must be one line')
        return { kind: 'text', text: node.source, secret }
      })
    const values = [
      ...texts('values', false),
      ...texts('secrets', true),
      ...entry.texts('files').map(node => ({ kind: 'file' as const, path: resolve(node.source), secret: true })),
    ]
    entry.finish()
    return { name, values }
  })
}
