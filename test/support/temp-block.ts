/** Writes as a block on disk, in a folder that goes when the test process ends. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeHeadBlock } from '../../frostdb/block/write.ts'
import { appendWrites, type Head, headCounts, viewHead } from '../../frostdb/head/head.ts'
import { DEFAULT_SERVICE_LABELS } from '../../frostdb/service.ts'
import { type WriteModel, writeOf } from './profile-write.ts'
import { emptyHead } from './store-model.ts'

let made = 0
const folder = mkdtempSync(join(tmpdir(), 'decima-block-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

/** Generations are never used twice: who caches series by them would mix heads. */
export function headOf(writes: readonly WriteModel[]): Head {
  const head = emptyHead(++made)
  for (const write of writes) appendWrites(head, [writeOf(write)])
  return head
}

export function blockOf(head: Head, options: { readonly rowGroupRows?: number } = {}) {
  const ulid = `BLOCK${String(++made).padStart(21, '0')}`
  const directory = join(folder, ulid)
  const entry = writeHeadBlock(viewHead(head, headCounts(head)), {
    ulid,
    directory,
    serviceLabels: DEFAULT_SERVICE_LABELS,
    version: 'test',
    createdMs: 0,
    ...options,
  })
  return { ulid, directory, entry }
}
