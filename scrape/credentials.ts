/**
 * What a request shows of who asks: headers and TLS material of a job. Files are read each time, so rotated secrets count
 * from the next request (certificates: from the next connection).
 */
import { readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import type { HttpClientConfig, Secret, TlsConfig } from '../pkg/config/types.ts'

/** A file named by the configuration cannot be read. */
export class MissingSecretError extends Error {
  constructor(what: string, path: string, cause: unknown) {
    super(`cannot read ${what} from ${path}: ${(cause as NodeJS.ErrnoException).code ?? cause}`, { cause })
    this.name = 'MissingSecretError'
  }
}

/** Header names in lower case, with their values. */
export async function credentialHeaders(http: HttpClientConfig): Promise<Record<string, string | string[]>> {
  const headers: Record<string, string | string[]> = {}
  for (const { name, values } of http.headers)
    headers[name.toLowerCase()] = await Promise.all(values.map(value => readSecret(value, `header ${name}`)))
  if (http.basicAuth !== null) {
    const username = await readSecret(http.basicAuth.username, 'the user name')
    const password = await readSecret(http.basicAuth.password, 'the password')
    headers['authorization'] = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  }
  if (http.authorization !== null) {
    const credentials = await readSecret(http.authorization.credentials, 'the credentials')
    headers['authorization'] = `${http.authorization.type} ${credentials}`
  }
  return headers
}

/** Options of a TLS connection; without the client certificate when `withClientCertificate` is false. */
export async function tlsOptions(tls: TlsConfig | null, withClientCertificate: boolean): Promise<ConnectionOptions> {
  if (tls === null) return {}
  const options: ConnectionOptions = { rejectUnauthorized: !tls.insecureSkipVerify }
  if (tls.ca !== null) options.ca = await readSecret(tls.ca, 'the certificate authorities')
  if (withClientCertificate && tls.cert !== null && tls.key !== null) {
    options.cert = await readSecret(tls.cert, 'the client certificate')
    options.key = await readSecret(tls.key, 'the client key')
  }
  if (tls.serverName !== null) options.servername = tls.serverName
  if (tls.minVersion !== null) options.minVersion = tls.minVersion
  if (tls.maxVersion !== null) options.maxVersion = tls.maxVersion
  return options
}

async function readSecret(secret: Secret, what: string): Promise<string> {
  if (secret.kind === 'text') return secret.text
  try {
    return (await readFile(secret.path, 'utf8')).trim()
  } catch (error) {
    throw new MissingSecretError(what, secret.path, error)
  }
}
