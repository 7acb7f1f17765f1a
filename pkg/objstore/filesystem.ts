/**
 * A folder as a bucket. The etag is the MD5 of the content.
 *
 *   put         written to `.put-<token>` beside its place, synced, then moved there in one step
 *   absent      link(2) instead of rename(2): it refuses what exists
 *   version     link(2) to `.next-<etag>-<name>` first: only one writer can hold the succession of a version, and its
 *               rename to the place ends the hold and is the commit, in one step
 *   a file on the same file system is linked, not copied
 *
 * Names that begin with a dot are never keys, so what a crash leaves behind is no object.
 */
import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Clock } from '../base/ports.ts'
import { systemClock } from '../base/system.ts'
import { type Content, md5Of, md5OfFile, readFully } from './content.ts'
import { StoreError } from './errors.ts'
import { errorOf } from './filesystem-errors.ts'
import { listFolder } from './filesystem-list.ts'
import type { Condition, PutRequest, Store } from './store.ts'

export interface FilesystemSettings {
  readonly directory: string
}

/** A writer that holds a succession this long is taken for dead; one that is alive gives up well before. */
const HOLD_EXPIRES_MS = 60_000
const HOLD_USABLE_MS = 20_000
/** Digests of files that did not change since, so that a head of a large block reads it once. */
const DIGESTS = 4096

export function filesystemStore(settings: FilesystemSettings, clock: Clock = systemClock): Store {
  const root = resolve(settings.directory)
  const digests = new Map<string, string>()
  const pathOf = (key: string): string => join(root, key)

  async function digestOf(path: string, stats: Stats): Promise<string> {
    const identity = `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}`
    const known = digests.get(identity)
    if (known !== undefined) return known
    const md5 = (await md5OfFile(path, stats.size)).toString('hex')
    remember(identity, md5)
    return md5
  }

  function remember(identity: string, md5: string): void {
    if (digests.size >= DIGESTS) digests.delete(digests.keys().next().value!)
    digests.set(identity, md5)
  }

  async function versionAt(path: string): Promise<string | null> {
    const stats = await fileAt(path)
    return stats && (await digestOf(path, stats))
  }

  async function put(path: string, { content, condition, token }: PutRequest): Promise<{ etag: string }> {
    const folder = dirname(path)
    await makeFolders(root, folder)
    const temp = join(folder, `.put-${token}-${randomBytes(4).toString('hex')}`)
    const etag = content.md5.toString('hex')
    try {
      await writeTemp(temp, content)
      const own = await fs.stat(temp)
      await place(temp, path, condition, etag, own.ino)
      await syncFolder(folder)
      const placed = await fileAt(path)
      if (placed?.ino === own.ino) remember(`${placed.dev}:${placed.ino}:${placed.size}:${placed.mtimeMs}`, etag)
      return { etag }
    } finally {
      await fs.rm(temp, { force: true })
    }
  }

  async function place(temp: string, path: string, condition: Condition, etag: string, ino: number): Promise<void> {
    switch (condition.kind) {
      case 'none':
        return await fs.rename(temp, path)
      case 'absent':
        if (await linked(temp, path)) return
        throw new StoreError('precondition_failed', 'the object is there')
      case 'version':
        return await succeed(temp, path, condition.etag, etag, ino)
    }
  }

  /** Replaces the version `before`, which only one writer at a time can be about to do. */
  async function succeed(temp: string, path: string, before: string, etag: string, ino: number): Promise<void> {
    if (!/^[0-9a-f]{32}$/.test(before)) throw new StoreError('precondition_failed', `no version has the etag ${before}`)
    const name = path.slice(dirname(path).length + 1)
    const hold = join(dirname(path), `.next-${before}-${md5Of(Buffer.from(name)).toString('hex')}`)
    const begun = clock.monotonic()
    if (!(await linked(temp, hold)) && !((await expired(hold)) && (await linked(temp, hold))))
      throw new StoreError('precondition_failed', 'another writer is replacing this version')
    const there = await versionAt(path)
    const late = clock.monotonic() - begun > HOLD_USABLE_MS
    if (there !== before || late) {
      if ((await fileAt(hold))?.ino === ino) await fs.rm(hold, { force: true })
      if (late) throw new StoreError('unavailable', 'the disk took too long')
      throw new StoreError('precondition_failed', `the version there is ${there ?? 'none'}, not ${before}`)
    }
    // Renaming two links of one file to each other does nothing, so content that stays the same needs no step at all.
    if (etag === before) return await fs.rm(hold, { force: true })
    await fs.rename(hold, path)
  }

  /** Clears away a hold whose owner is gone; by rename, so that only one clears it. */
  async function expired(hold: string): Promise<boolean> {
    const stats = await fs.stat(hold).catch(() => null)
    if (stats === null) return true
    if (clock.now() - stats.ctimeMs < HOLD_EXPIRES_MS) return false
    const aside = join(dirname(hold), `.put-${randomBytes(8).toString('hex')}`)
    try {
      await fs.rename(hold, aside)
    } catch {
      return false
    }
    await fs.rm(aside, { force: true })
    return true
  }

  return {
    name: `file://${root}`,
    get: (key, range) =>
      guarded(async () => {
        const path = pathOf(key)
        const file = await fs.open(path, 'r')
        try {
          const { size } = await regular(file, path)
          if (range === null) {
            const body = await readFully(file, 0, size, path)
            const md5 = md5Of(body).toString('hex')
            return { body, etag: md5, md5 }
          }
          if (range.offset >= size) throw new StoreError('out_of_range', `the object has ${size} bytes`)
          const length = Math.min(range.length, size - range.offset)
          return { body: await readFully(file, range.offset, length, path), etag: '', md5: null }
        } finally {
          await file.close()
        }
      }),
    put: (key, request, attempt) =>
      attempt('put', () => guarded(() => put(pathOf(key), request)).catch(folderGone), request.content.size),
    head: key =>
      guarded(async () => {
        const path = pathOf(key)
        const stats = await fileAt(path)
        if (stats === null) return null
        const md5 = await digestOf(path, stats)
        return { size: stats.size, etag: md5, md5, token: null }
      }),
    remove: key =>
      guarded(async () => {
        const path = pathOf(key)
        const stats = await fileAt(path)
        if (stats === null) return
        await fs.rm(path, { force: true })
        await syncFolder(dirname(path))
        await dropEmptyFolders(root, dirname(path))
      }),
    listPage: (prefix, cursor) => guarded(() => listFolder(root, prefix, cursor)),
    close: async () => {},
  }
}

