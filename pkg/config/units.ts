/** Durations (`1h30m`, `500ms`) and sizes (`64MiB`) as Prometheus writes them. Milliseconds and bytes inside. */

const UNITS: readonly (readonly [string, number])[] = [
  ['y', 365 * 86_400_000],
  ['w', 7 * 86_400_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]
const DURATION = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/
const SIZE = /^(\d+(?:\.\d+)?)\s*(?:([KMGTPE])i?)?B?$/i
const POWERS = 'KMGTPE'

/** Milliseconds, or null when `text` is no duration. Units go from large to small, each once; a bare `0` is one too. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0
  const found = DURATION.exec(text)
  if (found === null || text === '') return null
  const ms = UNITS.reduce((sum, [, unit], i) => sum + Number(found[i + 1] ?? 0) * unit, 0)
  return Number.isSafeInteger(ms) ? ms : null
}

/** The shortest text that reads as `ms` again: `1h30m`, `13s`. Years and weeks only where they are the whole. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  let out = ''
  let rest = ms
  for (const [name, unit] of UNITS) {
    if ((name === 'y' || name === 'w') && ms % unit !== 0) continue
    const count = Math.floor(rest / unit)
    if (count > 0) out += `${count}${name}`
    rest -= count * unit
  }
  return out
}

/** Bytes, or null when `text` is no size. KB, MB … are powers of two, as in Prometheus; a bare number is bytes. */
export function parseSize(text: string): number | null {
  const found = SIZE.exec(text.trim())
  if (found === null) return null
  const power = found[2] === undefined ? 0 : POWERS.indexOf(found[2].toUpperCase()) + 1
  const bytes = Math.round(Number(found[1]) * 1024 ** power)
  return Number.isSafeInteger(bytes) ? bytes : null
}

/** The largest unit that divides it: `64MiB`, `1500B`. */
export function formatSize(bytes: number): string {
  for (let power = POWERS.length; power > 0; power--) {
    const unit = 1024 ** power
    if (bytes >= unit && bytes % unit === 0) return `${bytes / unit}${POWERS[power - 1]}iB`
  }
  return bytes === 0 ? '0' : `${bytes}B`
}
