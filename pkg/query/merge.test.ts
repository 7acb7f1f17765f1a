import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  askMerged,
  CPU,
  everywhere,
  HEAP,
  NANOS,
  type PictureProfile,
  profileOf,
  SECOND,
  T0,
} from '../../test/support/memory-store.ts'
import { formatTree, lines } from '../../test/support/stacks.ts'
import type { MergeSelection, SingleSelection } from './engine.ts'
import type { StackTree } from './result.ts'

const all = { start: T0 - 1000n * SECOND, end: T0 + 1000n * SECOND }
const merge = (query: string = CPU, range = all): MergeSelection => ({ kind: 'merge', query, range })

/** Pictures are compared without the blanks that bring their columns in line. */
const plain = (picture: string): string => picture.replace(/ +total/g, ' total')
const sameTree = (tree: StackTree, ...want: string[]): void =>
  assert.equal(plain(formatTree(tree)), plain(lines(...want)))

function mergesTo(profiles: PictureProfile[], selection: MergeSelection | SingleSelection, ...want: string[]): void {
  everywhere(profiles, sources => {
    sameTree(askMerged(sources, 'function', { selection }).tree, ...want)
  })
}

test('merge adds equal stacks', () => {
  mergesTo(
    [
      profileOf(['main;serve;read 3', 'main;gc 1']),
      profileOf(['main;serve;read 2', 'main;serve 7'], { timeNanos: T0 + 10n * SECOND }),
      profileOf(['main;gc 4'], { timeNanos: T0 + 20n * SECOND, labels: { job: 'web' } }),
    ],
    merge(),
    'root         total 17  self 0',
    '  main       total 17  self 0',
    '    gc       total 5  self 5',
    '    serve    total 12  self 7',
    '      read   total 5  self 5',
  )
})

test('by function, frames of one function are one node and keep what they share', () => {
  const profiles = [
    profileOf(['a@x.go:1;b@y.go:5 1', 'a@x.go:2;b@y.go:5 2', 'a@x.go:1;c@z.go:1 4']),
    profileOf(['a@x.go:2;c@z.go:9 8'], { timeNanos: T0 + SECOND }),
  ]
  mergesTo(
    profiles,
    merge(),
    'root          total 15  self 0',
    '  a@x.go      total 15  self 0',
    '    b@y.go:5  total 3  self 3',
    '    c@z.go    total 12  self 12',
  )
})

test('by frame, siblings differ in line, file, inlining and mapping', () => {
  const profiles = [
    profileOf(['bin!a@x.go:1;bin!~b@y.go:5 1', 'bin!a@x.go:2;b@y.go:5 2']),
    profileOf(['bin!a@x.go:1;b@w.go:5 4', 'bin!a@x.go:1;b@y.go:5 16'], { timeNanos: T0 + SECOND }),
  ]
  everywhere(
    [profileOf(['bin!a@x.go:1;~bin!b@y.go:5 1']), ...profiles.map(p => ({ ...p, stacks: p.stacks.slice(1) }))],
    sources => {
      sameTree(
        askMerged(sources, 'frame', { selection: merge() }).tree,
        'root                  total 19  self 0',
        '  bin!a@x.go:1        total 17  self 0',
        '    b@y.go:5          total 16  self 16',
        '    ~bin!b@y.go:5     total 1  self 1',
        '  bin!a@x.go:2        total 2  self 0',
        '    b@y.go:5          total 2  self 2',
      )
    },
  )
})

test('frames without a name are apart by address and mapping', () => {
  mergesTo(
    [
      profileOf(['m!0x10;m!0x20 1', 'm!0x10;m!0x30 2', 'n!0x10 4']),
      profileOf(['m!0x10;m!0x20 8'], { timeNanos: T0 + SECOND }),
    ],
    merge(),
    'root          total 15  self 0',
    '  m!0x10      total 11  self 0',
    '    m!0x20    total 9  self 9',
    '    m!0x30    total 2  self 2',
    '  n!0x10      total 4  self 4',
  )
})

test('samples without a stack count at the root', () => {
  mergesTo(
    [profileOf(['- 3', 'main 1']), profileOf(['- 4'], { timeNanos: T0 + SECOND })],
    merge(),
    'root    total 8  self 7',
    '  main  total 1  self 1',
  )
})

test('negative values add up', () => {
  mergesTo(
    [profileOf(['main;a -5', 'main;c 2']), profileOf(['main;a 2', '- -1'], { timeNanos: T0 + SECOND })],
    merge(),
    'root     total -2  self -1',
    '  main   total -1  self 0',
    '    a    total -3  self -3',
    '    c    total 2  self 2',
  )
})

const MAX = 2n ** 63n - 1n

