import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { appendWrites, createHead, headCounts, viewHead } from '../../frostdb/head/head.ts'
import { headSource } from '../../frostdb/scan/head-source.ts'
import type { ProfileWrite } from '../../frostdb/writer.ts'
import { createSimClock } from '../../test/support/clock.ts'
import { askMerged, T0 } from '../../test/support/memory-store.ts'
import { type PprofPicture, pprofOf } from '../../test/support/pprof-picture.ts'
import { formatTree } from '../../test/support/stacks.ts'
import { formatProfileType } from '../profile/type.ts'
import type { IngestLimits, IngestOptions } from './contract.ts'
import { createIngest, createIngestCounters, type IngestSettings } from './ingest.ts'

const NOW = 1_700_000_100_000
const HOUR = 3_600_000
const limits: IngestLimits = {
  bodySize: 1 << 20,
  samples: 1000,
  stackDepth: 64,
  labels: 8,
  labelNameLength: 20,
  labelValueLength: 30,
  strings: 1000,
  stringLength: 100,
}

/** A write path that keeps what it hands to the store. */
function path(settings: Partial<IngestSettings> = {}) {
  const written: (readonly ProfileWrite[])[] = []
  const counters = createIngestCounters()
  const ingest = createIngest({
    clock: createSimClock(NOW),
    sampleLabels: new Set(['trace_id', 'pid']),
    retentionMs: 24 * HOUR,
    counters,
    writer: {
      write: async writes => {
        written.push([...writes])
        return { repeated: 0 }
      },
    },
    ...settings,
  })
  const take = (
    picture: PprofPicture | Uint8Array,
    options: Partial<IngestOptions> = {},
    labels: Readonly<Record<string, string>> = { __name__: 'process_cpu', job: 'api' },
  ) =>
    ingest.ingest(
      [
        {
          body: picture instanceof Uint8Array ? picture : pprofOf(picture),
          labels: Object.entries(labels).map(([name, value]) => ({ name, value })),
        },
      ],
      optionsOf(options),
    )
  return { ingest, written, counters, take, last: () => written.at(-1)![0]! }
}

const optionsOf = (options: Partial<IngestOptions> = {}): IngestOptions => ({
  source: 'push',
  startedMs: NOW - 5000,
  keepSampleTypes: null,
  durationNanos: null,
  limits,
  ...options,
})

/** What is written of one profile, read back through a head: the series and the merged tree of the first value. */
function readBack(write: ProfileWrite): string {
  const head = createHead(1, { keepAddresses: false })
  appendWrites(head, [write])
  const source = headSource(viewHead(head, headCounts(head)), new Map())
  const query = `{__name__="${formatProfileType(write.types[0]!.type)}"}`
  const selection = { kind: 'merge', query, range: { start: 0n, end: T0 * 2n } } as const
  return formatTree(askMerged([source], 'function', { selection }).tree).replace(/ +total/g, ' total')
}

const typesOf = (write: ProfileWrite): string[] => write.types.map(t => formatProfileType(t.type))
const seriesOf = (write: ProfileWrite): string[] =>
  write.series.map(
    ({ labels, samples }) =>
      `${labels.map(l => `${l.name}=${l.value}`).join(' ')} ← ${samples === null ? 'all' : [...samples].sort()}`,
  )

test('a profile becomes a write: types, time, duration, period, labels', async () => {
  const { take, last, counters } = path()
  assert.deepEqual(await take({ samples: ['main;a 1 10', 'main;b 2 20'] }), { samples: 2, repeated: 0 })
  const { timeNanos, durationNanos, period, stackDepth } = last()
  assert.deepEqual(
    { timeNanos, durationNanos, period, stackDepth },
    { timeNanos: 1_700_000_000_000_000_000n, durationNanos: 10_000_000_000n, period: 10_000_000n, stackDepth: 64 },
  )
  assert.deepEqual(typesOf(last()), [
    'process_cpu:samples:count:cpu:nanoseconds:delta',
    'process_cpu:cpu:nanoseconds:cpu:nanoseconds:delta',
  ])
  assert.deepEqual(seriesOf(last()), ['job=api ← all'])
  assert.equal(
    readBack(last()),
    ['root total 3  self 0', '  main total 3  self 0', '    a total 1  self 1', '    b total 2  self 2'].join('\n'),
  )
  assert.deepEqual(counters, { ...createIngestCounters(), profiles: 1, samples: 2 })
})

