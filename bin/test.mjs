#!/usr/bin/env node
/** `npm test`: installs what is missing, runs every test. Arguments are files to run instead of all. */
import { getChromium } from './chromium.mjs'
import { install, root } from './install.mjs'
import { run } from './run.mjs'

install('all')
if (getChromium() === null) {
  const text =
    'no Chromium was found and none could be installed: the browser tests are SKIPPED (set CHROMIUM_PATH, or install chromium)'
  console.error(`\n${'!'.repeat(text.length)}\n${text}\n${'!'.repeat(text.length)}\n`)
  if (process.env.CI === 'true') process.exit(1)
}
const given = process.argv.slice(2)
const folders = ['cmd', 'frostdb', 'scrape', 'pkg', 'ui', 'test']
process.exitCode = await run(
  [
    '--test',
    '--test-concurrency=2',
    '--test-timeout=180000',
    '--test-reporter=spec',
    '--import=./test/support/setup.mjs',
    ...(given.length > 0 ? given : folders.map(f => `${f}/**/*.test.ts`)),
  ],
  { cwd: root },
)
