import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import { stackOf, writeOf } from '../../test/support/profile-write.ts'
import { appendWrites, createHead, headCounts, viewHead } from '../head/head.ts'
import { headSource } from './head-source.ts'
import type { Snapshot } from './snapshot.ts'
import { createPacker, createUnpacker, type PackedSnapshot } from './transfer.ts'

const profileOf = (stack: string, value: bigint) =>
  writeOf({
    types: ['process_cpu:cpu:nanoseconds:cpu:nanoseconds:delta'],
    series: [{ labels: { job: 'api' } }],
    samples: [{ stack: stackOf(stack), values: [value] }],
    timeNanos: 5_000_000n,
  })

function posted(packed: PackedSnapshot): PackedSnapshot {
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(packed)
  const { message } = receiveMessageOnPort(port2)!
  port1.close()
  return message as PackedSnapshot
}

test('a head arrives as it is; its buffers go over once', () => {
  const head = createHead(3, { keepAddresses: false })
  const pack = createPacker()
  const unpack = createUnpacker()
  const snapshot = (): Snapshot => ({
    blocks: [{ ulid: 'one', directory: '/blocks/one', minTime: 1, maxTime: 2 }],
    heads: [viewHead(head, headCounts(head))],
  })
  appendWrites(head, [profileOf('serve < main', 3n)])
  const first = pack(snapshot())
  assert.ok(first.fresh.length > 20)
  assert.deepEqual(unpack(posted(first)), snapshot())

  appendWrites(head, [profileOf('read < main', 5n)])
  const second = pack(snapshot())
  assert.deepEqual(second.fresh, [])
  const received = unpack(posted(second))
  assert.deepEqual(received, snapshot())
  assert.equal(headSource(received.heads[0]!, new Map()).profiles.length, 2)
})

test('a buffer that has grown goes over anew, the old one is forgotten', () => {
  const pack = createPacker()
  const unpack = createUnpacker()
  const column = (rows: number) => new Int32Array(new SharedArrayBuffer(rows * 4)).fill(rows)
  const snapshot = (stack: Int32Array) => ({ blocks: [], heads: [{ stack }] }) as unknown as Snapshot
  const small = column(4)
  const large = column(8)
  assert.equal(pack(snapshot(small)).live.length, 1)
  const grown = pack(snapshot(large))
  assert.equal(grown.fresh.length, 1)
  assert.deepEqual(unpack(posted(grown)), snapshot(large))
  assert.deepEqual(pack(snapshot(large)).fresh, [])
})
