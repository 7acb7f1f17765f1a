/**
 * The ports through which Decima meets the world. Production wires the real ones (`system.ts`), tests wire simulated
 * ones, so that one seed replays a run.
 */

export interface Clock {
  /** Wall time, unix milliseconds, with a fraction where the system has one. */
  now(): number
  /** Milliseconds that never go back. */
  monotonic(): number
  /** Resolves after `ms`, or at once when `signal` aborts (it does not reject). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number
}

/** One open file. Writes append; nothing is durable before `datasync` resolves. */
export interface DiskFile {
  append(chunks: readonly Uint8Array[]): Promise<void>
  datasync(): Promise<void>
  close(): Promise<void>
}

/** What the write side of the store needs of a file system. Paths are absolute. Rejects with Node's error codes. */
export interface Disk {
  makeDir(path: string): Promise<void>
  list(path: string): Promise<string[]>
  /** Opens for append; `exclusive` rejects with EEXIST if it is there. */
  openAppend(path: string, options?: { exclusive?: boolean }): Promise<DiskFile>
  read(path: string): Promise<Uint8Array>
  truncate(path: string, length: number): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Removes a file or a folder with all in it; nothing there is fine. */
  remove(path: string): Promise<void>
  /** Makes a folder's entries (creations, renames, removals) durable. */
  syncDir(path: string): Promise<void>
  freeBytes(path: string): Promise<number>
}

/** The newest line of a log at level and above goes out; fields are written `key=value`. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}
export type LogFields = Readonly<Record<string, string | number | bigint | boolean | null | undefined>>
