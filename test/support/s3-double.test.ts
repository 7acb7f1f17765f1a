/** The double is what our bucket is tested against, so it is itself tested with the SDK as Amazon ships it. */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after, before, beforeEach, test } from 'node:test'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { type S3Double, startS3Double } from './s3-double.ts'

const Bucket = 'fleet'
let double: S3Double
before(async () => {
  double = await startS3Double({ bucket: Bucket, accessKey: 'AK', secretKey: 'SK', pageSize: 2 })
})
after(() => double.close())
beforeEach(() => {
  double.objects.clear()
  double.log.length = 0
})

function client(change: S3ClientConfig = {}): S3Client {
  return new S3Client({
    endpoint: `http://${double.endpoint}`,
    region: 'eu-test-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: 'AK', secretAccessKey: 'SK' },
    ...change,
  })
}

const failsAs = (sent: Promise<unknown>, name: string) => assert.rejects(sent, { name })

test('what the SDK puts it gets, with its own checksums on', async () => {
  const s3 = client()
  await s3.send(new PutObjectCommand({ Bucket, Key: 'a b/ü+1', Body: 'body', Metadata: { who: 'me' } }))
  const { Body, Metadata } = await s3.send(new GetObjectCommand({ Bucket, Key: 'a b/ü+1' }))
  assert.deepEqual([await Body!.transformToString(), Metadata], ['body', { who: 'me' }])
  const part = await s3.send(new GetObjectCommand({ Bucket, Key: 'a b/ü+1', Range: 'bytes=1-2' }))
  assert.deepEqual([await part.Body!.transformToString(), part.ContentRange], ['od', 'bytes 1-2/4'])
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a b/ü+1' }))
  await failsAs(s3.send(new HeadObjectCommand({ Bucket, Key: 'a b/ü+1' })), 'NotFound')
  await failsAs(s3.send(new GetObjectCommand({ Bucket, Key: 'a b/ü+1' })), 'NoSuchKey')
})

for (const [what, change, name] of [
  ['another secret', { credentials: { accessKeyId: 'AK', secretAccessKey: 'SL' } }, 'SignatureDoesNotMatch'],
  ['an unknown key', { credentials: { accessKeyId: 'AL', secretAccessKey: 'SK' } }, 'InvalidAccessKeyId'],
  [
    'a session token nobody gave',
    { credentials: { accessKeyId: 'AK', secretAccessKey: 'SK', sessionToken: 't' } },
    'InvalidToken',
  ],
  ['a clock an hour ahead', { systemClockOffset: 3_600_000 }, 'RequestTimeTooSkewed'],
] as const)
  test(`refuses ${what}`, async () => {
    await failsAs(client(change).send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' })), name)
    assert.equal(double.objects.size, 0)
  })

test('refuses a body or a header changed on the way', async () => {
  const s3 = client()
  s3.middlewareStack.add(
    next => args => {
      const request = args.request as { headers: Record<string, string>; body: unknown }
      request.body = 'y'
      return next(args)
    },
    { step: 'finalizeRequest', priority: 'low', name: 'tamper' },
  )
  await failsAs(s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' })), 'XAmzContentSHA256Mismatch')
  await failsAs(client().send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ContentMD5: 'AAAA' })), 'BadDigest')
})

test('refuses what older stores do not know: chunked signatures', async () => {
  const put = new PutObjectCommand({ Bucket, Key: 'k', Body: Readable.from([Buffer.from('x')]), ContentLength: 1 })
  await failsAs(client().send(put), 'NotImplemented')
})

test('conditions', async () => {
  const s3 = client()
  const put = (Body: string, condition: { IfMatch?: string; IfNoneMatch?: string }) =>
    s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body, ...condition }))
  await failsAs(put('0', { IfMatch: '"x"' }), 'NoSuchKey')
  const { ETag } = await put('1', { IfNoneMatch: '*' })
  await failsAs(put('2', { IfNoneMatch: '*' }), 'PreconditionFailed')
  await put('3', { IfMatch: ETag! })
  await failsAs(put('4', { IfMatch: ETag! }), 'PreconditionFailed')
  assert.equal(double.objects.get('k')!.body.toString(), '3')
})

test('parts: too small, unknown, and whole', async () => {
  const s3 = client()
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'k' }))
  const part = async (PartNumber: number, size: number) => {
    const Body = Buffer.alloc(size, PartNumber)
    const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key: 'k', UploadId, PartNumber, Body }))
    return { PartNumber, ETag }
  }
  const complete = (Parts: { PartNumber: number; ETag: string | undefined }[]) =>
    s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'k', UploadId, MultipartUpload: { Parts } }))
  const [small, large, last] = [await part(1, 10), await part(2, 5 * 2 ** 20), await part(3, 10)]
  await failsAs(complete([small, large]), 'EntityTooSmall')
  await failsAs(complete([large, { ...last, ETag: small.ETag }]), 'InvalidPart')
  await failsAs(complete([last, large]), 'InvalidPartOrder')
  const { ETag } = await complete([large, last])
  assert.match(ETag!, /^"[0-9a-f]{32}-2"$/)
  assert.equal(double.objects.get('k')!.body.length, 5 * 2 ** 20 + 10)
  await failsAs(complete([large, last]), 'NoSuchUpload')
})

test('pages of a list', async () => {
  const s3 = client()
  for (const Key of ['a/1', 'a/2', 'a/3', 'b/1']) await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
  const first = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'a/' }))
  assert.deepEqual([first.Contents!.map(c => c.Key), first.IsTruncated], [['a/1', 'a/2'], true])
  const rest = { Bucket, Prefix: 'a/', ContinuationToken: first.NextContinuationToken }
  const second = await s3.send(new ListObjectsV2Command(rest))
  assert.deepEqual([second.Contents!.map(c => [c.Key, c.Size]), second.IsTruncated], [[['a/3', 1]], false])
})
