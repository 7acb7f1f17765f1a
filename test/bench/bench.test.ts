/** Every benchmark runs to its end in its small size; what it measures is not judged here. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

for (const [name, says] of [
  ['ingest', [/ratio: CPU \/ gunzip/, /lost +0\.00 of 72/, /profiles\.parquet/]],
  ['query', [/merge of one pod, trimmed at 0 .* ×/, /merge of the fleet, trimmed at 0\.1 .* ×/, /label names/]],
  ['replay', [/msg="log replayed"/, /ratio: replay/, /lost or doubled +0\.00/]],
  ['idle', [/RSS at the end/, /ratio: RSS/]],
] as const) {
  test(`bench ${name} --small`, () => {
    const script = join(import.meta.dirname, `${name}.ts`)
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--small'], { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    for (const pattern of says) assert.match(stdout, pattern)
  })
}
