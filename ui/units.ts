/** Values as people read them: nanoseconds as time, CPU time per second as cores, bytes in powers of 1024. */

const TIME: Readonly<Record<string, number>> = {
  nanoseconds: 1e-9,
  microseconds: 1e-6,
  milliseconds: 1e-3,
  seconds: 1,
}

/** `1.23 s`, `4.5 MiB`, `12,345`; units nobody knows stay as they are written. */
export function formatValue(value: number, unit: string): string {
  const seconds = TIME[unit]
  if (seconds !== undefined) return formatSeconds(value * seconds)
  if (unit === 'bytes') return formatBytes(value)
  const plain = formatCount(value)
  return unit === '' || unit === 'count' ? plain : `${plain} ${unit}`
}

/** A value per second: time per second is cores where it is CPU time, else a plain ratio. */
export function formatRate(perSecond: number, unit: string, cpu: boolean): string {
  const seconds = TIME[unit]
  if (seconds !== undefined) {
    const ratio = digits(perSecond * seconds)
    return `${ratio} ${cpu ? 'cores' : 's/s'}`
  }
  return `${formatValue(perSecond, unit)}/s`
}

export function formatSeconds(seconds: number): string {
  const size = Math.abs(seconds)
  if (size === 0) return '0 s'
  if (size < 1e-6) return `${digits(seconds * 1e9)} ns`
  if (size < 1e-3) return `${digits(seconds * 1e6)} µs`
  if (size < 1) return `${digits(seconds * 1e3)} ms`
  if (size < 120) return `${digits(seconds)} s`
  if (size < 7200) return `${digits(seconds / 60)} min`
  if (size < 48 * 3600) return `${digits(seconds / 3600)} h`
  return `${digits(seconds / 86_400)} d`
}

export function formatBytes(bytes: number): string {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let size = bytes
  let i = 0
  while (Math.abs(size) >= 1024 && i < names.length - 1) {
    size /= 1024
    i++
  }
  return `${i === 0 ? String(Math.round(size)) : digits(size)} ${names[i]}`
}

export function formatCount(value: number): string {
  return Number.isInteger(value) ? grouped(String(value)) : digits(value)
}

/** Digits of an exact value with its unit, for the tooltip. */
export function formatExact(value: bigint, unit: string): string {
  return `${grouped(String(value))} ${unit}`.trim()
}

/** `part` of `whole`; a share too small to print says so instead of 0. */
export function formatPercent(part: number, whole: number): string {
  if (whole === 0) return '—'
  const percent = (part / whole) * 100
  const size = Math.abs(percent)
  if (size === 0) return '0 %'
  if (size < 0.01) return `${percent < 0 ? '> −' : '< '}0.01 %`
  return `${minus(percent.toFixed(size < 10 ? 2 : 1))} %`
}

/** Three significant digits, grouped. */
function digits(value: number): string {
  const size = Math.abs(value)
  if (size === 0) return '0'
  const places = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : Math.min(6, 2 - Math.floor(Math.log10(size)))
  const [whole, fraction] = value.toFixed(places).split('.')
  return fraction ? `${grouped(whole!)}.${fraction}` : grouped(whole!)
}

function grouped(whole: string): string {
  return minus(whole.replace(/\B(?=(\d{3})+$)/g, ','))
}

function minus(text: string): string {
  return text.replace('-', '−')
}
