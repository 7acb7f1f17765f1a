/**
 * When a scrape loop asks, and for how many seconds. Pure: times go in, times come out.
 *
 * A target's phase is its offset inside the interval, a hash of what the target is. Its due times are the instants
 * `t ≡ phase (mod interval)` of unix time, so a restart keeps them and a fleet is spread over the interval.
 *
 *   due      │         │         │         │       a request starts at max(due, end of the last answer)
 *   asked    └──10 s────└─10 s────┴┄└─9 s──┘└      slip = start − due grows by what an answer costs;
 *                                                  above 500 ms one shorter request regains the phase
 */

/** What slip is lived with before a request is shortened. */
export const SLIP_LIMIT_MS = 500

/** The phase in [0, intervalMs) of what `identity` names. `seed` sets replicas apart that scrape the same targets. */
export function phaseOf(identity: string, seed: number, intervalMs: number): number {
  return Math.floor((((hash32(identity) ^ seed) >>> 0) / 2 ** 32) * intervalMs)
}

/** The first due time at or after `now`. */
export function firstDue(now: number, phase: number, intervalMs: number): number {
  const due = Math.floor(now / intervalMs) * intervalMs + phase
  return due >= now ? due : due + intervalMs
}

/**
 * The due time after `due`, seen at `now`. Of several that have passed the latest counts: there is one request for them.
 * One more than an interval away means that the clock was set back; then the phase starts afresh.
 */
export function nextDue(due: number, now: number, phase: number, intervalMs: number): number {
  const next = due + intervalMs
  if (next - now > intervalMs) return firstDue(now, phase, intervalMs)
  return next + Math.max(0, Math.floor((now - next) / intervalMs)) * intervalMs
}

/**
 * The seconds a request asks for that starts at `started` and was due at `due`. Behind by more than the limit it asks for
 * the whole seconds that are left of its interval (interval − 1 for a slip of up to a second), and never less than one.
 * Seconds that the user set above the interval are his to keep: such a target slips by design.
 */
export function secondsToAsk(seconds: number, started: number, due: number, intervalMs: number): number {
  if (started - due <= SLIP_LIMIT_MS || seconds * 1000 > intervalMs) return seconds
  return Math.min(seconds, Math.max(1, Math.floor((due + intervalMs - started) / 1000)))
}

/** How much later than it could have a request started. */
export function latenessOf(started: number, due: number, previousEnd: number): number {
  return Math.max(0, started - Math.max(due, previousEnd))
}

/** FNV-1a over UTF-16 code units, then mixed, because the phase is taken from the high bits. */
export function hash32(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
