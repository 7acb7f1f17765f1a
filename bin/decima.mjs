#!/usr/bin/env node
/** `npm run decima -- ARGS` and the package's `decima`: the command line. */
import { install, root } from './install.mjs'
import { run } from './run.mjs'

install('runtime')
process.exitCode = await run([`${root}/cmd/decima/main.ts`, ...process.argv.slice(2)], {
  cwd: process.env.INIT_CWD ?? process.cwd(),
})
