/**
 * `drop_frames` and `keep_frames`, as pprof applies them to every profile it reads: what runs beneath a frame whose
 * function matches drop and not keep is removed, with that frame, so that allocators and profilers do not fill the
 * leaves. Values stay with the stack that is left, so totals do not change.
 *
 * A pattern is matched against the whole of a simplified function name (no argument list, no leading dot). A stack is
 * searched from the root, beginning behind its first location without a match: a stack of nothing else is left alone.
 * A location of several lines loses the matching line and those inlined into it, in every stack that has it.
 */
import { RE2JS } from 're2js'
import type { DecodedProfile, LocationTable, SampleTable, StringTable } from '../profile/columns.ts'

export interface Pruned<P extends DecodedProfile> {
  readonly profile: P
  /** Patterns that RE2 refuses or that would cost too much; nothing is removed then, as pprof does. */
  readonly refusedPatterns: number
}

/** The same profile, not copied, when it has no pattern or nothing matches. */
export function pruneFrames<P extends DecodedProfile>(profile: P): Pruned<P> {
  if (profile.dropFrames === 0) return { profile, refusedPatterns: 0 }
  const drop = compile(stringAt(profile.strings, profile.dropFrames))
  const keep = profile.keepFrames === 0 ? undefined : compile(stringAt(profile.strings, profile.keepFrames))
  const refusedPatterns = (drop === null ? 1 : 0) + (keep === null ? 1 : 0)
  if (drop === null || keep === null) return { profile, refusedPatterns }

  const dropped = droppedFunctions(profile, drop, keep)
  if (dropped === 'too costly') return { profile, refusedPatterns: 1 }
  if (dropped === null) return { profile, refusedPatterns: 0 }
  const { locations, cut } = pruneLocations(profile.locations, dropped)
  return { profile: { ...profile, locations, samples: pruneStacks(profile.samples, cut) }, refusedPatterns: 0 }
}

/** What a location is to a stack that has it. */
const KEPT = 0
/** Its outer lines stay, what is beneath goes. */
const CUT_BENEATH = 1
/** It goes, and what is beneath. */
const CUT = 2

const MAX_PATTERN_LENGTH = 16_384

function compile(pattern: string): RE2JS | null {
  if (pattern.length > MAX_PATTERN_LENGTH) return null
  try {
    return RE2JS.compile(`^(${pattern})$`)
  } catch {
    return null
  }
}

/** RE2 takes at most instructions × characters steps of about 12 ns; a real profile needs some millions. */
const MAX_STEPS = 100_000_000

/** 1 for each function that goes; null when none does. A name is matched once, however many functions have it. */
function droppedFunctions(
  profile: DecodedProfile,
  drop: RE2JS,
  keep: RE2JS | undefined,
): Uint8Array | null | 'too costly' {
  const { functions, strings } = profile
  const instructions = drop.programSize() + (keep?.programSize() ?? 0)
  let steps = 0
  const verdicts = new Int8Array(strings.length).fill(-1)
  const dropped = new Uint8Array(functions.length)
  let any = false
  for (let i = 0; i < functions.length; i++) {
    const name = functions.name[i]!
    if (strings.start[name] === strings.end[name]) continue
    if (verdicts[name] === -1) {
      steps += instructions * (strings.end[name]! - strings.start[name]!)
      if (steps > MAX_STEPS) return 'too costly'
      const text = simplifyName(stringAt(strings, name))
      verdicts[name] = drop.test(text) && !keep?.test(text) ? 1 : 0
    }
    if (verdicts[name] === 1) {
      dropped[i] = 1
      any = true
    }
  }
  return any ? dropped : null
}

/** Without a leading dot, and without what begins at the first bracket that is not part of a C++ name. */
export function simplifyName(name: string): string {
  const text = name.startsWith('.') ? name.slice(1) : name
  for (const match of text.matchAll(/\(anonymous namespace\)|operator\(\)|\(/g)) {
    if (match[0] === '(') return text.slice(0, match.index)
  }
  return text
}

function pruneLocations(
  locations: LocationTable,
  dropped: Uint8Array,
): { readonly locations: LocationTable; readonly cut: Uint8Array } {
  const { length, lineStart, lineFunction, line } = locations
  const cut = new Uint8Array(length)
  const start = new Int32Array(length + 1)
  const keptFunction = new Int32Array(lineFunction.length)
  const keptLine = new Float64Array(line.length)
  let kept = 0
  for (let i = 0; i < length; i++) {
    const first = lineStart[i]!
    const end = lineStart[i + 1]!
    let from = end - 1
    while (from >= first && !(lineFunction[from]! >= 0 && dropped[lineFunction[from]!])) from--
    // Lines (from, end) stay; a match at the outermost line takes the whole location out of stacks instead.
    if (from === end - 1 && from >= first) {
      cut[i] = CUT
      from = first - 1
    } else if (from >= first) cut[i] = CUT_BENEATH
    for (let at = from + 1; at < end; at++) {
      keptFunction[kept] = lineFunction[at]!
      keptLine[kept++] = line[at]!
    }
    start[i + 1] = kept
  }
  return {
    locations: {
      ...locations,
      lineStart: start,
      lineFunction: keptFunction.subarray(0, kept),
      line: keptLine.subarray(0, kept),
    },
    cut,
  }
}

function pruneStacks(samples: SampleTable, cut: Uint8Array): SampleTable {
  const { length, locationStart, location } = samples
  const start = new Int32Array(length + 1)
  const kept = new Int32Array(location.length)
  let frames = 0
  for (let i = 0; i < length; i++) {
    const leaf = locationStart[i]!
    const end = locationStart[i + 1]!
    let from = leaf
    let foundOther = false
    for (let at = end - 1; at >= leaf; at--) {
      const what = cut[location[at]!]
      if (what === KEPT) foundOther = true
      else if (foundOther) {
        from = what === CUT ? at + 1 : at
        break
      }
    }
    for (let at = from; at < end; at++) kept[frames++] = location[at]!
    start[i + 1] = frames
  }
  return { ...samples, locationStart: start, location: kept.subarray(0, frames) }
}

const utf8 = new TextDecoder()

function stringAt(strings: StringTable, i: number): string {
  return utf8.decode(strings.bytes.subarray(strings.start[i], strings.end[i]))
}
