/** Checks AWS Signature Version 4 of a request as S3 does, written from the signing rules and sharing no code with the SDK. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export interface KeyPair {
  readonly secretKey: string
  readonly sessionToken?: string
}

/** null = the signature is right; else the code and text of S3's refusal. */
export type Refusal = { readonly status: number; readonly code: string; readonly message: string } | null

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/
const LONGEST_SKEW_MS = 15 * 60_000

export function checkSignature(
  request: IncomingMessage,
  body: Buffer,
  keys: ReadonlyMap<string, KeyPair>,
  now: number,
): Refusal {
  const found = AUTHORIZATION.exec(request.headers.authorization ?? '')
  if (found === null) return refuse('AccessDenied', 'the request is not signed')
  const [, accessKey, day, region, signedHeaders, signature] = found as unknown as string[]
  const pair = keys.get(accessKey!)
  if (pair === undefined) return refuse('InvalidAccessKeyId', 'the access key is not known')
  if ((request.headers['x-amz-security-token'] ?? undefined) !== pair.sessionToken)
    return refuse('InvalidToken', 'the session token is not the one of the key')

  const date = String(request.headers['x-amz-date'])
  const time = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (!date.startsWith(day!) || !(Math.abs(time - now) <= LONGEST_SKEW_MS))
    return refuse('RequestTimeTooSkewed', 'the clocks are too far apart')

  const payload = String(request.headers['x-amz-content-sha256'])
  if (payload.startsWith('STREAMING-'))
    return { status: 501, code: 'NotImplemented', message: 'chunked signatures are not supported' }
  if (payload !== 'UNSIGNED-PAYLOAD' && payload !== sha256(body))
    return { status: 400, code: 'XAmzContentSHA256Mismatch', message: 'the body is not the one that was signed' }

  const names = signedHeaders!.split(';')
  for (const must of ['host', 'x-amz-date', 'x-amz-content-sha256'])
    if (!names.includes(must)) return refuse('AccessDenied', `${must} is not signed`)
  for (const name of Object.keys(request.headers))
    if (name.startsWith('x-amz-') && !names.includes(name)) return refuse('AccessDenied', `${name} is not signed`)

  const scope = `${day}/${region}/s3/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical(request, names, payload))].join('\n')
  const key = [day!, region!, 's3', 'aws4_request'].reduce<Buffer | string>(hmac, `AWS4${pair.secretKey}`)
  const isRight = timingSafeEqual(hmac(key, toSign), Buffer.from(signature!, 'hex'))
  return isRight ? null : refuse('SignatureDoesNotMatch', 'the signature is another')
}

function canonical(request: IncomingMessage, names: readonly string[], payload: string): string {
  const [path, query = ''] = request.url!.split('?') as [string, string?]
  const parameters = query
    .split('&')
    .filter(part => part !== '')
    .map(part => (part.includes('=') ? part : `${part}=`))
    .toSorted()
  const headers = names.map(name => `${name}:${String(request.headers[name]).trim().replaceAll(/ +/g, ' ')}\n`)
  return [request.method, path, parameters.join('&'), headers.join(''), names.join(';'), payload].join('\n')
}

const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex')
const hmac = (key: Buffer | string, data: string): Buffer => createHmac('sha256', key).update(data).digest()
const refuse = (code: string, message: string): Refusal => ({ status: 403, code, message })
