/** Times on the page: ranges resolved against now, instants in local time or UTC, ages. */
import type { Span, TimeRange } from './url.ts'

export function resolveRange(range: TimeRange, now: number): Span {
  return range.kind === 'absolute' ? { from: range.from, to: range.to } : { from: now - range.ms, to: now }
}

/** Seconds of a step that gives at most 200 points, from a ladder people can read, never below 1 s. */
export function stepFor(span: Span): number {
  const least = (span.to - span.from) / 1000 / 200
  const ladder = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400]
  return ladder.find(step => step >= least) ?? Math.ceil(least / 86_400) * 86_400
}

/** `2026-11-25 09:17:50`; the milliseconds only where there are any. */
export function formatInstant(ms: number, utc: boolean): string {
  const parts = dateParts(ms, utc)
  const millis = Math.round(ms) % 1000
  return `${parts.day} ${parts.time}${millis === 0 ? '' : `.${String(millis).padStart(3, '0')}`}`
}

/** Both ends, the day once where it is the same. */
export function formatRange(span: Span, utc: boolean): string {
  const from = dateParts(span.from, utc)
  const to = dateParts(span.to, utc)
  const zone = utc ? ' UTC' : ''
  if (from.day === to.day) return `${from.day} ${from.time} – ${to.time}${zone}`
  return `${from.day} ${from.time} – ${to.day} ${to.time}${zone}`
}

function dateParts(ms: number, utc: boolean): { day: string; time: string } {
  const shifted = utc ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000
  const iso = new Date(shifted).toISOString()
  return { day: iso.slice(0, 10), time: iso.slice(11, 19) }
}

/** Value of an `<input type=datetime-local step=1>`. */
export function toInput(ms: number, utc: boolean): string {
  const { day, time } = dateParts(ms, utc)
  return `${day}T${time}`
}

export function fromInput(text: string, utc: boolean): number | null {
  if (!/^\d{4,6}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text)) return null
  const ms = Date.parse(utc ? `${text}Z` : text)
  return Number.isNaN(ms) ? null : ms
}

/** `3 s ago`, `in 4 s`. */
export function formatAge(ms: number, now: number): string {
  const seconds = Math.round((now - ms) / 1000)
  const size = Math.abs(seconds)
  const text =
    size < 120
      ? `${size} s`
      : size < 7200
        ? `${Math.round(size / 60)} min`
        : size < 172_800
          ? `${Math.round(size / 3600)} h`
          : `${Math.round(size / 86_400)} d`
  return seconds < 0 ? `in ${text}` : `${text} ago`
}
