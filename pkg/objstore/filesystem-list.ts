/** The files below a folder as keys, in the order of the keys' bytes, a page at a time. */
import type { Dirent } from 'node:fs'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import type { ListedObject } from './contract.ts'
import { isKey } from './key.ts'
import type { ListPage } from './store.ts'

const PAGE = 1000

/** `cursor` is the last key of the page before. Files that are no keys are not ours and are left out. */
export async function listFolder(root: string, prefix: string, cursor: string | null): Promise<ListPage> {
  const objects: ListedObject[] = []
  for await (const key of keysBelow(root, '', prefix, cursor)) {
    // One more than a page tells whether there is another.
    if (objects.length === PAGE) return { objects, next: objects.at(-1)!.key }
    const stats = await fs.stat(join(root, key)).catch(() => null)
    if (stats?.isFile()) objects.push({ key, size: stats.size, lastModifiedMs: stats.mtimeMs })
  }
  return { objects, next: null }
}

async function* keysBelow(root: string, folder: string, prefix: string, cursor: string | null): AsyncGenerator<string> {
  const entries = await fs
    .readdir(join(root, folder), { withFileTypes: true })
    .catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    })
  // A folder sorts by its name with the slash, as its keys do.
  const names = entries.map(nameOf).toSorted((a, b) => (a < b ? -1 : 1))
  for (const name of names) {
    const path = folder + name
    if (path.endsWith('/')) {
      const mayHold = path.startsWith(prefix) || prefix.startsWith(path)
      const isPast = cursor !== null && path < cursor && !cursor.startsWith(path)
      if (mayHold && !isPast && isKey(path.slice(0, -1))) yield* keysBelow(root, path, prefix, cursor)
    } else if (path.startsWith(prefix) && (cursor === null || path > cursor) && isKey(path)) yield path
  }
}

const nameOf = (entry: Dirent): string => (entry.isDirectory() ? `${entry.name}/` : entry.name)
