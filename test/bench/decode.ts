/**
 * Decoding pprof into columns, beside pprof-format on the same uncompressed bodies: time a profile, throughput, and the
 * ratio; then the peak of memory over many profiles and, with --large, over one that fills the limits.
 *
 *   node test/bench/decode.ts [--large]
 *
 * Target: 12 times the speed of pprof-format on the standard load.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { gunzipSync } from 'node:zlib'
import { Profile } from 'pprof-format'
import { decodePprof } from '../../pkg/pprof/decode.ts'
import { decompressBodySync } from '../../pkg/pprof/decompress.ts'
import { encodeProfile } from '../../pkg/pprof/encode.ts'
import { corpusFunctions, STANDARD, syntheticProfile } from '../support/synthetic-profile.ts'

const large = process.argv.includes('--large')
const limits = { samples: 200_000, strings: 1_000_000, stringLength: 65_536 }
const MIB = 2 ** 20

const functions = corpusFunctions()
const standard = Array.from({ length: large ? 400 : 40 }, (_, seed) =>
  Buffer.from(
    encodeProfile(syntheticProfile({ ...STANDARD, seed: seed + 1, samples: 203 + ((seed * 67) % 200) }, functions)),
  ),
)
const corpus = join(import.meta.dirname, '../corpus')
const real = readdirSync(corpus)
  .filter(name => name.endsWith('.pb.gz'))
  .map(name => readFileSync(join(corpus, name)))

/** Best of many short rounds after one to warm up, ms for one body: what a busy machine does to most of them is left out. */
function msPerBody(bodies: readonly Uint8Array[], rounds: number, run: (body: Uint8Array) => void): number {
  let best = Infinity
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now()
    for (const body of bodies) run(body)
    best = Math.min(best, (performance.now() - start) / bodies.length)
  }
  return best
}

function compare(name: string, gzipped: readonly Buffer[]): void {
  const bodies = gzipped.map(body => decompressBodySync(body, 0))
  const bytes = bodies.reduce((sum, body) => sum + body.length, 0) / bodies.length
  const rounds = Math.ceil((large ? 40_000 : 8000) / bodies.length)
  const ours = msPerBody(bodies, rounds, body => decodePprof(body, limits))
  const theirs = msPerBody(bodies, Math.ceil(rounds / 8), body => Profile.decode(body))
  const gunzip = msPerBody(gzipped, Math.ceil(rounds / 4), body => gunzipSync(body))
  const decompress = msPerBody(gzipped, Math.ceil(rounds / 4), body => decompressBodySync(body, 0))
  console.log(`${name}: ${bodies.length} bodies of ${(bytes / 1024).toFixed(1)} KiB`)
  const row = (what: string, ms: number, ratio: string) => {
    const speed = `${Math.round(1000 / ms)} profiles/s  ${(bytes / ms / 1000).toFixed(0)} MB/s`
    console.log(`  ${what.padEnd(14)} ${ms.toFixed(4)} ms  ${speed}  ${ratio}`)
  }
  row('decode', ours, `${(theirs / ours).toFixed(1)} × pprof-format, ${(ours / gunzip).toFixed(2)} of gunzipSync`)
  row('pprof-format', theirs, '')
  row('decompress', decompress, `${(decompress / gunzip).toFixed(2)} of gunzipSync`)
}

/** Peak of memory while `run` goes over the bodies, MiB above what was there before. */
function peak(what: string, run: () => void): void {
  globalThis.gc?.()
  const before = process.memoryUsage.rss()
  run()
  const rss = process.memoryUsage.rss()
  console.log(`  ${what}: ${((rss - before) / MIB).toFixed(0)} MiB above ${(before / MIB).toFixed(0)} MiB`)
}

compare('standard load', standard)
compare('corpus', real)
console.log('memory')
const bodies = standard.map(body => decompressBodySync(body, 0))
peak(`after ${large ? 40_000 : 4000} profiles of the standard load`, () => {
  for (let i = 0; i < (large ? 40_000 : 4000); i++) decodePprof(bodies[i % bodies.length]!, limits)
})
if (large) {
  const one = decompressBodySync(
    encodeProfile(syntheticProfile({ ...STANDARD, samples: 200_000, depth: 100 }, functions)),
    0,
  )
  peak(`one profile of 200,000 samples, ${(one.length / MIB).toFixed(0)} MiB`, () => {
    const start = performance.now()
    decodePprof(one, limits)
    console.log(`  one profile of 200,000 samples: ${(performance.now() - start).toFixed(0)} ms`)
  })
}
