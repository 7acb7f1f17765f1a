/** Durations as Prometheus writes them: `1m30s`, `500ms`, `2d`. Units go from large to small, each at most once. */

const PATTERN = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/
const DAY = 86_400_000
const UNIT_MS = [365 * DAY, 7 * DAY, DAY, 3_600_000, 60_000, 1000, 1]
const UNIT_NAMES = ['y', 'w', 'd', 'h', 'm', 's', 'ms']

/** Milliseconds, or null when `text` is no duration. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0
  const match = text === '' ? null : PATTERN.exec(text)
  if (match === null) return null
  let ms = 0
  for (let i = 0; i < UNIT_MS.length; i++) ms += Number(match[i + 1] ?? 0) * UNIT_MS[i]!
  return ms <= Number.MAX_SAFE_INTEGER ? ms : null
}

/** Years, weeks and days only when nothing is left over, as Prometheus does. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  let left = ms
  let out = ''
  for (let i = 0; i < UNIT_MS.length; i++) {
    const unit = UNIT_MS[i]!
    if (i < 3 && left % unit !== 0) continue
    const count = Math.floor(left / unit)
    if (count > 0) out += `${count}${UNIT_NAMES[i]}`
    left -= count * unit
  }
  return out
}
