/**
 * A pprof body from a picture. A sample is a stack from the root to the leaf, its values, and labels:
 * `main;serve;read 3 40 {thread=main n:7}`; a stack of `-` is a sample without locations.
 */

import { writePprof } from './pprof-model.ts'
import type { ProfileView } from './profile-view.ts'

export interface PprofPicture extends Partial<Omit<ProfileView, 'samples' | 'locations' | 'functions' | 'mappings'>> {
  readonly samples: readonly string[]
}

/** Values are samples:count and cpu:nanoseconds, unless said otherwise; one location per function. */
export function pprofOf(picture: PprofPicture): Uint8Array {
  const functions: string[] = []
  const row = (name: string): number => {
    if (!functions.includes(name)) functions.push(name)
    return functions.indexOf(name)
  }
  const samples = picture.samples.map(text => {
    const match = /^(\S+)((?: -?\d+)+)(?: \{(.*)\})?$/.exec(text)
    if (match === null) throw new Error(`not a sample: ${text}`)
    const [, stack, values, labels = ''] = match
    return {
      stack: stack === '-' ? [] : stack!.split(';').map(row).reverse(),
      values: values!.trim().split(' ').map(BigInt),
      labels: labels
        .split(' ')
        .filter(l => l !== '')
        .map(l => {
          const [, key, op, value] = /^([^=:]*)([=:])(.*)$/.exec(l)!
          return op === '='
            ? { key: key!, string: value!, number: 0n, unit: '' }
            : { key: key!, string: null, number: BigInt(value!), unit: '' }
        }),
    }
  })
  const ids = functions.map((_, i) => BigInt(i + 1))
  return writePprof({
    view: {
      sampleTypes: ['samples/count', 'cpu/nanoseconds'],
      periodType: 'cpu/nanoseconds',
      period: 10_000_000n,
      timeNanos: 1_700_000_000_000_000_000n,
      durationNanos: 10_000_000_000n,
      defaultSampleType: '',
      dropFrames: '',
      keepFrames: '',
      comments: [],
      docUrl: '',
      ...picture,
      mappings: [],
      functions: functions.map(name => ({ name, systemName: name, file: '', startLine: 0 })),
      locations: functions.map((_, i) => ({ mapping: -1, address: BigInt(i), lines: [{ function: i, line: 0 }] })),
      samples,
    },
    mappingIds: [],
    functionIds: ids,
    locationIds: ids,
    packed: true,
    mix: null,
    unknownFields: false,
  })
}
