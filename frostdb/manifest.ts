/**
 * The manifest: which blocks a tenant has and from which log segment on nothing is in a block yet. A text file of edits,
 * one a line, each with its checksum: `crc32-in-hex SPACE json`. An edit is in force once its line is durable. A torn last
 * line is no edit: one without its end, or with a hole of zeros where a sector did not reach the disk. Anything else that
 * is wrong is damage, and nothing is opened: an edit that is passed over would cost the blocks it adds. Opening
 * rewrites the file as one edit, by rename, so that its first line is never torn.
 */
import { crc32 } from 'node:zlib'
import { CorruptionError } from '../pkg/base/errors.ts'
import type { Disk, DiskFile } from '../pkg/base/ports.ts'

export interface BlockEntry {
  readonly ulid: string
  /** Of its profiles, unix ms, both inclusive. */
  readonly minTime: number
  readonly maxTime: number
  readonly level: number
  readonly rows: number
  readonly profiles: number
  readonly bytes: number
}

export interface ManifestEdit {
  readonly add: readonly BlockEntry[]
  readonly remove: readonly string[]
  /** Log segments below this number are in blocks. */
  readonly walFrom: number
}

export interface Manifest {
  readonly blocks: readonly BlockEntry[]
  readonly walFrom: number
  /**
   * Resolves once the edit is durable. Edits are made one after the other. `inForce` is called in the turn in which the
   * edit shows in `blocks`.
   */
  edit(edit: ManifestEdit, inForce?: () => void): Promise<void>
  close(): Promise<void>
}

const line = (edit: ManifestEdit): string => {
  const json = JSON.stringify(edit)
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`
}

export async function openManifest(disk: Disk, directory: string): Promise<Manifest> {
  const path = `${directory}/MANIFEST`
  let state: { blocks: readonly BlockEntry[]; walFrom: number } = { blocks: [], walFrom: 0 }
  const names = await disk.list(directory)
  if (names.includes('MANIFEST')) {
    for (const edit of parseManifest(new TextDecoder().decode(await disk.read(path)), path)) state = apply(state, edit)
  }
  const write = (): Promise<DiskFile> =>
    rewrite(disk, directory, { add: state.blocks, remove: [], walFrom: state.walFrom })
  /** Null after a failed edit: its line may stand there torn, and the next must not stand behind it. */
  let file: DiskFile | null = await write()
  let last: Promise<void> = Promise.resolve()
  return {
    get blocks() {
      return state.blocks
    },
    get walFrom() {
      return state.walFrom
    },
    edit(edit, inForce) {
      const turn = last.then(async () => {
        try {
          file ??= await write()
          await file.append([new TextEncoder().encode(line(edit))])
          await file.datasync()
        } catch (error) {
          await file?.close().catch(() => undefined)
          file = null
          throw error
        }
        state = apply(state, edit)
        inForce?.()
      })
      last = turn.catch(() => undefined)
      return turn
    },
    async close() {
      await last
      await file?.close()
    },
  }
}

async function rewrite(disk: Disk, directory: string, edit: ManifestEdit): Promise<DiskFile> {
  const fresh = `${directory}/MANIFEST.tmp`
  await disk.remove(fresh)
  const file = await disk.openAppend(fresh, { exclusive: true })
  try {
    await file.append([new TextEncoder().encode(line(edit))])
    await file.datasync()
    await disk.rename(fresh, `${directory}/MANIFEST`)
    await disk.syncDir(directory)
    return file
  } catch (error) {
    await file.close().catch(() => undefined)
    throw error
  }
}

function apply(
  state: { blocks: readonly BlockEntry[]; walFrom: number },
  edit: ManifestEdit,
): { blocks: readonly BlockEntry[]; walFrom: number } {
  const removed = new Set(edit.remove)
  return { blocks: [...state.blocks.filter(b => !removed.has(b.ulid)), ...edit.add], walFrom: edit.walFrom }
}

export function parseManifest(text: string, path: string): ManifestEdit[] {
  if (text === '') throw new CorruptionError('the manifest is empty', { path, offset: 0 })
  const edits: ManifestEdit[] = []
  let offset = 0
  while (offset < text.length) {
    const end = text.indexOf('\n', offset)
    if (end < 0 && offset > 0) break
    const json = text.slice(offset + 9, end < 0 ? text.length : end)
    if (end < 0 || text.slice(offset, offset + 9) !== `${crc32(json).toString(16).padStart(8, '0')} `) {
      if (offset > 0 && end === text.length - 1 && text.includes('\0', offset)) break
      throw new CorruptionError('crc32 mismatch in a manifest edit', { path, offset })
    }
    edits.push(JSON.parse(json) as ManifestEdit)
    offset = end + 1
  }
  return edits
}