test('sums beyond 2^53 are exact to the last digit', () => {
  mergesTo(
    [
      profileOf([`main;a ${2n ** 53n}`, 'main;b 1']),
      profileOf(['main;a 1', 'main;b 1'], { timeNanos: T0 + SECOND }),
      profileOf([`main;b -${2n ** 53n}`], { timeNanos: T0 + 2n * SECOND }),
    ],
    merge(),
    'root     total 3  self 0',
    '  main   total 3  self 0',
    `    a    total ${2n ** 53n + 1n}  self ${2n ** 53n + 1n}`,
    `    b    total ${2n - 2n ** 53n}  self ${2n - 2n ** 53n}`,
  )
})

test('sums beyond int64 do not wrap, and one that comes back is exact', () => {
  const at = (i: number) => ({ timeNanos: T0 + BigInt(i) * SECOND })
  mergesTo(
    [
      profileOf([`a ${MAX}`, `b ${MAX}`], at(0)),
      profileOf([`a ${MAX}`, `b ${MAX}`], at(1)),
      profileOf([`a ${MAX}`, `b -${MAX}`, `c -${2n ** 63n}`], at(2)),
      profileOf([`b -${MAX - 5n}`, `c -${2n ** 63n}`], at(3)),
    ],
    merge(),
    `root  total ${3n * MAX + 5n - 2n ** 64n}  self 0`,
    `  a   total ${3n * MAX}  self ${3n * MAX}`,
    '  b   total 5  self 5',
    `  c   total -${2n ** 64n}  self -${2n ** 64n}`,
  )
})

for (const [name, values, want] of [
  ['small', [3n, 4n, 5n], 3n * 10n + 4n * 7n + 5n],
  ['wide', [2n ** 60n, 2n ** 61n + 1n, -(2n ** 59n)], 2n ** 60n * 10n + (2n ** 61n + 1n) * 7n - 2n ** 59n],
] as const) {
  test(`periods multiply each profile by its own, ${name} values`, () => {
    const profiles = [10n, 7n, 0n].map((period, i) =>
      profileOf([`main ${values[i]}`, '- 1'], { period, timeNanos: T0 + BigInt(i) * SECOND }),
    )
    everywhere(profiles, sources => {
      const merged = askMerged(sources, 'function', { selection: merge(), timesPeriod: true })
      // A profile that names no period counts each sample once.
      sameTree(merged.tree, `root    total ${want + 18n}  self 18`, `  main  total ${want}  self ${want}`)
      assert.deepEqual(merged.valueType, { type: 'cpu', unit: 'nanoseconds' })
      assert.equal(merged.period, 10n)
    })
  })
}

test('only samples:count with a period in time is multiplied', () => {
  for (const type of [NANOS, 'goroutine:goroutine:count:goroutine:count', 'x:samples:count::']) {
    everywhere([profileOf(['main 3'], { type, durationNanos: type === NANOS ? SECOND : 0n })], sources => {
      const merged = askMerged(sources, 'function', { selection: merge(`{__name__="${type}"}`), timesPeriod: true })
      sameTree(merged.tree, 'root total 3  self 0', '  main total 3  self 3')
    })
  }
})

test('an empty selection is an empty tree', () => {
  for (const query of [`${CPU}{job="none"}`, HEAP]) {
    everywhere([profileOf(['main 1'])], sources => {
      const merged = askMerged(sources, 'frame', { selection: merge(query) })
      assert.equal(formatTree(merged.tree), 'root  total 0  self 0')
      const { profiles, timeNanos, durationNanos, period } = merged
      assert.deepEqual(
        { profiles, timeNanos, durationNanos, period },
        {
          profiles: 0,
          timeNanos: 0n,
          durationNanos: 0n,
          period: 0n,
        },
      )
    })
  }
  assert.equal(formatTree(askMerged([], 'function', { selection: merge() }).tree), 'root  total 0  self 0')
})

test('both ends of a range are in it, to the nanosecond', () => {
  const at = T0 + 123_456_789n
  const profiles = [-1n, 0n, 1n].map((d, i) => profileOf([`main ${10 ** i}`], { timeNanos: at + d }))
  for (const [start, end, total] of [
    [at, at, 10],
    [at - 1n, at, 11],
    [at, at + 1n, 110],
    [at - 1n, at + 1n, 111],
    [at + 2n, at + 1000n, 0],
    [at - 1000n, at - 2n, 0],
  ] as const) {
    everywhere(profiles, sources => {
      const { tree } = askMerged(sources, 'function', { selection: merge(CPU, { start, end }) })
      assert.match(formatTree(tree), new RegExp(`^root +total ${total} `))
    })
  }
})

