/**
 * Every profile of the corpus: what we decode is its golden text, is what pprof-format and Go's pprof decode, and
 * survives being encoded.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Profile } from 'pprof-format'
import { decodePprof } from '../pkg/pprof/decode.ts'
import { decompressBodySync } from '../pkg/pprof/decompress.ts'
import { encodeInputOf, encodeProfile } from '../pkg/pprof/encode.ts'
import { pruneFrames } from '../pkg/pprof/prune.ts'
import { goTool, rawSamplesOf, rawSamplesOfView } from './support/pprof-raw.ts'
import { profileText } from './support/profile-text.ts'
import { viewOfColumns, viewOfPprofFormat, withoutSigns } from './support/profile-view.ts'

const folder = join(import.meta.dirname, 'corpus')
const limits = { samples: 200_000, strings: 1_000_000, stringLength: 65_536 }
const bodies = readdirSync(folder).filter(name => name.endsWith('.pb.gz'))
const go = goTool()
const withoutGo = go === null ? 'Go is not installed: not compared with go tool pprof -raw' : false

assert.ok(bodies.length >= 10, 'the corpus is there')

for (const name of bodies) {
  const path = join(folder, name)
  const raw = decompressBodySync(readFileSync(path), 2 ** 26)
  const profile = decodePprof(raw, limits)
  const view = viewOfColumns(profile)

  test(`${name} decodes to its text`, () => {
    const golden = path.replace(/\.pb\.gz$/, '.txt')
    if (process.env['UPDATE_GOLDENS']) writeFileSync(golden, profileText(view))
    assert.equal(profileText(view), readFileSync(golden, 'utf8'))
  })

  test(`${name} decodes as pprof-format decodes it, signs aside`, () => {
    assert.deepEqual(withoutSigns(view), viewOfPprofFormat(Profile.decode(raw)))
  })

  test(`${name} survives being encoded`, () => {
    const again = decompressBodySync(encodeProfile(encodeInputOf(profile)), 2 ** 26)
    assert.deepEqual(viewOfColumns(decodePprof(again, limits)), view)
  })

  test(`${name} decodes as Go decodes it`, { skip: withoutGo }, () => {
    assert.deepEqual(rawSamplesOfView(view), rawSamplesOf(go!, path))
  })

  test(`${name} is pruned as Go prunes it`, { skip: withoutGo }, () => {
    const dropFrames = 'runtime\\.(malloc|gc|mcall|newobject).*|.*[sS]ort.*|compress/.*|rank|alloc::.*'
    const keepFrames = 'sort\\.Slice|runtime\\.gcStart'
    const body = encodeProfile({ ...encodeInputOf(profile), dropFrames, keepFrames })
    const temporary = mkdtempSync(join(tmpdir(), 'decima-corpus-'))
    try {
      const dropping = join(temporary, name)
      writeFileSync(dropping, body)
      const pruned = pruneFrames(decodePprof(decompressBodySync(body, 2 ** 26), limits))
      assert.equal(pruned.refusedPatterns, 0)
      assert.deepEqual(rawSamplesOfView(viewOfColumns(pruned.profile)), rawSamplesOf(go!, dropping))
    } finally {
      rmSync(temporary, { recursive: true })
    }
  })
}