async function guarded<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (thrown) {
    throw errorOf(thrown)
  }
}

/** A remove beside us may take the empty folder away just before we write into it: the next try makes it again. */
function folderGone(thrown: unknown): never {
  if (thrown instanceof StoreError && thrown.kind === 'not_found')
    throw new StoreError('unavailable', thrown.message, thrown.cause)
  throw thrown
}

/** null where no file is. */
async function fileAt(path: string): Promise<Stats | null> {
  try {
    const stats = await fs.stat(path)
    return stats.isFile() ? stats : null
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw error
  }
}

async function regular(file: fs.FileHandle, path: string): Promise<Stats> {
  const stats = await file.stat()
  if (!stats.isFile()) throw new StoreError('not_found', `${path} is no file`)
  return stats
}

/** False when `to` is taken by another file. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await fs.link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function writeTemp(temp: string, content: Content): Promise<void> {
  if (content.path !== null && (await linkSource(content.path, temp))) return await syncFile(temp)
  if (content.path !== null) await fs.copyFile(content.path, temp, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
  else await fs.writeFile(temp, await content.read(0, content.size), { flag: 'wx' })
  await syncFile(temp)
}

/** False where the source is on another file system, or the file system has no links. */
async function linkSource(source: string, temp: string): Promise<boolean> {
  try {
    await fs.link(source, temp)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EXDEV' || code === 'EPERM' || code === 'EMLINK' || code === 'ENOTSUP' || code === 'ENOSYS')
      return false
    throw error
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await fs.open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await fs.open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Makes `folder` with all above it, and each new one durable in the one that holds it. */
async function makeFolders(root: string, folder: string): Promise<void> {
  const first = await fs.mkdir(folder, { recursive: true })
  if (first === undefined) return
  for (let path = folder; path.length >= first.length && path !== dirname(root); path = dirname(path))
    await syncFolder(dirname(path))
}

/** A store has no folders, so none stays behind when the last object in it goes. */
async function dropEmptyFolders(root: string, folder: string): Promise<void> {
  for (let path = folder; path.length > root.length; path = dirname(path)) {
    try {
      await fs.rmdir(path)
    } catch {
      return
    }
  }
}
