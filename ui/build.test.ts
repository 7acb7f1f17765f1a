import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildPage, SCRIPT_LIMIT } from './build.ts'

test('the page is built once, small, and without anything inline or from elsewhere', async t => {
  const dir = await mkdtemp(join(tmpdir(), 'decima-build-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const built = await buildPage(dir)
  assert.equal(built.fresh, true)
  assert.ok(built.scriptGzipBytes < SCRIPT_LIMIT, `${built.scriptGzipBytes} bytes`)
  assert.deepEqual((await readdir(dir)).map(name => name.replace(/-[0-9A-F]{8}\./, '-HASH.')).sort(), [
    '.stamp',
    'app-HASH.css',
    'app-HASH.js',
    'index.html',
    'worker-HASH.js',
  ])
  const html = await readFile(join(dir, 'index.html'), 'utf8')
  assert.doesNotMatch(html, /<style|style=|<script(?![^>]*\ssrc="\.\/app-)|\son\w+=|https?:|\{\{/)

  assert.equal((await buildPage(dir)).fresh, false)
  await unlink(join(dir, built.files[0]!))
  assert.equal((await buildPage(dir)).fresh, true, 'a missing file is built again')
})
