import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { azureToken, STORAGE_RESOURCE } from './azure-token.ts'
import { StoreError } from './errors.ts'

const root = mkdtempSync(join(tmpdir(), 'decima-azure-token-'))
let asked: { url: string; headers: Record<string, unknown>; body: string }[] = []
let answer = { status: 200, body: JSON.stringify({ access_token: 'granted', expires_in: '3600' }) }
const server = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  asked.push({ url: request.url!, headers: request.headers, body })
  response.writeHead(answer.status)
  response.end(answer.body)
})
let host: string

before(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => {
  rmSync(root, { recursive: true, force: true })
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  asked = []
})

const STORAGE = encodeURIComponent(STORAGE_RESOURCE)
const SCOPE = `${STORAGE}.default`

test('an application has a secret', async () => {
  const credentials = { kind: 'client-secret', tenantId: 't/1', clientId: 'c', clientSecret: 's+1' } as const
  const { token, expiresOnTimestamp } = await azureToken(credentials, { AZURE_AUTHORITY_HOST: `${host}/` }).getToken()
  assert.equal(token, 'granted')
  assert.ok(Math.abs(expiresOnTimestamp - Date.now() - 3_600_000) < 60_000)
  assert.equal(asked[0]!.url, '/t%2F1/oauth2/v2.0/token')
  assert.equal(asked[0]!.body, `grant_type=client_credentials&scope=${SCOPE}&client_id=c&client_secret=s%2B1`)
})

test('a pod has a token file, read each time', async () => {
  const path = join(root, 'token')
  const environment = {
    AZURE_AUTHORITY_HOST: host,
    AZURE_FEDERATED_TOKEN_FILE: path,
    AZURE_TENANT_ID: 't',
    AZURE_CLIENT_ID: 'c',
  }
  const { getToken } = azureToken({ kind: 'managed', clientId: null }, environment)
  for (const text of ['jwt1', 'jwt2']) {
    writeFileSync(path, `${text}\n`)
    await getToken()
  }
  const assertions = asked.map(({ body }) => new URLSearchParams(body).get('client_assertion'))
  assert.deepEqual(assertions, ['jwt1', 'jwt2'])
})

test('an app service has an endpoint', async () => {
  const environment = { IDENTITY_ENDPOINT: `${host}/msi/token`, IDENTITY_HEADER: 'h' }
  await azureToken({ kind: 'managed', clientId: 'c' }, environment).getToken()
  assert.equal(asked[0]!.url, `/msi/token?api-version=2019-08-01&client_id=c&resource=${STORAGE}`)
  assert.equal(asked[0]!.headers['x-identity-header'], 'h')
})

test('a machine has its metadata service', async () => {
  const environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST: host }
  await azureToken({ kind: 'managed', clientId: null }, environment).getToken()
  assert.equal(asked[0]!.url, `/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${STORAGE}`)
  assert.equal(asked[0]!.headers['metadata'], 'true')
})

for (const [status, body, kind, message] of [
  [401, '{"error":"invalid_client","error_description":"secret s"}', 'denied', 'no token of Azure: 401 invalid_client'],
  [503, 'busy', 'unavailable', 'no token of Azure: 503'],
  [200, '{}', 'denied', 'no token of Azure: 200'],
] as const)
  test(`an answer of ${status} ${body}`, async () => {
    answer = { status, body }
    const environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST: host }
    await assert.rejects(azureToken({ kind: 'managed', clientId: null }, environment).getToken(), error => {
      assert.ok(error instanceof StoreError)
      assert.deepEqual([error.kind, error.message], [kind, message])
      return true
    })
  })
