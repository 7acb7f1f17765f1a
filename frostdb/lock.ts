/**
 * The lock file of a storage path: one Decima at a time. It holds the owner's pid and, where the system tells it, the
 * moment that process began, so that the lock of a dead owner is known even when its pid is in use again.
 */
import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'

export class LockHeldError extends Error {
  readonly pid: number

  constructor(path: string, pid: number) {
    super(`${path} is held by another Decima (pid ${pid})`)
    this.name = 'LockHeldError'
    this.pid = pid
  }
}

/** Takes the lock or throws `LockHeldError`; returns what gives it back. */
export function takeLock(storagePath: string): () => void {
  const path = `${storagePath}/LOCK`
  const own = `${path}.${process.pid}`
  const moved = `${own}.stale`
  const mine = `${process.pid} ${startOf(process.pid)}\n`
  writeFileSync(own, mine)
  try {
    for (;;) {
      try {
        linkSync(own, path)
        return () => {
          if (readText(path) === mine) unlinkSync(path)
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const held = readText(path)
      if (held === null) continue
      const [pid, start] = held.trim().split(' ') as [string, string?]
      if (isAlive(Number(pid), start ?? '')) throw new LockHeldError(path, Number(pid))
      // Two may find the lock of a dead owner; who moves it second has moved the lock of the first, and puts it back.
      try {
        renameSync(path, moved)
        if (readText(moved) !== held) linkSync(moved, path)
      } catch (error) {
        if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
      }
      rmSync(moved, { force: true })
    }
  } finally {
    rmSync(own, { force: true })
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

function isAlive(pid: number, start: string): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  const now = startOf(pid)
  return start === '' || now === '' || now === start
}

/** Clock ticks from boot to the start of the process (field 22 of /proc/pid/stat), or '' where there is no /proc. */
function startOf(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`)
  if (stat === null) return ''
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}
