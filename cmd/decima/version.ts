/** What this build is, from package.json and the checkout it runs in. */
import { readFileSync } from 'node:fs'

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string
}

export const VERSION = manifest.version
export const RUNTIME = `node ${process.version}`
