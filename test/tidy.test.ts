/**
 * The repository's own rules: who may import whom, no file that nothing needs, no word left for later without its
 * reason, no host but this machine in tests, a README with its import lines in every folder of code.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, extname, join, normalize } from 'node:path'
import { test } from 'node:test'

const root = dirname(import.meta.dirname)
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter(file => existsSync(join(root, file)))
const text = (file: string): string => readFileSync(join(root, file), 'utf8')

const CODE = new Set(['.ts', '.tsx', '.mts', '.mjs'])
const code = files.filter(file => CODE.has(extname(file)) && !file.includes('/gen/'))
const isTest = (file: string): boolean =>
  file.startsWith('test/') || /\.test\.tsx?$/.test(file) || /(^|\/)testing\.ts$/.test(file)

/** What the code of a folder may import besides itself. A path ending in `.ts` is that file alone. */
const IMPORTS: Readonly<Record<string, readonly string[]>> = {
  'pkg/base': [],
  'pkg/labels': ['pkg/base'],
  'pkg/profile': ['pkg/base', 'pkg/labels'],
  'pkg/pprof': ['pkg/base', 'pkg/profile'],
  'pkg/parquet': ['pkg/base'],
  'pkg/objstore': ['pkg/base'],
  'pkg/telemetry': ['pkg/base'],
  'pkg/config': ['pkg/base', 'pkg/labels'],
  frostdb: ['pkg/base', 'pkg/labels', 'pkg/profile', 'pkg/parquet'],
  'pkg/ingest': ['pkg/base', 'pkg/pprof', 'pkg/profile', 'pkg/labels', 'frostdb/writer.ts'],
  'pkg/query': [
    'pkg/base',
    'pkg/labels',
    'pkg/profile',
    'frostdb/scan/source.ts',
    'frostdb/scan/accumulate.ts',
    'frostdb/scan/snapshot.ts',
    'frostdb/scan/transfer.ts',
  ],
  'pkg/report': ['pkg/base', 'pkg/profile', 'pkg/pprof/encode.ts', 'pkg/query/engine.ts', 'pkg/query/result.ts'],
  scrape: ['pkg/base', 'pkg/labels', 'pkg/config'],
  'pkg/api': ['pkg/base', 'pkg/labels', 'pkg/query/engine.ts', 'pkg/query/result.ts', 'pkg/ingest/contract.ts'],
  ui: ['pkg/base', 'pkg/labels', 'pkg/profile/type.ts'],
  cmd: ['pkg', 'frostdb', 'scrape', 'ui/build.ts'],
  tools: ['cmd'],
}

const folderOf = (file: string): string => Object.keys(IMPORTS).find(f => file.startsWith(`${f}/`)) ?? ''

function* importsOf(file: string): Generator<string> {
  for (const [, path] of text(file).matchAll(/(?:from|import|new URL)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)) {
    yield normalize(join(dirname(file), path!))
  }
}

test('every import is in the table', () => {
  const wrong: string[] = []
  for (const file of code) {
    const folder = folderOf(file)
    if (folder === '' || isTest(file)) continue
    for (const target of importsOf(file)) {
      if (target.startsWith(`${folder}/`) || !CODE.has(extname(target))) continue
      if (!IMPORTS[folder]!.some(allowed => target === allowed || target.startsWith(`${allowed}/`)))
        wrong.push(`${file} imports ${target}`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('code does not import tests', () => {
  const wrong = code.filter(file => !isTest(file) && [...importsOf(file)].some(isTest))
  assert.deepEqual(wrong, [])
})

/** Files that something outside of TypeScript starts from. */
const ENTRIES = [
  /\.d\.ts$/,
  /^bin\//,
  /^test\/support\/setup\.mjs$/,
  /^cmd\/decima\/main\.ts$/,
  /^tools\//,
  /\.test\.tsx?$/,
  /^test\/bench\/[^/]+\.ts$/,
  /^ui\/build\.ts$/,
  /^ui\/main\.tsx$/,
  /^test\/corpus\/programs\//,
]

test('every file is reached from an entry', () => {
  const reached = new Set<string>()
  const waiting = code.filter(file => ENTRIES.some(entry => entry.test(file)))
  const known = new Set(code)
  // Files named in a string (workers, bundles) count as reached too.
  while (waiting.length > 0) {
    const file = waiting.pop()!
    if (reached.has(file)) continue
    reached.add(file)
    for (const [, path] of text(file).matchAll(/['"`]([\w./-]+\.(?:tsx?|mjs))['"`]/g)) {
      for (const target of [normalize(join(dirname(file), path!)), normalize(path!)])
        if (known.has(target)) waiting.push(target)
    }
  }
  assert.deepEqual(
    code.filter(file => !reached.has(file)),
    [],
  )
})

test('nothing is left for later without its reason', () => {
  const words = ['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK']
  const wrong = code.flatMap(file =>
    text(file)
      .split('\n')
      .flatMap((line, i) => (words.some(word => new RegExp(`\\b${word}\\b`).test(line)) ? [`${file}:${i + 1}`] : [])),
  )
  assert.deepEqual(wrong, [])
})

test('tests name no host but this machine', () => {
  const local = /^(localhost|127(\.\d+){3}|0\.0\.0\.0|\[?::1?\]?|\$\{.*|%.*)$/
  const reserved = /(^|\.)(example|invalid|test|localhost)$|^example\.(com|org|net)$/
  const wrong = code.filter(isTest).flatMap(file =>
    [...text(file).matchAll(/\b(?:https?|grpc|wss?):\/\/([^/\s'"`:?#)<>]+|\[[^\]]+\])/g)]
      .map(([, host]) => host!.replace(/^[^@]*@/, ''))
      .filter(host => /[a-z]\.[a-z]/i.test(host) && !local.test(host) && !reserved.test(host))
      .map(host => `${file}: ${host}`),
  )
  assert.deepEqual(wrong, [])
})

test('every folder of code says what it is and what it imports', () => {
  const folders = new Set(
    code
      .filter(file => folderOf(file) !== '' && !isTest(file))
      .map(file => (file.startsWith('pkg/') ? file.split('/').slice(0, 2).join('/') : file.split('/')[0]!)),
  )
  const wrong: string[] = []
  for (const folder of folders) {
    const readme = folder === 'cmd' ? 'cmd/decima/README.md' : `${folder}/README.md`
    if (folder === 'tools') continue
    const has = existsSync(join(root, readme)) ? text(readme) : ''
    if (!/^imports:/m.test(has) || !/^never imports:/m.test(has)) wrong.push(readme)
  }
  assert.deepEqual(wrong, [])
})

test('every dependency at run time has its reason in ARCHITECTURE.md, and none is a native add-on', () => {
  const { dependencies } = JSON.parse(text('package.json')) as { dependencies: Record<string, string> }
  const page = text('ARCHITECTURE.md')
  const wrong = Object.keys(dependencies).filter(name => !page.includes(`\`${name}\``))
  assert.deepEqual(wrong, [])
  const lock = JSON.parse(text('package-lock.json')) as {
    packages: Record<string, { dev?: boolean; gypfile?: boolean; resolved?: string }>
  }
  const entries = Object.entries(lock.packages)
  assert.deepEqual(
    entries.filter(([, p]) => p.gypfile === true && p.dev !== true).map(([name]) => name),
    [],
  )
  assert.deepEqual(
    entries.filter(([, p]) => p.resolved !== undefined).map(([name]) => name),
    [],
  )
})
