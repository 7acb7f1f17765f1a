/** What a put sends: bytes in memory or a file, with its size and MD5 known before the first byte leaves. */
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import type { Body } from './contract.ts'
import { StoreError } from './errors.ts'

export interface Content {
  readonly size: number
  /** 16 bytes. */
  readonly md5: Buffer
  /** The file it is, or null for bytes in memory. */
  readonly path: string | null
  /** Borrowed when it is in memory: not to be changed. */
  read(offset: number, length: number): Promise<Uint8Array>
}

const CHUNK = 1 << 20

export const md5Of = (bytes: Uint8Array): Buffer => createHash('md5').update(bytes).digest()

export async function contentOf(body: Body): Promise<Content> {
  if (body instanceof Uint8Array)
    return {
      size: body.byteLength,
      md5: md5Of(body),
      path: null,
      read: async (offset, length) => body.subarray(offset, offset + length),
    }
  const { path, size } = body
  const md5 = body.md5 === undefined ? await md5OfFile(path, size) : Buffer.from(body.md5, 'hex')
  return { size, md5, path, read: (offset, length) => readFile(path, offset, length) }
}

/** Rejects when the file is not exactly `size` long. */
export async function md5OfFile(path: string, size: number): Promise<Buffer> {
  const file = await openSource(path)
  try {
    const hash = createHash('md5')
    const chunk = Buffer.allocUnsafe(Math.max(1, Math.min(CHUNK, size)))
    let seen = 0
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.byteLength, seen)
      if (bytesRead === 0) break
      hash.update(chunk.subarray(0, bytesRead))
      seen += bytesRead
    }
    if (seen !== size) throw new StoreError('invalid', `${path} has ${seen} bytes, not ${size}`)
    return hash.digest()
  } finally {
    await file.close()
  }
}

async function readFile(path: string, offset: number, length: number): Promise<Uint8Array> {
  const file = await openSource(path)
  try {
    return await readFully(file, offset, length, path)
  } finally {
    await file.close()
  }
}

async function openSource(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    throw new StoreError('invalid', `cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`, error)
  }
}

/** Exactly `length` bytes from `offset` on, or `out_of_range`. */
export async function readFully(file: FileHandle, offset: number, length: number, path: string): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled)
    if (bytesRead === 0) throw new StoreError('out_of_range', `${path} ends at ${offset + filled}`)
    filled += bytesRead
  }
  return bytes
}
