#!/usr/bin/env node
/** `npm start`: installs what running needs, builds the page, serves with the default configuration. */
import { install, root } from './install.mjs'
import { run } from './run.mjs'

const args = process.argv.slice(2)
const hasConfig = args.some(a => /^--config[-.](path|file)(=|$)/.test(a))
install('runtime')
const config = hasConfig ? [] : [`--config-path=${root}/configs/parca.yaml`]
process.exitCode = await run([`${root}/cmd/decima/main.ts`, 'serve', ...config, ...args], {
  cwd: process.env.INIT_CWD ?? process.cwd(),
})
