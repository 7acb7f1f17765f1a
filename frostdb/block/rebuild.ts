/**
 * Makes a block's `index` again from its three Parquet files, read with the general reader. The files are held against
 * the checksums in `meta.json` first: numbers of a damaged file must not get a fresh checksum of their own.
 *
 * Only profiles without a row are not in the files and do not come back. Runs in a worker: what `parquet-wasm` takes it
 * keeps.
 *
 * The index is written beside its place and renamed, and its line in `meta.json` after it. Who dies between the two
 * leaves a good index under an old checksum, which does no harm: an index is believed by its own.
 */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, renameSync, writeFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { CorruptionError } from '../../pkg/base/errors.ts'
import { readFooter } from '../../pkg/parquet/footer.ts'
import type { FileLayout } from '../../pkg/parquet/schema.ts'
import { encodeIndex, INDEX_FILE, verifyIndex } from './index-file.ts'
import { readProfiles } from './rebuild-profiles.ts'
import { readFrames, readStacks } from './rebuild-stacks.ts'
import { type BlockMeta, indexRowGroups, META_FILE, syncDirectory } from './write.ts'

const PARQUET_FILES = ['profiles.parquet', 'stacks.parquet', 'frames.parquet'] as const

export interface Rebuilt {
  readonly profiles: number
  /** Profiles without rows, which the files do not know. */
  readonly lost: number
}

/** Why the index of a block cannot be used, null when it can. */
export function indexFault(directory: string): string | null {
  const path = `${directory}/${INDEX_FILE}`
  if (!existsSync(path)) return `${path} is missing`
  try {
    verifyIndex(readFileSync(path), path)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

/** Throws `CorruptionError` when one of the Parquet files is not as it was written. */
export async function rebuildIndex(directory: string): Promise<Rebuilt> {
  const meta = readMeta(directory)
  for (const name of PARQUET_FILES) checkFile(`${directory}/${name}`, meta.files[name])
  const { strings, frames } = await readFrames(`${directory}/frames.parquet`)
  const { nodes, stackNode } = await readStacks(`${directory}/stacks.parquet`, frames.length)
  const path = `${directory}/profiles.parquet`
  const layout = readLayout(path)
  const { series, profiles } = await readProfiles(path, layout)
  const bytes = encodeIndex({ strings, frames, nodes, stackNode, series, profiles, rowGroups: indexRowGroups(layout) })
  replaceFile(directory, INDEX_FILE, bytes)
  const files = { ...meta.files, [INDEX_FILE]: { bytes: bytes.length, crc32: hex(crc32(bytes)) } }
  replaceFile(directory, META_FILE, Buffer.from(`${JSON.stringify({ ...meta, files }, null, 2)}\n`))
  return { profiles: profiles.length, lost: meta.profiles - profiles.length }
}

const hex = (crc: number): string => crc.toString(16).padStart(8, '0')

function readMeta(directory: string): BlockMeta {
  const path = `${directory}/${META_FILE}`
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as BlockMeta
  } catch (error) {
    throw new CorruptionError(`cannot be read: ${(error as Error).message}`, { path, offset: 0 })
  }
}

function checkFile(path: string, want: BlockMeta['files'][string] | undefined): void {
  const fd = openSync(path, 'r')
  try {
    const chunk = new Uint8Array(1 << 20)
    let crc = 0
    let bytes = 0
    for (let got = readSync(fd, chunk); got > 0; got = readSync(fd, chunk)) {
      crc = crc32(chunk.subarray(0, got), crc)
      bytes += got
    }
    if (want === undefined || bytes !== want.bytes || hex(crc) !== want.crc32) {
      throw new CorruptionError(`not the file that ${META_FILE} names: crc32 ${hex(crc)}, ${bytes} bytes`, {
        path,
        offset: 0,
      })
    }
  } finally {
    closeSync(fd)
  }
}

function replaceFile(directory: string, name: string, bytes: Uint8Array): void {
  const fresh = `${directory}/${name}.tmp`
  writeFileSync(fresh, bytes, { flush: true })
  renameSync(fresh, `${directory}/${name}`)
  syncDirectory(directory)
}

function readLayout(path: string): FileLayout {
  const fd = openSync(path, 'r')
  try {
    const { size } = fstatSync(fd)
    for (let bytes = Math.min(size, 1 << 16); ; ) {
      const tail = new Uint8Array(bytes)
      for (let at = 0; at < bytes; ) at += readSync(fd, tail, at, bytes - at, size - bytes + at)
      const read = readFooter(tail, { path, size })
      if (read.kind === 'layout') return read.layout
      bytes = read.bytes
    }
  } finally {
    closeSync(fd)
  }
}
