/**
 * Tokens for Azure without an account key: of an application (tenant, client, secret), of a pod (a token file that the
 * platform renews), of an app service, or of the machine (its metadata service). The SDK keeps a token until it is due.
 */
import { readFile } from 'node:fs/promises'
import { describe, kindOfStatus, StoreError } from './errors.ts'
import type { AzureCredentials } from './settings.ts'

/** What a token is asked for. */
export const STORAGE_RESOURCE = 'https://storage.azure.com/'
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

interface Token {
  readonly token: string
  readonly expiresOnTimestamp: number
}

export function azureToken(
  credentials: Extract<AzureCredentials, { kind: 'client-secret' | 'managed' }>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): { getToken(): Promise<Token> } {
  return { getToken: () => ask(credentials, environment) }
}

async function ask(
  credentials: Extract<AzureCredentials, { kind: 'client-secret' | 'managed' }>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Token> {
  const authority = (env['AZURE_AUTHORITY_HOST'] ?? 'https://login.microsoftonline.com').replace(/\/$/, '')
  if (credentials.kind === 'client-secret') {
    const { tenantId, clientId, clientSecret } = credentials
    return await grant(authority, tenantId, { client_id: clientId, client_secret: clientSecret })
  }
  const clientId = credentials.clientId ?? env['AZURE_CLIENT_ID'] ?? null
  const [file, tenant] = [env['AZURE_FEDERATED_TOKEN_FILE'], env['AZURE_TENANT_ID']]
  if (file !== undefined && tenant !== undefined && clientId !== null) {
    const assertion = (await readFile(file, 'utf8')).trim()
    const claims = { client_assertion_type: ASSERTION, client_assertion: assertion }
    return await grant(authority, tenant, { client_id: clientId, ...claims })
  }
  const who: Record<string, string> = credentials.clientId === null ? {} : { client_id: credentials.clientId }
  const [endpoint, secret] = [env['IDENTITY_ENDPOINT'], env['IDENTITY_HEADER']]
  if (endpoint !== undefined && secret !== undefined)
    return await metadata(endpoint, { 'api-version': '2019-08-01', ...who }, { 'x-identity-header': secret })
  const host = env['AZURE_POD_IDENTITY_AUTHORITY_HOST'] ?? 'http://169.254.169.254'
  const path = `${host.replace(/\/$/, '')}/metadata/identity/oauth2/token`
  return await metadata(path, { 'api-version': '2018-02-01', ...who }, { metadata: 'true' })
}

async function grant(authority: string, tenant: string, claims: Record<string, string>): Promise<Token> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    scope: `${STORAGE_RESOURCE}.default`,
    ...claims,
  })
  return await tokenOf(
    await fetch(`${authority}/${encodeURIComponent(tenant)}/oauth2/v2.0/token`, { method: 'POST', body }),
  )
}

async function metadata(url: string, query: Record<string, string>, headers: Record<string, string>): Promise<Token> {
  return await tokenOf(
    await fetch(`${url}?${new URLSearchParams({ ...query, resource: STORAGE_RESOURCE })}`, { headers }),
  )
}

interface TokenAnswer {
  readonly access_token?: string
  readonly expires_in?: number | string
  readonly error?: string
}

async function tokenOf(response: Response): Promise<Token> {
  const answer = (await response.json().catch(() => ({}))) as TokenAnswer
  if (!response.ok || answer.access_token === undefined) {
    const kind = kindOfStatus(response.status) === 'unavailable' ? 'unavailable' : 'denied'
    throw new StoreError(kind, `no token of Azure: ${describe(response.status, answer.error, '')}`)
  }
  return { token: answer.access_token, expiresOnTimestamp: Date.now() + 1000 * Number(answer.expires_in ?? 300) }
}
