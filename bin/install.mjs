/**
 * Installs what is missing, with any Node from 20 up and npm. What is there is known by the lock file it was made from,
 * so that a second start costs a file comparison.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const node = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.exe' : 'node')

const marker = join(root, 'node_modules', '.decima-installed')

/** `what`: `runtime` leaves out what only development needs. */
export function install(what) {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  const there = existsSync(marker) ? readFileSync(marker, 'utf8').trim().split(' ') : []
  if (there[0] === lock && (there[1] === 'all' || there[1] === what) && existsSync(node)) return
  console.error(`installing ${what === 'all' ? 'everything' : 'what running needs'} …`)
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error', ...(what === 'all' ? [] : ['--omit=dev'])]
  // The start of `npm start` leaves its own settings in the environment, which would be taken for this command's.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(config_(omit|include)|lifecycle|package)/i.test(name)),
  )
  const { status, error } = spawnSync('npm', args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env,
    shell: process.platform === 'win32',
  })
  if (status !== 0 || !existsSync(node)) {
    console.error(error ? `npm could not be run: ${error.message}` : `npm ${args.join(' ')} ended with ${status}`)
    process.exit(1)
  }
  writeFileSync(marker, `${lock} ${what}\n`)
}
