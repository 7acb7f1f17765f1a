import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writePprof } from '../../test/support/pprof-model.ts'
import { type ProfileView, viewOfColumns } from '../../test/support/profile-view.ts'
import { decodePprof } from './decode.ts'
import { pruneFrames, simplifyName } from './prune.ts'

const limits = { samples: 0, strings: 0, stringLength: 0 }

/**
 * Stacks from the root: `main;serve;malloc 3`. A location of several lines is `inner<outer`: `sort` inlined into `serve`
 * reads `sort<serve`.
 */
function profileOf(drop: string, keep: string, ...stacks: string[]) {
  const names: string[] = []
  const locations: string[] = []
  const row = (list: string[], what: string) => (list.includes(what) ? list.indexOf(what) : list.push(what) - 1)
  const samples = stacks.map(text => {
    const space = text.lastIndexOf(' ')
    const frames = text.slice(0, space).split(';').reverse()
    return { stack: frames.map(f => row(locations, f)), values: [BigInt(text.slice(space + 1))], labels: [] }
  })
  const view: ProfileView = {
    sampleTypes: ['samples/count'],
    periodType: '/',
    period: 0n,
    timeNanos: 0n,
    durationNanos: 0n,
    defaultSampleType: '',
    dropFrames: drop,
    keepFrames: keep,
    comments: [],
    docUrl: '',
    mappings: [],
    locations: locations.map(l => ({
      mapping: -1,
      address: 0n,
      lines: l === '-' ? [] : l.split('<').map(name => ({ function: row(names, name), line: 1 })),
    })),
    functions: names.map(name => ({ name, systemName: '', file: '', startLine: 0 })),
    samples,
  }
  const ids = (list: unknown[]) => list.map((_, i) => BigInt(i + 1))
  const raw = writePprof({
    view,
    mappingIds: [],
    functionIds: ids(names),
    locationIds: ids(locations),
    packed: true,
    mix: null,
    unknownFields: false,
  })
  return decodePprof(raw, limits)
}

function stacksOf(profile: ReturnType<typeof profileOf>): string[] {
  const view = viewOfColumns(profile)
  const frame = (l: number) => view.locations[l]!.lines.map(line => view.functions[line.function]!.name).join('<')
  return view.samples.map(
    s =>
      `${s.stack
        .map(l => frame(l) || '-')
        .reverse()
        .join(';')} ${s.values[0]}`,
  )
}

for (const [what, drop, keep, before, after] of [
  ['cuts at the match and beneath', 'malloc', '', ['main;serve;malloc;brk 3'], ['main;serve 3']],
  ['cuts at the match nearest the root', 'a', '', ['main;a;b;a;c 1'], ['main 1']],
  ['matches the whole name', 'mall', '', ['main;malloc 1'], ['main;malloc 1']],
  ['takes alternatives', 'malloc|free', '', ['main;free 1', 'main;malloc 2'], ['main 1', 'main 2']],
  [
    'keeps what keep_frames matches',
    '.*alloc',
    'calloc',
    ['main;calloc;x 1', 'main;malloc;x 2'],
    ['main;calloc;x 1', 'main 2'],
  ],
  ['leaves matches at the root alone', 'start.*', '', ['start;start2;main;start 1'], ['start;start2;main 1']],
  ['leaves a stack of nothing but matches', 'a|b', '', ['a;b 7'], ['a;b 7']],
  ['ignores the argument list', 'f', '', ['main;f(int, char*);g 1'], ['main 1']],
  ['cuts inlined lines out of their location', 'sort', '', ['main;cmp<sort<serve;leaf 4'], ['main;serve 4']],
  ['drops a location whose outermost line matches', 'serve', '', ['main;cmp<serve;leaf 4'], ['main 4']],
  ['cuts lines also where the stack stays', 'sort', '', ['sort<main;x 1'], ['main;x 1']],
  ['passes locations without a function', 'x', '', ['-;x 1'], ['- 1']],
] as const) {
  test(what, () => {
    const profile = profileOf(drop, keep, ...before)
    const pruned = pruneFrames(profile)
    assert.deepEqual(stacksOf(pruned.profile), after)
    assert.equal(pruned.refusedPatterns, 0)
    assert.deepEqual(pruned.profile.samples.value, profile.samples.value)
  })
}

test('nothing to remove: the very same profile', () => {
  const without = profileOf('', 'main', 'main;malloc 1')
  assert.equal(pruneFrames(without).profile, without)
  const unmatched = profileOf('free', '', 'main;malloc 1')
  assert.equal(pruneFrames(unmatched).profile, unmatched)
})

for (const [drop, keep, refused] of [
  ['(', '', 1],
  ['malloc', '(?=x)', 1],
  ['[', '\\C{', 2],
  ['(.*a){1000}', '', 1],
  ['x'.repeat(20_000), '', 1],
] as const) {
  test(`pattern not taken: ${drop.slice(0, 20)} ${keep}`, () => {
    const profile = profileOf(drop, keep, `main;${'a'.repeat(30_000)};malloc 1`)
    assert.deepEqual(pruneFrames(profile), { profile, refusedPatterns: refused })
  })
}

for (const [name, simple] of [
  ['main', 'main'],
  ['.main', 'main'],
  ['ns::f(int)', 'ns::f'],
  ['(anonymous namespace)::f(int)', '(anonymous namespace)::f'],
  ['A::operator()(int) const', 'A::operator()'],
  ['net/http.(*conn).serve', 'net/http.'],
] as const) {
  test(`simplifies ${name}`, () => assert.equal(simplifyName(name), simple))
}
