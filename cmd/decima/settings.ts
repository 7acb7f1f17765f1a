/** What the command line and the configuration file come to for the parts of the server. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type ApiLimits, DEFAULT_LIMITS } from '../../pkg/api/contract.ts'
import { loadConfig } from '../../pkg/config/load.ts'
import type { Config } from '../../pkg/config/types.ts'
import type { IngestLimits } from '../../pkg/ingest/contract.ts'
import type { ServeFlags } from './flags.ts'

export function ingestLimits(flags: ServeFlags): IngestLimits {
  return {
    bodySize: flags.bodySizeLimit,
    samples: flags.sampleLimit,
    stackDepth: flags.stackDepthLimit,
    labels: flags.labelLimit,
    labelNameLength: flags.labelNameLengthLimit,
    labelValueLength: flags.labelValueLengthLimit,
    strings: flags.stringLimit,
    stringLength: flags.stringLengthLimit,
  }
}

export function apiLimits(flags: ServeFlags): ApiLimits {
  return {
    ...DEFAULT_LIMITS,
    messageSize: flags.messageSizeLimit,
    ingest: ingestLimits(flags),
    headersTimeoutMs: flags.httpReadTimeout,
  }
}

/** Reads and checks the file. Throws `ConfigError`, or an error that names the path as it was given. */
export function readConfig(path: string): {
  readonly config: Config
  readonly warnings: readonly string[]
  readonly text: string
} {
  let text: string
  try {
    text = readFileSync(resolve(path), 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'is a folder' : (error as Error).message
    throw new Error(`${path}: ${why} (--config-path)`)
  }
  return { ...loadConfig(text, { file: path }), text }
}
