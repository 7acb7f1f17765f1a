/** The S3 client as configured. Loads the SDK: the only place that does. */
import { readFile } from 'node:fs/promises'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { S3Client } from '@aws-sdk/client-s3'
import type { S3Sdk } from './s3.ts'
import type { S3Bucket, StoreTls } from './settings.ts'

const CONNECTIONS = 64

export async function s3Client(settings: S3Bucket): Promise<{ sdk: S3Sdk; client: S3Client }> {
  const [sdk, tls] = await Promise.all([import('@aws-sdk/client-s3'), tlsOptions(settings.tls)])
  const { credentials, endpoint, region } = settings
  const connections = { keepAlive: true, maxSockets: settings.maxConnections ?? CONNECTIONS }
  const client = new sdk.S3Client({
    region:
      region || regionOf(endpoint) || process.env['AWS_REGION'] || process.env['AWS_DEFAULT_REGION'] || 'us-east-1',
    ...(endpoint === '' ? {} : { endpoint: urlOf(endpoint, settings.insecure) }),
    tls: !settings.insecure,
    forcePathStyle: usesPath(settings),
    ...(credentials === null
      ? {}
      : {
          credentials: {
            accessKeyId: credentials.accessKey,
            secretAccessKey: credentials.secretKey,
            ...(credentials.sessionToken === null ? {} : { sessionToken: credentials.sessionToken }),
          },
        }),
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    followRegionRedirects: false,
    requestHandler: {
      httpAgent: new HttpAgent(connections),
      httpsAgent: new HttpsAgent({ ...connections, ...tls }),
      connectionTimeout: 10_000,
      // Attempts have their time from the shell, which knows how long the body is.
      requestTimeout: 0,
      socketTimeout: 0,
    },
  })
  return { sdk, client }
}

/** `auto` is by host for Amazon, whose certificates cover it, and by path for all others. */
export function usesPath({ lookup, endpoint, bucket }: S3Bucket): boolean {
  if (lookup !== 'auto') return lookup === 'path'
  return bucket.includes('.') || (endpoint !== '' && !isAmazon(endpoint))
}

const isAmazon = (endpoint: string): boolean => /(^|\.)amazonaws\.com(\.cn)?(:\d+)?$/.test(hostOf(endpoint))

/** `s3.eu-west-1.amazonaws.com` and `s3.dualstack.eu-west-1.amazonaws.com` say their region. */
export function regionOf(endpoint: string): string | null {
  return /^s3[.-](?:dualstack\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com/.exec(hostOf(endpoint))?.[1] ?? null
}

const hostOf = (endpoint: string): string => endpoint.replace(/^https?:\/\//, '').replace(/\/.*$/, '')

function urlOf(endpoint: string, insecure: boolean): string {
  return /^https?:\/\//.test(endpoint) ? endpoint : `${insecure ? 'http' : 'https'}://${endpoint}`
}

async function tlsOptions(tls: StoreTls | null) {
  if (tls === null) return {}
  const file = async (path: string | null) => (path === null ? undefined : await readFile(path))
  const [ca, cert, key] = await Promise.all([file(tls.caFile), file(tls.certFile), file(tls.keyFile)])
  return {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(tls.serverName === null ? {} : { servername: tls.serverName }),
    rejectUnauthorized: !tls.insecureSkipVerify,
  }
}
