import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createFrames, type FrameFields, frameCount, internFrame, nameKey, viewFrames } from './frame-table.ts'

const small = fc.integer({ min: -1, max: 2 })
const frame: fc.Arbitrary<FrameFields> = fc.record(
  {
    functionName: small,
    systemName: small,
    file: small,
    line: fc.constantFrom(0, 1, 2 ** 32, 2 ** 32 + 1, -1),
    startLine: fc.nat(2),
    addressLow: fc.constantFrom(0, 1, -(2 ** 31), -1),
    addressHigh: fc.constantFrom(0, 1, -1),
    inlined: fc.nat(1),
    mapping: small,
    buildId: small,
  },
  { noNullPrototype: true },
)

/** The rules in words: what makes two frames one. */
function identity(f: FrameFields, keepAddresses: boolean): string {
  const parts = [f.buildId, f.functionName, f.systemName, f.file, f.line, f.inlined]
  if (f.functionName < 0 || keepAddresses) parts.push(f.addressLow, f.addressHigh)
  if (f.functionName < 0) parts.push(f.mapping)
  return parts.join()
}

for (const keepAddresses of [false, true]) {
  test(`one id for each identity, addresses ${keepAddresses ? 'kept' : 'dropped'}`, () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 200 }), list => {
        const frames = createFrames(keepAddresses)
        const ids = new Map<string, number>()
        const first: FrameFields[] = []
        for (const f of list) {
          const key = identity(f, keepAddresses)
          if (!ids.has(key)) {
            ids.set(key, ids.size)
            first.push(f)
          }
          assert.equal(internFrame(frames, f), ids.get(key))
        }
        for (const f of list) assert.equal(internFrame(frames, f), ids.get(identity(f, keepAddresses)), 'found again')
        assert.equal(frameCount(frames), ids.size)
        const view = viewFrames(frames, ids.size)
        first.forEach((f, id) => {
          const address = BigInt.asUintN(64, (BigInt(f.addressHigh) << 32n) | BigInt(f.addressLow >>> 0))
          const seen = [
            view.functionName[id],
            view.systemName[id],
            view.file[id],
            view.line[id],
            view.startLine[id],
            view.address[id],
            view.inlined[id],
            view.mapping[id],
            view.buildId[id],
            frames.key.array[id],
          ]
          assert.deepEqual(seen, [
            f.functionName,
            f.systemName,
            f.file,
            f.line,
            f.startLine,
            f.functionName < 0 || keepAddresses ? address : 0n,
            f.inlined,
            f.mapping,
            f.buildId,
            nameKey(f.functionName, f.systemName, id),
          ])
        })
      }),
      { numRuns: 100 },
    )
  })
}

test('a frame goes by its function, else its system name, else itself', () => {
  assert.equal(nameKey(4, 5, 6), 4)
  assert.equal(nameKey(-1, 5, 6), 5)
  assert.equal(nameKey(-1, -1, 6), -7)
  assert.equal(nameKey(0, 5, 6), 0)
})

test('tens of thousands of addresses', () => {
  const frames = createFrames(false)
  const at = (i: number): FrameFields => ({
    functionName: -1,
    systemName: -1,
    file: -1,
    line: 0,
    startLine: 0,
    addressLow: (i * 0x40000) | 0,
    addressHigh: i % 3,
    inlined: 0,
    mapping: 1,
    buildId: 2,
  })
  for (let round = 0; round < 2; round++) for (let i = 0; i < 30_000; i++) assert.equal(internFrame(frames, at(i)), i)
})
