import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import { readBody, withoutAnswer } from './answer.ts'
import { StoreError } from './errors.ts'

const live = new AbortController().signal
const chunks = (...texts: string[]) => Readable.from(texts.map(text => Buffer.from(text)))
const failsAs = (read: Promise<unknown>, kind: string, message: string) =>
  assert.rejects(read, error => {
    assert.ok(error instanceof StoreError)
    assert.deepEqual([error.kind, error.message], [kind, message])
    return true
  })

test('a body is what was said', async () => {
  assert.equal(String(await readBody(chunks('ab', 'cd'), () => 4, live)), 'abcd')
  assert.equal(String(await readBody(chunks('abcd'), () => null, live)), 'abcd')
  assert.equal((await readBody(chunks(), () => 0, live)).byteLength, 0)
})

test('a body of another length is a broken connection', async () => {
  await failsAs(
    readBody(chunks('ab', 'c'), () => 4, live),
    'unavailable',
    'the body ended at 3 of 4 bytes',
  )
  await failsAs(
    readBody(chunks('abcde'), () => 4, live),
    'unavailable',
    'the body ended at 5 of 4 bytes',
  )
})

test('a body that is given up ends, and its stream with it', async () => {
  const stop = new AbortController()
  const stream = new PassThrough()
  stream.write('a')
  setImmediate(() => stop.abort())
  await failsAs(
    readBody(stream, () => 4, stop.signal),
    'canceled',
    'given up while reading',
  )
  assert.ok(stream.destroyed)
})

const withCode = (code: string, cause?: Error) => Object.assign(new Error('text', { cause }), { code })
for (const [what, thrown, kind] of [
  ['a broken connection', withCode('ECONNRESET'), 'unavailable'],
  ['one behind another', new TypeError('fetch failed', { cause: withCode('UND_ERR_SOCKET') }), 'unavailable'],
  ['a certificate', withCode('SELF_SIGNED_CERT_IN_CHAIN'), 'misconfigured'],
  ['a certificate that is over', withCode('CERT_HAS_EXPIRED'), 'misconfigured'],
  ['no credentials', new Error('Could not load the default credentials.'), 'denied'],
  ['anything else of an SDK', new Error('strange'), 'unavailable'],
] as const)
  test(`${what} is ${kind}`, () => assert.equal((withoutAnswer(thrown) as StoreError).kind, kind))

test('a mistake in the program stays one', () => {
  const mistake = new TypeError('x is not a function')
  assert.equal(withoutAnswer(mistake), mistake)
  assert.equal(withoutAnswer('text'), 'text')
})
