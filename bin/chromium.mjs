/** A Chromium for the browser tests: one that is there, else Debian's package where this may be installed. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

export function findChromium() {
  const given = process.env.CHROMIUM_PATH
  if (given) return existsSync(given) ? given : null
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of NAMES) if (folder !== '' && existsSync(join(folder, name))) return join(folder, name)
  }
  return null
}

export function getChromium() {
  const there = findChromium()
  if (there !== null || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return there
  console.error('installing chromium for the browser tests …')
  const options = { stdio: ['ignore', 'ignore', 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }
  spawnSync('apt-get', ['update', '-qq'], options)
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], options)
  return findChromium()
}
