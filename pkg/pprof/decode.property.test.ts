import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Profile } from 'pprof-format'
import { pprofModel, writePprof } from '../../test/support/pprof-model.ts'
import { viewOfColumns, viewOfPprofFormat, withoutSigns } from '../../test/support/profile-view.ts'
import { RequestError } from '../base/errors.ts'
import { decodePprof } from './decode.ts'
import { encodeInputOf, encodeRaw } from './encode.ts'

const limits = { samples: 0, strings: 0, stringLength: 0 }

test('any profile written plainly decodes to what was written', () => {
  fc.assert(
    fc.property(pprofModel, model => {
      assert.deepEqual(viewOfColumns(decodePprof(writePprof(model), limits)), model.view)
    }),
    { numRuns: 300 },
  )
})

test('decode ∘ encode gives the same profile, but for messages that say nothing', () => {
  fc.assert(
    fc.property(pprofModel, model => {
      const once = decodePprof(writePprof(model), limits)
      const view = viewOfColumns(once)
      for (const location of view.locations) {
        location.lines = location.lines.filter(line => line.function >= 0 || line.line !== 0)
      }
      const raw = encodeRaw(encodeInputOf(once))
      assert.deepEqual(viewOfColumns(decodePprof(raw, limits)), view)
      assert.deepEqual(encodeRaw(encodeInputOf(once)), raw)
    }),
    { numRuns: 300 },
  )
})

test('what pprof-format writes decodes as pprof-format decodes it, negative numbers aside', () => {
  fc.assert(
    fc.property(pprofModel, model => {
      const raw = encodeRaw(encodeInputOf(decodePprof(writePprof(model), limits)))
      const ours = viewOfColumns(decodePprof(raw, limits))
      const theirs = viewOfPprofFormat(Profile.decode(raw))
      assert.deepEqual(withoutSigns(ours), withoutSigns(theirs))
    }),
    { numRuns: 200 },
  )
})

test('a body cut short anywhere, or with any bit turned, is decoded or refused', () => {
  fc.assert(
    fc.property(pprofModel, fc.nat(), (model, seed) => {
      const raw = writePprof({ ...model, unknownFields: false })
      for (let length = 0; length < raw.length; length += 1 + (seed % 3)) attempt(raw.subarray(0, length))
      let state = seed
      for (let i = 0; i < 200; i++) {
        const turned = Uint8Array.from(raw)
        for (let n = 0; n <= i % 3; n++) {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
          const at = (state >>> 3) % (raw.length || 1)
          if (i % 2) turned[at]! ^= 1 << (state & 7)
          else turned[at] = [0xff, 0x80, 0x7f, 0x00][state & 3]!
        }
        attempt(turned)
      }
    }),
    { numRuns: 40 },
  )
})

/** Whatever is taken must hold what the columns promise. */
function attempt(raw: Uint8Array): void {
  try {
    const p = decodePprof(raw, limits)
    const { samples, locations, functions, mappings, strings } = p
    assert.equal(samples.location.length, samples.locationStart[samples.length])
    assert.equal(samples.value.length, samples.length * p.sampleTypes.length)
    inRange(samples.location, 0, locations.length)
    inRange(samples.labelKey, 0, strings.length)
    inRange(samples.labelString, -1, strings.length)
    inRange(locations.mapping, -1, mappings.length)
    inRange(locations.lineFunction, -1, functions.length)
    inRange(functions.name, 0, strings.length)
    for (let i = 0; i < strings.length; i++)
      assert.ok(strings.start[i]! <= strings.end[i]! && strings.end[i]! <= raw.length)
  } catch (error) {
    if (error instanceof RequestError && error.code === 'invalid_argument' && / at byte \d+/.test(error.message)) return
    throw error
  }
}

function inRange(column: Int32Array, from: number, to: number): void {
  for (const row of column) assert.ok(row >= from && row < to)
}
