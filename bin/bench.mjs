#!/usr/bin/env node
/** `npm run bench -- NAME [ARGS]`: one benchmark of test/bench; without a name, lists them. */
import { readdirSync } from 'node:fs'
import { install, root } from './install.mjs'
import { run } from './run.mjs'

install('all')
const [name, ...args] = process.argv.slice(2)
if (name === undefined) {
  for (const file of readdirSync(`${root}/test/bench`))
    if (file.endsWith('.ts') && !file.endsWith('.test.ts')) console.log(file.slice(0, -3))
} else process.exitCode = await run(['--expose-gc', `${root}/test/bench/${name}.ts`, ...args], { cwd: root })
