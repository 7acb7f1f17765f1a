/** Runs a program of ours with the Node that is pinned in package.json, as if it were this process. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { node, root } from './install.mjs'

/** How Node is started for a server, also by the benchmarks: flags and environment. */
export const NODE_FLAGS = [
  '--disable-warning=ExperimentalWarning',
  // The heap is small, the buffers beside it are not: by itself V8 would collect the whole heap for every 16 MB of them,
  // which is a third of all CPU under load.
  '--heap-growing-percent=200',
]
export const NODE_ENVIRONMENT = {
  // Stripped and compiled once: later starts are faster and need 20 MB less.
  NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compile'),
  // An arena of the allocator per thread costs 30 MB; what is hot here does not allocate.
  MALLOC_ARENA_MAX: '2',
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']

/** Passes signals on, and ends with the exit code of the program. */
export function run(args, options = {}) {
  const env = { ...NODE_ENVIRONMENT, ...process.env }
  const child = spawn(node, [...NODE_FLAGS, ...args], { stdio: 'inherit', env, ...options })
  for (const signal of SIGNALS) {
    // A ^C of the terminal reaches the child by itself; sent twice it would cut a clean stop short.
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  return new Promise(resolve => {
    child.on('error', error => {
      console.error(error.message)
      resolve(1)
    })
    child.on('exit', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)))
  })
}
