/**
 * The log: one line per event to standard error, as logfmt or JSON.
 *
 *   ts=2026-05-02T09:41:07.123Z level=warn msg="scrape failed" job=api reason=timeout
 *
 * A message that repeats is let through twenty times in ten seconds; what is held back is counted, and the next line of
 * that message (or, when none comes, a line of its own) says `suppressed=N`.
 */
import type { Clock, Log, LogFields } from '../base/ports.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LogOptions {
  readonly level: LogLevel
  readonly format: 'logfmt' | 'json'
  readonly clock: Clock
  /** Takes one line with its newline; standard error when left out. */
  readonly write?: (line: string) => void
}

const BURST = 20
const WINDOW_MS = 10_000

interface Window {
  readonly level: LogLevel
  startMs: number
  count: number
  suppressed: number
}

export function createLog(options: LogOptions): Log {
  const { clock } = options
  const write = options.write ?? writeToStderr()
  const lowest = LOG_LEVELS.indexOf(options.level)
  const format = options.format === 'json' ? formatJson : formatLogfmt
  const windows = new Map<string, Window>()

  function emit(level: LogLevel, message: string, fields: LogFields): void {
    const ts = new Date(clock.now()).toISOString()
    write(format({ ts, level, msg: message, ...fields }))
  }

  function log(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (LOG_LEVELS.indexOf(level) < lowest) return
    const now = clock.monotonic()
    tellSuppressed(message, now)
    const key = `${level} ${message}`
    let window = windows.get(key)
    if (window === undefined) {
      window = { level, startMs: now, count: 0, suppressed: 0 }
      windows.set(key, window)
    }
    if (window.count >= BURST && now - window.startMs < WINDOW_MS) {
      window.suppressed++
      return
    }
    if (now - window.startMs >= WINDOW_MS) {
      window.startMs = now
      window.count = 0
    }
    window.count++
    const { suppressed } = window
    window.suppressed = 0
    emit(level, message, suppressed > 0 ? { ...fields, suppressed } : fields)
  }

  /** Windows that are over go; what another message's window held back is told. */
  function tellSuppressed(current: string, now: number): void {
    for (const [key, window] of windows) {
      if (now - window.startMs < WINDOW_MS) continue
      const message = key.slice(window.level.length + 1)
      if (message === current) continue
      windows.delete(key)
      if (window.suppressed > 0) emit(window.level, message, { suppressed: window.suppressed })
    }
  }

  return {
    debug: (message, fields) => log('debug', message, fields),
    info: (message, fields) => log('info', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    error: (message, fields) => log('error', message, fields),
  }
}

/** A reader of the log that goes away must not end the server. */
function writeToStderr(): (line: string) => void {
  process.stderr.on('error', () => {})
  return line => void process.stderr.write(line)
}

export function formatLogfmt(fields: LogFields): string {
  let line = ''
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue
    line += `${line === '' ? '' : ' '}${key.replace(/[\s="]/g, '_')}=${typeof value === 'string' ? quoted(value) : value}`
  }
  return `${line}\n`
}

/** int64 beyond what a JSON number keeps is a string. */
export function formatJson(fields: LogFields): string {
  const text = JSON.stringify(fields, (_, value) => {
    if (typeof value !== 'bigint') return value
    return BigInt(Number(value)) === value ? Number(value) : String(value)
  })
  return `${escapeInvisible(text)}\n`
}

function quoted(text: string): string {
  return text === '' || /[\s="\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(text)
    ? escapeInvisible(JSON.stringify(text))
    : text
}

/** What a terminal would obey or not show: controls, zero-width and direction marks. */
function escapeInvisible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, c =>
    c
      .split('')
      .map(unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}
