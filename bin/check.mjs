#!/usr/bin/env node
/** `npm run check`: format, lint, types, then every test (the rules of the repository are tests too). */
import { spawnSync } from 'node:child_process'
import { install, root } from './install.mjs'

install('all')
const steps = [
  ['format and lint', 'node_modules/.bin/biome', ['ci', '.']],
  ['types', 'node_modules/.bin/tsc', ['-p', '.']],
  ['tests', process.execPath, ['bin/test.mjs']],
]
for (const [name, command, args] of steps) {
  const started = performance.now()
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  console.error(`${status === 0 ? 'ok' : 'FAILED'}  ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`)
  if (status !== 0) process.exit(1)
}
