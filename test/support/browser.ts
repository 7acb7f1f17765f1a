/**
 * A real Chromium for tests, with an empty profile that is removed afterwards. Where there is none the tests skip and say
 * so; with CI=true that is a failure.
 */
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export interface TestBrowser {
  readonly context: BrowserContext
  close(): Promise<void>
}

/** Where a browser is: `DECIMA_CHROMIUM`, else the usual places, else null. */
export function findBrowser(): string | null {
  const named = process.env['DECIMA_CHROMIUM']
  for (const path of named ? [named] : PLACES) {
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not there: the next place.
    }
  }
  return null
}

/** For the `skip` of a test: false when there is a browser, else the reason. Throws where a browser is a must. */
export function skipWithoutBrowser(): string | false {
  if (findBrowser() !== null) return false
  const reason = `no Chromium in ${PLACES.join(', ')}: install the package chromium, or set DECIMA_CHROMIUM`
  if (process.env['CI'] === 'true') throw new Error(reason)
  console.error(`SKIPPED browser tests: ${reason}`)
  return reason
}

export async function openBrowser(options: BrowserContextOptions = {}): Promise<TestBrowser> {
  const executablePath = findBrowser()
  if (executablePath === null) throw new Error('no Chromium')
  const profile = await mkdtemp(join(tmpdir(), 'decima-browser-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: ARGUMENTS,
    headless: true,
    viewport: { width: 1280, height: 720 },
    ...options,
  })
  return {
    context,
    async close() {
      await context.close()
      await rm(profile, { recursive: true, force: true })
    },
  }
}
