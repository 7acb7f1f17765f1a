/**
 * Bundles the page: `index.html` and, with names that change with their content, the script, its worker and the style.
 * Everything is served from one folder of the origin; the policy below is all the page needs.
 *
 * A stamp beside the output holds the hash of every input, so that a start with nothing changed costs a few milliseconds.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Plugin } from 'esbuild'

const UI = dirname(fileURLToPath(import.meta.url))
const ROOT = dirname(UI)
/** Inputs outside `ui/`: what the page shares with the server, and the versions of the libraries. */
const SHARED = ['pkg/base', 'pkg/labels', 'pkg/profile', 'package.json', 'package-lock.json']
const STAMP = '.stamp' // no ending that a server would serve
export const SCRIPT_LIMIT = 60_000 // gzip bytes, all scripts together

export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "worker-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export interface BuiltPage {
  readonly dir: string
  readonly files: readonly string[]
  readonly scriptGzipBytes: number
  readonly fresh: boolean // false: the output was up to date
}

interface Stamp {
  readonly inputs: string
  readonly files: readonly string[]
  readonly scriptGzipBytes: number
}

/** Brings `outDir` up to date. */
export async function buildPage(outDir: string = join(UI, 'dist')): Promise<BuiltPage> {
  const dir = resolve(outDir)
  const inputs = await hashInputs()
  const stamp = await readStamp(dir)
  if (stamp?.inputs === inputs) return { dir, ...stamp, fresh: false }

  const { build } = await import('esbuild')
  const bundle = async (entry: string, define: Record<string, string>) => {
    const result = await build({
      entryPoints: [join(UI, entry)],
      bundle: true,
      minify: true,
      write: false,
      outdir: dir,
      format: 'esm',
      target: 'es2022',
      jsx: 'automatic',
      jsxImportSource: 'preact',
      define: { 'process.env.NODE_ENV': '"production"', ...define },
      legalComments: 'none',
      plugins: [linesOnly],
      logLevel: 'error',
    })
    return result.outputFiles
  }
  const output = new Map<string, Uint8Array>()
  const keep = (name: string, bytes: Uint8Array): string => {
    const [stem, ending] = name.split('.')
    const hashed = `${stem}-${createHash('sha256').update(bytes).digest('hex').slice(0, 8).toUpperCase()}.${ending}`
    output.set(hashed, bytes)
    return hashed
  }
  const [worker] = await bundle('flamegraph/worker.ts', {})
  const workerName = keep('worker.js', worker!.contents)
  const app = await bundle('main.tsx', { WORKER_FILE: JSON.stringify(workerName) })
  const contents = (ending: string): Uint8Array => app.find(file => file.path.endsWith(ending))!.contents
  const names: Record<string, string> = {
    script: keep('app.js', contents('.js')),
    style: keep('app.css', contents('.css')),
  }
  const html = await readFile(join(UI, 'index.html'), 'utf8')
  output.set('index.html', new TextEncoder().encode(html.replaceAll(/\{\{(\w+)\}\}/g, (_, key) => names[key]!)))

  let scriptGzipBytes = 0
  for (const [name, bytes] of output) if (name.endsWith('.js')) scriptGzipBytes += gzipSync(bytes, { level: 9 }).length
  await rm(dir, { recursive: true, force: true })
  await mkdir(dir, { recursive: true })
  for (const [name, bytes] of output) await writeFile(join(dir, name), bytes)
  const done: Stamp = { inputs, files: [...output.keys()], scriptGzipBytes }
  await writeFile(join(dir, STAMP), JSON.stringify(done))
  return { dir, ...done, fresh: true }
}

/** uPlot keeps every way to draw a series in one object, out of reach of tree shaking; the page draws lines. */
const linesOnly: Plugin = {
  name: 'lines-only',
  setup(build) {
    build.onLoad({ filter: /[\\/]uPlot\.esm\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      return { contents: source.replaceAll(/\(paths\.(?:stepped|bars|spline)\s*=\s*\w+\);/g, ''), loader: 'js' }
    })
  },
}

async function readStamp(dir: string): Promise<Stamp | null> {
  try {
    const stamp = JSON.parse(await readFile(join(dir, STAMP), 'utf8')) as Stamp
    const there = new Set(await readdir(dir))
    return stamp.files.every(name => there.has(name)) ? stamp : null
  } catch {
    return null // Never built, or half: build again.
  }
}

async function hashInputs(): Promise<string> {
  const hash = createHash('sha256')
  for (const path of await inputFiles())
    hash
      .update(`${relative(ROOT, path)}\0`)
      .update(await readFile(path))
      .update('\0')
  return hash.digest('hex')
}

async function inputFiles(): Promise<string[]> {
  const found: string[] = []
  const dist = join(UI, 'dist')
  const walk = async (path: string): Promise<void> => {
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const child = join(path, entry.name)
      if (child === dist) continue
      if (entry.isDirectory()) await walk(child)
      else if (/\.(ts|tsx|css|html)$/.test(entry.name) && !entry.name.endsWith('.test.ts')) found.push(child)
    }
  }
  await walk(UI)
  for (const name of SHARED) {
    const path = join(ROOT, name)
    if (/\.json$/.test(basename(path))) found.push(path)
    else await walk(path)
  }
  return found.sort()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const page = await buildPage(process.argv[2])
  const size = `${(page.scriptGzipBytes / 1024).toFixed(1)} KiB of script, gzip`
  console.log(`${page.fresh ? 'built' : 'up to date'}: ${relative(process.cwd(), page.dir) || '.'}, ${size}`)
  if (page.scriptGzipBytes > SCRIPT_LIMIT)
    throw new Error(`the scripts of the page exceed ${SCRIPT_LIMIT} bytes of gzip`)
}
