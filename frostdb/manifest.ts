/**
 * The manifest: which blocks a tenant has and from which log segment on nothing is in a block yet. A text file of edits,
 * one a line, each with its checksum: `crc32-in-hex SPACE json`. An edit is in force once its line is durable; a torn
 * last line is no edit. Opening rewrites the file as one edit, by rename.
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
  /** Resolves once the edit is durable. Edits are made one after the other. */
  edit(edit: ManifestEdit): Promise<void>
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
  const file = { current: await rewrite(disk, directory, { add: state.blocks, remove: [], walFrom: state.walFrom }) }
  let last: Promise<void> = Promise.resolve()
  return {
    get blocks() {
      return state.blocks
    },
    get walFrom() {
      return state.walFrom
    },
    edit(edit) {
      const turn = last.then(async () => {
        try {
          await file.current.append([new TextEncoder().encode(line(edit))])
          await file.current.datasync()
        } catch (error) {
          // The line may be torn: the next edit must not stand behind it.
          await file.current.close().catch(() => undefined)
          file.current = await rewrite(disk, directory, { add: state.blocks, remove: [], walFrom: state.walFrom })
          throw error
        }
        state = apply(state, edit)
      })
      last = turn.catch(() => undefined)
      return turn
    },
    async close() {
      await last
      await file.current.close()
    },
  }
}

async function rewrite(disk: Disk, directory: string, edit: ManifestEdit): Promise<DiskFile> {
  const fresh = `${directory}/MANIFEST.tmp`
  await disk.remove(fresh)
  const file = await disk.openAppend(fresh, { exclusive: true })
  await file.append([new TextEncoder().encode(line(edit))])
  await file.datasync()
  await disk.rename(fresh, `${directory}/MANIFEST`)
  await disk.syncDir(directory)
  return file
}

function apply(
  state: { blocks: readonly BlockEntry[]; walFrom: number },
  edit: ManifestEdit,
): { blocks: readonly BlockEntry[]; walFrom: number } {
  const removed = new Set(edit.remove)
  return { blocks: [...state.blocks.filter(b => !removed.has(b.ulid)), ...edit.add], walFrom: edit.walFrom }
}

/** A bad line that is not the last is damage: the store must not open with half of its blocks. */
export function parseManifest(text: string, path: string): ManifestEdit[] {
  const edits: ManifestEdit[] = []
  let offset = 0
  while (offset < text.length) {
    const end = text.indexOf('\n', offset)
    if (end < 0) break
    const json = text.slice(offset + 9, end)
    if (text.slice(offset, offset + 8) !== crc32(json).toString(16).padStart(8, '0')) {
      if (end === text.length - 1) break
      throw new CorruptionError('crc32 mismatch in a manifest edit', { path, offset })
    }
    edits.push(JSON.parse(json) as ManifestEdit)
    offset = end + 1
  }
  return edits
}
