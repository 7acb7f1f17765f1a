#!/usr/bin/env node
/** `npm run test:crash`: the crash tests in full: many kills, thousands of simulated power losses. */
import { install, root } from './install.mjs'
import { run } from './run.mjs'

install('all')
process.env.DECIMA_CRASH = 'full'
process.exitCode = await run(
  ['--test', '--test-concurrency=1', '--test-timeout=3600000', 'frostdb/*.crash.test.ts', 'test/crash/*.test.ts'],
  { cwd: root },
)