test('what a merge says of its profiles: first start, last end, the period of the first', () => {
  const profiles = [
    profileOf(['a 1'], { timeNanos: T0 + 30n * SECOND + 7n, durationNanos: 10_000_123_456n, period: 3n }),
    profileOf(['a 1'], { timeNanos: T0 + 5n, durationNanos: SECOND, period: 2n, labels: { job: 'z' } }),
    profileOf(['a 1'], { timeNanos: T0 + 9n * SECOND, durationNanos: 2n * SECOND, period: 1n }),
  ]
  everywhere(profiles, sources => {
    const { profiles, timeNanos, durationNanos, period } = askMerged(sources, 'function', { selection: merge() })
    assert.deepEqual(
      { profiles, timeNanos, durationNanos, period },
      {
        profiles: 3,
        timeNanos: T0 + 5n,
        durationNanos: 30n * SECOND + 7n + 10_000_123_456n - 5n,
        period: 2n,
      },
    )
  })
})

test('grouped by labels there is a tree for each set of values, and the whole', () => {
  const profiles = [
    profileOf(['main 1'], { labels: { job: 'api', pod: '1' } }),
    profileOf(['main 2'], { labels: { job: 'api', pod: '2' } }),
    profileOf(['main;gc 4'], { labels: { job: 'web', pod: '1' } }),
    profileOf(['- 8'], { labels: { pod: '9' } }),
    profileOf(['main 16'], { labels: { job: 'api', pod: '1' }, timeNanos: T0 + SECOND }),
  ]
  everywhere(profiles, sources => {
    const merged = askMerged(sources, 'function', {
      selection: merge(),
      groupBy: ['labels.job', 'function_name', 'labels.job'],
    })
    const groups = merged.groups.map(({ labels, tree }) => [labels, plain(formatTree(tree))])
    assert.deepEqual(groups, [
      [[], 'root total 8  self 8'],
      [[{ name: 'job', value: 'api' }], lines('root total 19  self 0', '  main total 19  self 19')],
      [
        [{ name: 'job', value: 'web' }],
        lines('root total 4  self 0', '  main total 4  self 0', '    gc total 4  self 4'),
      ],
    ])
    assert.match(formatTree(merged.tree), /^root +total 31 {2}self 8/)
    const two = askMerged(sources, 'function', { selection: merge(), groupBy: ['labels.pod', 'labels.job'] })
    assert.deepEqual(
      two.groups.map(g => g.labels.map(l => `${l.name}=${l.value}`).join(' ')),
      ['pod=1 job=api', 'pod=1 job=web', 'pod=2 job=api', 'pod=9'],
    )
  })
})

test('profiles of one series and time are both there', () => {
  mergesTo(
    [profileOf(['a 1']), profileOf(['a 2', 'b 4']), profileOf(['a 8'], { period: 5n })],
    merge(),
    'root  total 15  self 0',
    '  a   total 11  self 11',
    '  b   total 4  self 4',
  )
})

test('single is the profile of one millisecond', () => {
  const at = T0 + 5_000_000n
  const profiles = [
    profileOf(['a 1'], { timeNanos: at - 1n }),
    profileOf(['a 2'], { timeNanos: at }),
    profileOf(['a 4'], { timeNanos: at + 999_999n }),
    profileOf(['a 8'], { timeNanos: at + 1_000_000n }),
    profileOf(['a 16'], { timeNanos: at, labels: { job: 'web' } }),
  ]
  const timeMs = Number(at / 1_000_000n)
  mergesTo(profiles, { kind: 'single', query: CPU, timeMs }, 'root  total 22  self 0', '  a   total 22  self 22')
  mergesTo(
    profiles,
    { kind: 'single', query: `${CPU}{job="web"}`, timeMs },
    'root  total 16  self 0',
    '  a   total 16  self 16',
  )
  everywhere(profiles, sources => {
    for (const selection of [
      { kind: 'single', query: CPU, timeMs: timeMs + 2 },
      { kind: 'single', query: HEAP, timeMs },
    ] as const) {
      assert.throws(() => askMerged(sources, 'function', { selection }), {
        code: 'not_found',
        message: 'could not find profile at requested time and selectors',
      })
    }
  })
})

test('a profile of nothing but zeros is there, with a tree of nothing', () => {
  const timeMs = Number(T0 / 1_000_000n)
  mergesTo([profileOf(['a 0'])], { kind: 'single', query: CPU, timeMs }, 'root  total 0  self 0')
})

for (const [query, message] of [
  ['{job="api"}', 'query must contain a profile-type selection'],
  ['a:b:c', 'profile-type selection must be of the form'],
  [`${CPU}{job=~"("}`, 'failed to parse query'],
  [`${CPU}{job=`, 'failed to parse query'],
] as const) {
  test(`refuses ${query}`, () => {
    const selection = merge(query)
    assert.throws(
      () => askMerged([], 'function', { selection }),
      (e: { code?: string; message: string }) => e.code === 'invalid_argument' && e.message.startsWith(message),
    )
  })
}
