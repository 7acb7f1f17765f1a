/**
 * A disk in memory that can die. What was not synced may be there after a crash, or not, or in part: of a file any state
 * since its last sync, its unsynced 512-byte sectors each there or not; of names the first so many of the changes since
 * the last sync of their folder. A fault makes the k-th call of a kind fail, as a full or dying disk does.
 */
import type { Disk, DiskFile } from '../../pkg/base/ports.ts'
import type { Random } from './random.ts'

const SECTOR = 512

interface Inode {
  synced: Buffer
  now: Buffer
  /** What it was between the last sync and now. */
  between: Buffer[]
}

type Entry = Inode | 'folder'
type Names = Map<string, Entry>

export interface Fault {
  readonly call: 'append' | 'datasync' | 'rename' | 'open' | 'syncDir'
  /** Calls that go well before it. */
  after: number
  readonly code: 'ENOSPC' | 'EIO'
}

export interface SimDisk {
  /** The disk as the process sees it that runs now; of a process before a crash no call ever returns. */
  readonly disk: Disk
  /** Power is lost: what the next process finds. */
  crash(): void
  readonly faults: Fault[]
  freeBytes: number
  /** The bytes of each file, for tests that damage them. */
  readonly files: ReadonlyMap<string, Uint8Array>
  write(path: string, bytes: Uint8Array): void
}

export function createSimDisk(random: Random): SimDisk {
  let names: Names = new Map()
  /** Changes of names since the last sync of the folder, oldest first. */
  let changes: { folder: string; apply(names: Names): void }[] = []
  let durable: Names = new Map()
  let life = 0
  const faults: Fault[] = []
  const sim = { freeBytes: 2 ** 40 }

  const change = (path: string, apply: (names: Names) => void): void => {
    apply(names)
    changes.push({ folder: path.slice(0, path.lastIndexOf('/')), apply })
  }

  const failing = (call: Fault['call']): Fault['code'] | null => {
    const at = faults.findIndex(f => f.call === call && f.after-- <= 0)
    return at < 0 ? null : faults.splice(at, 1)[0]!.code
  }
  const error = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code })

  function process(own: number): Disk {
    const call = async <T>(run: () => T): Promise<T> => {
      await null
      if (own !== life) return new Promise<never>(() => {})
      return run()
    }
    const inodeOf = (path: string): Inode => {
      const entry = names.get(path)
      if (entry === undefined) throw error('ENOENT', path)
      if (entry === 'folder') throw error('EISDIR', path)
      return entry
    }
    return {
      makeDir: path =>
        call(() => {
          const parts = path.split('/')
          for (let i = 2; i <= parts.length; i++) {
            const part = parts.slice(0, i).join('/')
            // Made once, long before: that they might vanish says nothing about the store.
            if (!names.has(part)) for (const all of [names, durable]) all.set(part, 'folder')
          }
        }),
      list: path =>
        call(() => {
          if (names.get(path) !== 'folder') throw error('ENOENT', path)
          return [...names.keys()]
            .filter(name => name.startsWith(`${path}/`) && !name.slice(path.length + 1).includes('/'))
            .map(name => name.slice(path.length + 1))
        }),
      openAppend: (path, options = {}) =>
        call(() => {
          const code = failing('open')
          if (code !== null) throw error(code, path)
          if (names.has(path) && options.exclusive) throw error('EEXIST', path)
          if (!names.has(path)) {
            const fresh: Inode = { synced: Buffer.alloc(0), now: Buffer.alloc(0), between: [] }
            change(path, all => all.set(path, fresh))
          }
          return file(path, inodeOf(path))
        }),
      read: path => call(() => Uint8Array.from(inodeOf(path).now)),
      truncate: (path, length) => call(() => replace(inodeOf(path), inodeOf(path).now.subarray(0, length))),
      rename: (from, to) =>
        call(() => {
          const code = failing('rename')
          if (code !== null) throw error(code, from)
          if (!names.has(from)) throw error('ENOENT', from)
          change(to, all => {
            for (const [name, entry] of [...all]) {
              if (name !== from && !name.startsWith(`${from}/`)) continue
              all.delete(name)
              all.set(to + name.slice(from.length), entry)
            }
          })
        }),
      remove: path =>
        call(() =>
          change(path, all => {
            for (const name of [...all.keys()]) if (name === path || name.startsWith(`${path}/`)) all.delete(name)
          }),
        ),
      syncDir: path =>
        call(() => {
          const code = failing('syncDir')
          if (code !== null) throw error(code, path)
          // A journal: what came before it in any folder is durable with it.
          let last = -1
          changes.forEach((c, i) => {
            if (c.folder === path) last = i
          })
          for (const c of changes.splice(0, last + 1)) c.apply(durable)
        }),
      freeBytes: () => call(() => sim.freeBytes),
    }

    function file(path: string, inode: Inode): DiskFile {
      let open = true
      const whenOpen = <T>(run: () => T): Promise<T> =>
        call(() => {
          if (!open) throw error('EBADF', path)
          return run()
        })
      return {
        append: chunks =>
          whenOpen(() => {
            const bytes = Buffer.concat(chunks)
            const code = failing('append')
            const taken = code === null ? bytes.length : random.below(bytes.length + 1)
            replace(inode, Buffer.concat([inode.now, bytes.subarray(0, taken)]))
            if (code !== null) throw error(code, path)
          }),
        datasync: () =>
          whenOpen(() => {
            const code = failing('datasync')
            if (code !== null) throw error(code, path)
            inode.synced = inode.now
            inode.between = []
          }),
        close: () =>
          whenOpen(() => {
            open = false
          }),
      }
    }
  }

  const replace = (inode: Inode, now: Buffer): void => {
    inode.between.push(inode.now)
    inode.now = Buffer.from(now)
  }

  function survivor({ synced, now, between }: Inode): Inode {
    const states = [synced, ...between, now]
    const state = states[random.below(states.length)]!
    const out = Buffer.from(state.subarray(0, random.below(3) === 0 ? random.below(state.length + 1) : state.length))
    if (out.length < synced.length && now.length >= synced.length) return survivorOf(Buffer.from(synced))
    for (let at = Math.floor(synced.length / SECTOR) * SECTOR; at < out.length; at += SECTOR) {
      if (random.below(4) > 0) continue
      const from = Math.max(at, synced.length)
      const to = Math.min(out.length, at + SECTOR)
      if (from < to) out.fill(0, from, to)
    }
    return survivorOf(out)
  }
  const survivorOf = (bytes: Buffer): Inode => ({ synced: bytes, now: bytes, between: [] })

  let disk = process(life)
  return {
    get disk() {
      return disk
    },
    crash() {
      life++
      for (const c of changes.splice(0, random.below(changes.length + 1))) c.apply(durable)
      changes = []
      const kept = new Map<Inode, Inode>()
      names = new Map()
      for (const [name, entry] of durable) {
        if (entry !== 'folder' && !kept.has(entry)) kept.set(entry, survivor(entry))
        names.set(name, entry === 'folder' ? entry : kept.get(entry)!)
      }
      durable = new Map(names)
      faults.length = 0
      disk = process(life)
    },
    faults,
    get freeBytes() {
      return sim.freeBytes
    },
    set freeBytes(bytes) {
      sim.freeBytes = bytes
    },
    get files() {
      return new Map([...names].flatMap(([name, entry]) => (entry === 'folder' ? [] : [[name, entry.now] as const])))
    },
    write(path, bytes) {
      const entry: Inode = { synced: Buffer.from(bytes), now: Buffer.from(bytes), between: [] }
      names.set(path, entry)
      durable.set(path, entry)
    },
  }
}