test('a body may be gzip', async () => {
  const { take, last } = path()
  await take(gzipSync(pprofOf({ samples: ['main 1 1'] })))
  assert.equal(readBack(last()), 'root total 1  self 0\n  main total 1  self 1')
})

const AT = 1_000_000n
const now = BigInt(NOW) * AT
for (const [name, timeNanos, refusal] of [
  ['missing', 0n, /^time_nanos is not set/],
  ['negative', -5n, /^time_nanos -5 is before 1970/],
  ['over 10 minutes ahead', now + 600_001n * AT, /is more than 10 minutes ahead of the server's clock$/],
  ['the last there is', 2n ** 63n - 1n, /is more than 10 minutes ahead/],
  [
    'before the retention',
    now - BigInt(24 * HOUR + 1) * AT,
    /is older than the retention \(--storage-retention-time\)$/,
  ],
] as const) {
  test(`a time that is ${name}: a push is refused, a scrape takes its own start`, async () => {
    const { take, written, last, counters } = path()
    await assert.rejects(take({ samples: ['a 1 1'], timeNanos }), { code: 'invalid_argument', message: refusal })
    assert.equal(written.length, 0)
    await take({ samples: ['a 1 1'], timeNanos }, { source: 'scrape', startedMs: NOW - 5000.7 })
    assert.equal(last().timeNanos, BigInt(NOW - 5001) * AT)
    assert.equal(counters.timesReplaced, 1)
    assert.equal(last().repeatKey === null, timeNanos === 0n)
  })
}

for (const [name, timeNanos, retentionMs] of [
  ['ten minutes ahead', now + 600_000n * AT, 24 * HOUR],
  ['as old as the retention', now - BigInt(24 * HOUR) * AT, 24 * HOUR],
  ['of any age without retention', 1n, 0],
  ['with nanoseconds', now - 123n, 24 * HOUR],
] as const) {
  test(`a time ${name} is taken as it is`, async () => {
    const { take, last, counters } = path({ retentionMs })
    for (const source of ['push', 'scrape'] as const) {
      await take({ samples: ['a 1 1'], timeNanos }, { source })
      assert.equal(last().timeNanos, timeNanos)
    }
    assert.equal(counters.timesReplaced, 0)
  })
}

for (const [durationNanos, asked, want, delta] of [
  [10n, null, 10n, true],
  [10n, 5n, 10n, true],
  [0n, 5n, 5n, true],
  [0n, null, 0n, false],
  [-1n, null, 0n, false],
  [-1n, 7n, 7n, true],
] as const) {
  test(`duration ${durationNanos}, asked for ${asked}: ${delta ? 'delta' : 'a point'} of ${want}`, async () => {
    const { take, last } = path()
    await take({ samples: ['a 1 1'], durationNanos }, { durationNanos: asked })
    assert.equal(last().durationNanos, want)
    assert(last().types.every(t => t.type.delta === delta))
  })
}

test('only the sample types that are to be kept are', async () => {
  const { take, last, written } = path()
  const keep = (type: string, unit: string) => ({
    keepSampleTypes: [
      { type: 'x', unit: 'y' },
      { type, unit },
    ],
  })
  await take({ samples: ['a 1 22'] }, keep('cpu', 'nanoseconds'))
  assert.deepEqual(typesOf(last()), ['process_cpu:cpu:nanoseconds:cpu:nanoseconds:delta'])
  assert.equal(readBack(last()), 'root total 22  self 0\n  a total 22  self 22')
  await assert.rejects(take({ samples: ['a 1 22'] }, keep('cpu', 'count')), {
    code: 'invalid_argument',
    message: "keep_sample_type keeps none of the profile's sample types (samples/count, cpu/nanoseconds)",
  })
  await assert.rejects(take({ samples: [], sampleTypes: [] }), { message: 'the profile has no sample types' })
  assert.equal(written.length, 1)
})

test('a missing period type leaves its parts empty', async () => {
  const { take, last } = path()
  await take({ samples: ['a 1 1'], periodType: '/', period: 0n })
  assert.deepEqual(typesOf(last()), ['process_cpu:samples:count:::delta', 'process_cpu:cpu:nanoseconds:::delta'])
  assert.equal(last().period, 0n)
  assert.equal(readBack(last()), 'root total 1  self 0\n  a total 1  self 1')
})

test('parts of a type that could not be asked for are refused', async () => {
  const { take, written } = path()
  for (const [picture, labels, message] of [
    [{}, { __name__: 'a:b' }, /^__name__ "a:b" holds a colon/],
    [{ sampleTypes: ['cpu:x/ns', 'b/c'] }, { __name__: 'n' }, /^sample type "cpu:x" holds a colon/],
    [{ periodType: 'cpu/n:s' }, { __name__: 'n' }, /^period unit "n:s" holds a colon/],
  ] as const) {
    await assert.rejects(take({ samples: ['a 1 1'], ...picture } as PprofPicture, {}, labels), {
      code: 'invalid_argument',
      message,
    })
  }
  assert.equal(written.length, 0)
})

test('samples without locations count', async () => {
  const { take, last } = path()
  await take({ samples: ['- 5 5', 'a 1 1'] })
  assert.equal(readBack(last()), 'root total 6  self 5\n  a total 1  self 1')
  await take({ samples: ['- 5 5'] })
  assert.equal(readBack(last()), 'root total 5  self 5')
  await take({ samples: [] })
  assert.equal(readBack(last()), 'root total 0  self 0')
})

test('drop_frames takes leaves away and no value; keep_frames keeps some; a bad pattern is ignored and counted', async () => {
  const samples = ['main;serve;malloc;mmap 1 1', 'main;malloc_keep;x 2 2', 'main;serve 4 4']
  const { take, last, counters } = path()
  await take({ samples, dropFrames: 'malloc.*', keepFrames: 'malloc_keep' })
  assert.equal(
    readBack(last()),
    [
      'root total 7  self 0',
      '  main total 7  self 0',
      '    malloc_keep total 2  self 0',
      '      x total 2  self 2',
      '    serve total 5  self 5',
    ].join('\n'),
  )
  assert.equal(counters.patternsIgnored, 0)
  await take({ samples: ['main;malloc 1 1'], dropFrames: '(' })
  assert.equal(readBack(last()), 'root total 1  self 0\n  main total 1  self 0\n    malloc total 1  self 1')
  assert.equal(counters.patternsIgnored, 1)
})

/** The body with each `?` of its strings as a byte that is no UTF-8. */
function broken(picture: PprofPicture): Uint8Array {
  return pprofOf(picture).map(byte => (byte === 0x3f ? 0xff : byte))
}

test('strings that are not UTF-8 are stored with U+FFFD, and counted', async () => {
  const { take, last, counters } = path()
  await take(broken({ samples: ['main;caf? 1 1 {zone=o?t}', 'main;caf\ufffd 2 2 {zone=o\ufffdt}'] }))
  assert.deepEqual(seriesOf(last()), ['job=api zone=o\ufffdt ← all'])
  assert.equal(readBack(last()), 'root total 3  self 0\n  main total 3  self 0\n    caf\ufffd total 3  self 3')
  assert.equal(counters.stringsMended, 2)
  await take({ samples: ['größe 1 1'] })
  assert.equal(counters.stringsMended, 2)
})

test('strings beyond the limit are cut between characters, and counted', async () => {
  const { take, last, counters } = path()
  await take({ samples: [`${'ö'.repeat(60)} 1 1`, `${'ö'.repeat(50)} 2 2`] })
  assert.equal(readBack(last()), `root total 3  self 0\n  ${'ö'.repeat(50)} total 3  self 3`)
  assert.equal(counters.stringsCut, 1)
  assert.equal(counters.stringsMended, 0)
})

for (const [name, picture, message] of [
  ['samples', { samples: Array(1001).fill('a 1 1') }, /\(--sample-limit 1000\)/],
  ['strings', { samples: Array.from({ length: 1000 }, (_, i) => `f${i} 1 1`) }, /\(--string-limit 1000\)/],
  ['body', { samples: ['a 1 1'], comments: Array(20_000).fill('c') }, /\(--body-size-limit 20000\)/],
] as const) {
  test(`a profile of too many ${name} is refused, naming the limit and the number`, async () => {
    const { take, written } = path()
    const bodySize = name === 'body' ? 20_000 : limits.bodySize
    await assert.rejects(take(picture, { limits: { ...limits, bodySize } }), { message })
    assert.equal(written.length, 0)
  })
}

test('a stack deeper than the limit keeps its innermost frames', async () => {
  const { take, last } = path()
  await take({ samples: ['a;b;c;d;e 1 1'] }, { limits: { ...limits, stackDepth: 3 } })
  assert.equal(
    readBack(last()),
    [
      'root total 1  self 0',
      '  [truncated] total 1  self 0',
      '    c total 1  self 0',
      '      d total 1  self 0',
      '        e total 1  self 1',
    ].join('\n'),
  )
})

test('labels of samples make no series beyond the limit of a head; known ones and targets go on', async () => {
  const { take, last } = path()
  const head = createHead(1, { keepAddresses: false, maxSeries: 5 })
  const store = async (samples: string[], job = 'api') => {
    await take({ samples }, {}, { __name__: 'process_cpu', job })
    appendWrites(head, [last()])
  }
  await store(['a 1 1 {user=1}', 'b 2 2 {user=2}'])
  await store(['a 4 4 {user=3}', 'b 8 8 {user=2}', 'c 16 16'])
  await store(['a 32 32'], 'web')
  assert.equal(head.demoted, 1)
  const view = viewHead(head, headCounts(head))
  const source = headSource(view, new Map())
  const total = (matchers: string): string => {
    const query = `process_cpu:samples:count:cpu:nanoseconds:delta{${matchers}}`
    const selection = { kind: 'merge', query, range: { start: 0n, end: T0 * 2n } } as const
    return /total (\d+)/.exec(formatTree(askMerged([source], 'function', { selection }).tree))![1]!
  }
  assert.deepEqual(['', 'user="1"', 'user="2"', 'user="3"', 'job="api",user=""', 'job="web"'].map(total), [
    '63',
    '1',
    '10',
    '0',
    '20',
    '32',
  ])
})

test('several profiles are taken whole or not at all, and the message says which was wrong', async () => {
  const { ingest, written, counters } = path()
  const profile = (body: Uint8Array) => ({ body, labels: [{ name: '__name__', value: 'cpu' }] })
  const good = profile(pprofOf({ samples: ['a 1 1', 'b 1 1'] }))
  assert.deepEqual(await ingest.ingest([good, good, good], optionsOf()), { samples: 6, repeated: 0 })
  assert.equal(written[0]!.length, 3)
  for (const bad of [Uint8Array.of(0x0a, 0x7f), pprofOf({ samples: ['a 1 1'], timeNanos: 0n })]) {
    await assert.rejects(ingest.ingest([good, good, profile(bad)], optionsOf()), {
      code: 'invalid_argument',
      message: /^profile 2: /,
    })
  }
  assert.equal(written.length, 1)
  assert.equal(counters.profiles, 3)
  assert.deepEqual(await ingest.ingest([], optionsOf()), { samples: 0, repeated: 0 })
})

test('the same labels and body make the same repeat key, anything else another', async () => {
  const { take, last } = path()
  const key = async (...args: Parameters<typeof take>) => {
    await take(...args)
    return last().repeatKey
  }
  const samples = ['a 1 1']
  const first = await key({ samples })
  assert.equal(await key(gzipSync(pprofOf({ samples }))), first)
  assert.equal(await key({ samples }, {}, { job: 'api', __name__: 'process_cpu' }), first)
  assert.equal(await key({ samples }, {}, { job: 'api', __name__: 'process_cpu', none: '' }), first)
  const others = [
    await key({ samples: ['a 1 2'] }),
    await key({ samples, timeNanos: 1_700_000_000_000_000_001n }),
    await key({ samples }, {}, { __name__: 'process_cpu', job: 'web' }),
    await key({ samples }, {}, { __name__: 'other', job: 'api' }),
  ]
  assert.equal(new Set([first, ...others]).size, 5)
  assert.equal(await key({ samples, timeNanos: 0n }, { source: 'scrape' }), null)
})

test('repeats that the store tells of are counted', async () => {
  const counters = createIngestCounters()
  const { take } = path({ counters, writer: { write: async writes => ({ repeated: [...writes].length }) } })
  assert.deepEqual(await take({ samples: ['a 1 1'] }), { samples: 1, repeated: 1 })
  assert.deepEqual([counters.profiles, counters.repeated], [0, 1])
})

test('what the store refuses is refused, and not counted as taken', async () => {
  const counters = createIngestCounters()
  const error = new Error('full')
  const { take } = path({ counters, writer: { write: () => Promise.reject(error) } })
  await assert.rejects(take({ samples: ['a 1 1'] }), error)
  assert.deepEqual(counters, createIngestCounters())
})
