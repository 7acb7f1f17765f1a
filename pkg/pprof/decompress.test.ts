import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { hex } from '../../test/support/protobuf.ts'
import { decompressBody, decompressBodySync } from './decompress.ts'

const MIB = 2 ** 20
const plain = Buffer.from('one profile, '.repeat(20))
const half = Buffer.from('and another')

const repeated = Buffer.from('abcabcabcabcabcabcabcabc-xyz')
/** Frames of `repeated` by the lz4 tool: plain, and with its length and checksums of blocks and content. */
const lz4Plain = hex('04224d18 6040 82 0d000000 3f616263 0300 01 50632d78797a 00000000')
const lz4Checked = hex(
  '04224d18 7c40 1c00000000000000 af 0d000000 3f616263 0300 01 50632d78797a 5c4afa08 00000000 0361f814',
)

for (const [what, body, want] of [
  ['not compressed', plain, plain],
  ['gzip', gzipSync(plain), plain],
  ['gzip of several members', Buffer.concat([gzipSync(plain), gzipSync(half)]), Buffer.concat([plain, half])],
  ['gzip of nothing', gzipSync(''), Buffer.alloc(0)],
  ['zstd', zstdCompressSync(plain), plain],
  [
    'zstd of several frames',
    Buffer.concat([zstdCompressSync(plain), zstdCompressSync(half)]),
    Buffer.concat([plain, half]),
  ],
  ['LZ4', lz4Plain, repeated],
  ['LZ4 with checksums', lz4Checked, repeated],
  ['LZ4 of several frames', Buffer.concat([lz4Checked, lz4Plain]), Buffer.concat([repeated, repeated])],
  ['LZ4 of a stored block', hex('04224d18 6040 82 02000080 6869 00000000'), Buffer.from('hi')],
  ['LZ4 of a long run', lz4Zeros(100_000), Buffer.alloc(100_000)],
] as const) {
  test(`takes a body: ${what}`, async () => {
    assert.deepEqual(Buffer.from(decompressBodySync(body, MIB)), want)
    assert.deepEqual(Buffer.from(await decompressBody(body, MIB)), want)
    assert.deepEqual(Buffer.from(decompressBodySync(body, 0)), want)
    assert.deepEqual(Buffer.from(decompressBodySync(body, want.length || 1)), want)
  })
}

test('a body that is not compressed is not copied', () => {
  assert.equal(decompressBodySync(plain, MIB), plain)
})

test('a large body comes out the same by way of the thread pool', async () => {
  const large = Buffer.from(Array.from({ length: 3 * MIB }, (_, i) => (i * i * 31 + (i >> 7)) & 0xff))
  for (const body of [Buffer.concat([gzipSync(large), gzipSync(half)]), zstdCompressSync(large)]) {
    assert.deepEqual(Buffer.from(await decompressBody(body, 8 * MIB)), Buffer.from(decompressBodySync(body, 8 * MIB)))
  }
})

for (const [what, body] of [
  ['not compressed', Buffer.alloc(2 * MIB)],
  ['gzip', gzipSync(Buffer.alloc(2 * MIB))],
  ['gzip in members that fit each', Buffer.concat([1, 2, 3].map(() => gzipSync(Buffer.alloc(MIB / 2))))],
  ['gzip that lies about its length', lying(gzipSync(Buffer.alloc(2 * MIB)))],
  ['large gzip', gzipSync(Buffer.from(Array.from({ length: 2 * MIB }, (_, i) => Math.imul(i, 2_654_435_761) >>> 13)))],
  ['zstd', zstdCompressSync(Buffer.alloc(2 * MIB))],
  ['LZ4', lz4Zeros(2 * MIB)],
] as const) {
  test(`refuses more than the limit: ${what}`, async () => {
    const message = {
      code: 'invalid_argument',
      message: `body: more than ${MIB} bytes uncompressed (--body-size-limit ${MIB})`,
    }
    assert.throws(() => decompressBodySync(body, MIB), message)
    await assert.rejects(decompressBody(body, MIB), message)
  })
}

for (const [what, body, message] of [
  ['gzip cut short', gzipSync(plain).subarray(0, -3), 'body: gzip: truncated'],
  ['gzip with a header alone', hex('1f8b'), 'body: gzip: truncated'],
  [
    'gzip whose second member is cut short',
    Buffer.concat([gzipSync(plain), gzipSync(half).subarray(0, 14)]),
    'body: gzip: truncated',
  ],
  ['gzip with a wrong checksum', turned(gzipSync(plain), -6), 'body: gzip: incorrect data check'],
  ['zstd cut short', zstdCompressSync(plain).subarray(0, -3), 'body: zstd: truncated'],
  ['LZ4 cut short', lz4Zeros(1000).subarray(0, -6), /^body: lz4: truncated at byte \d+$/],
  [
    'LZ4 that reaches back too far',
    hex('04224d18604082 04000000 1061 0500 00000000'),
    /^body: lz4: match at distance 5 at byte \d+$/,
  ],
] as const) {
  test(`refuses ${what}`, async () => {
    assert.throws(() => decompressBodySync(body, MIB), { name: 'RequestError', code: 'invalid_argument', message })
    await assert.rejects(decompressBody(body, MIB), { name: 'RequestError', code: 'invalid_argument', message })
  })
}

test('cut short at every byte: bytes or an error, never a crash', () => {
  for (const body of [gzipSync(plain), zstdCompressSync(plain), lz4Zeros(5000), lz4Plain]) {
    for (let length = 0; length < body.length; length++) {
      try {
        decompressBodySync(body.subarray(0, length), MIB)
      } catch (error) {
        assert.equal((error as Error).name, 'RequestError')
      }
    }
  }
})

function turned(body: Buffer, at: number): Buffer {
  body[body.length + at]! ^= 1
  return body
}

/** The length at its end says 10. */
function lying(body: Buffer): Buffer {
  body.writeUInt32LE(10, body.length - 4)
  return body
}

/** A frame of one block that is one zero and a match as long as it takes. */
function lz4Zeros(length: number): Buffer {
  const match = length - 1 - 4 - 15
  const run = [0x1f, 0, 1, 0, ...Array.from({ length: Math.floor(match / 255) }, () => 255), match % 255, 0x00]
  const size = Buffer.alloc(4)
  size.writeUInt32LE(run.length)
  return Buffer.concat([hex('04224d18604082'), size, Buffer.from(run), hex('00000000')])
}
