/**
 * The real clock, randomness and file system behind the ports of `ports.ts`.
 *
 * Files are opened with O_APPEND, so a write always lands at the end whoever else holds the file. An `append` that
 * rejects (a full disk) may have left a prefix of its bytes in the file: who needs it whole truncates to the length it knows.
 */
import { constants } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname } from 'node:path'
import { assert } from './assert.ts'
import type { Clock, Disk, DiskFile, Random } from './ports.ts'

/** setTimeout takes a signed 32-bit delay and fires at once above it. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    let left = ms
    do {
      await timer(Math.min(left, LONGEST_TIMER_MS), signal)
      left -= LONGEST_TIMER_MS
    } while (left > 0 && !signal?.aborted)
  },
}

function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(handle)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const handle = setTimeout(done, Math.max(0, ms))
    signal?.addEventListener('abort', done, { once: true })
  })
}

export const systemRandom: Random = { next: () => Math.random() }

export const systemDisk: Disk = {
  async makeDir(path) {
    // Level by level: where a file system takes no folders at all, node's own `recursive` never comes to an end.
    const missing: string[] = []
    for (
      let at = path;
      !(await fs.access(at).then(
        () => true,
        () => false,
      ));
      at = dirname(at)
    )
      missing.unshift(at)
    for (const folder of missing) {
      await fs.mkdir(folder).catch(error => {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      })
    }
  },
  list: path => fs.readdir(path),
  openAppend: async (path, options = {}) => appendFile(await fs.open(path, options.exclusive ? 'ax' : 'a')),
  read: path => fs.readFile(path),
  truncate: (path, length) => fs.truncate(path, length),
  rename: (from, to) => fs.rename(from, to),
  remove: path => fs.rm(path, { recursive: true, force: true }),
  async syncDir(path) {
    const folder = await fs.open(path, constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  },
  async freeBytes(path) {
    const { bavail, bsize } = await fs.statfs(path)
    return bavail * bsize
  },
}

function appendFile(file: fs.FileHandle): DiskFile {
  return {
    async append(chunks) {
      let rest: readonly Uint8Array[] = chunks.filter(chunk => chunk.byteLength > 0)
      while (rest.length > 0) {
        const { bytesWritten } = await file.writev(rest)
        assert(bytesWritten > 0, 'writev wrote nothing and did not fail')
        rest = dropBytes(rest, bytesWritten)
      }
    },
    datasync: () => file.datasync(),
    close: () => file.close(),
  }
}

/** What is left of `chunks` after their first `count` bytes: a write may stop in the middle of one. */
export function dropBytes(chunks: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let whole = 0
  let left = count
  while (whole < chunks.length && left >= chunks[whole]!.byteLength) left -= chunks[whole++]!.byteLength
  if (left === 0) return chunks.slice(whole)
  return [chunks[whole]!.subarray(left), ...chunks.slice(whole + 1)]
}
