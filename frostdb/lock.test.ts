/** The lock: one at a time, the holder named, a dead holder's taken over, however its pid is used by now. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { LockHeldError, takeLock } from './lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'decima-lock-'))
const lock = join(folder, 'LOCK')
afterEach(() => rmSync(lock, { force: true }))
after(() => rmSync(folder, { recursive: true }))

/** A process that lives until its input ends. */
function sleeper() {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] })
  return { pid: child.pid!, end: () => child.kill() }
}

/** What the kernel says of when a process began, as the lock has it. */
function startOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!
}

const linux = { skip: existsSync('/proc/self/stat') ? false : 'no /proc here' }

test('taken and given back', () => {
  const release = takeLock(folder)
  assert.match(readFileSync(lock, 'utf8'), new RegExp(`^${process.pid}( \\d+)? ?\n$`))
  assert.deepEqual(readdirSync(folder), ['LOCK'], 'nothing else is left')
  release()
  assert.equal(existsSync(lock), false)
  takeLock(folder)()
})

test('a living holder is named', linux, () => {
  const holder = sleeper()
  try {
    for (const text of [`${holder.pid} ${startOf(holder.pid)}\n`, `${holder.pid}\n`]) {
      writeFileSync(lock, text)
      assert.throws(
        () => takeLock(folder),
        (e: unknown) => e instanceof LockHeldError && e.pid === holder.pid && e.message.includes(String(holder.pid)),
      )
      assert.equal(readFileSync(lock, 'utf8'), text, 'and keeps it')
      assert.deepEqual(readdirSync(folder), ['LOCK'])
    }
  } finally {
    holder.end()
  }
})

test('a living process that began at another time has but the pid of the holder', linux, () => {
  const other = sleeper()
  try {
    writeFileSync(lock, `${other.pid} ${Number(startOf(other.pid)) - 1}\n`)
    takeLock(folder)()
  } finally {
    other.end()
  }
})

const { pid: dead } = spawnSync(process.execPath, ['-e', ''])
const stale: [string, string][] = [
  ['of a dead process', `${dead} 1\n`],
  ['of our own pid, before a restart of the container', `${process.pid} 1\n`],
  ['that was never written', ''],
  ['of nonsense', 'x y z'],
  ['of a pid that is none', '-1 5\n'],
]
for (const [name, text] of stale) {
  test(`a lock ${name} is taken over`, () => {
    writeFileSync(lock, text)
    const release = takeLock(folder)
    assert.equal(Number.parseInt(readFileSync(lock, 'utf8'), 10), process.pid)
    release()
    assert.deepEqual(readdirSync(folder), [])
  })
}

test('who lost the lock does not take it away from who has it', () => {
  const release = takeLock(folder)
  writeFileSync(lock, '1 1\n')
  release()
  assert.equal(readFileSync(lock, 'utf8'), '1 1\n')
})

test('of many that find a stale lock one gets it', linux, async () => {
  writeFileSync(lock, `${dead} 1\n`)
  const code = `
    import(${JSON.stringify(new URL('./lock.ts', import.meta.url).href)}).then(({ takeLock }) => {
      try { takeLock(${JSON.stringify(folder)}); process.stdout.write('taken'); process.stdin.resume() } catch (e) { process.stdout.write(e.name) }
    })`
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'pipe', 'ignore'] }),
  )
  const said = await Promise.all(
    children.map(child => new Promise<string>(resolve => child.stdout.once('data', data => resolve(String(data))))),
  )
  for (const child of children) child.kill()
  assert.deepEqual(said.sort(), ['LockHeldError', 'LockHeldError', 'LockHeldError', 'taken'])
})
