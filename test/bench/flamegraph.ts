/**
 * The flame graph of 200,000 nodes while zooming and panning, in a real Chromium, against drawing every rectangle in the
 * same run; then the whole page with an answer of that size, looking for long tasks.
 *
 *   node test/bench/flamegraph.ts [--nodes=200000] [--frames=600] [--check]
 *
 * `--check` exits 1 when a promise is broken: p95 of a frame ≤ 8 ms, no task of the main thread over 50 ms of CPU.
 */

import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import type { Page } from 'playwright-core'
import { findBrowser, openBrowser } from '../support/browser.ts'
import { startFakeServer } from '../support/fake-server.ts'
import { type MainThreadTask, traceMainThread } from '../support/main-thread.ts'
import type { PageFigures } from './flamegraph-page.ts'

const HERE = dirname(fileURLToPath(import.meta.url))
const WIDTH = 1600
const HEIGHT = 900

const small = process.env['CI'] === 'true'
const { values: flags } = parseArgs({
  options: {
    nodes: { type: 'string', default: small ? '50000' : '200000' },
    frames: { type: 'string', default: small ? '120' : '600' },
    check: { type: 'boolean', default: false },
  },
})
const nodes = Number(flags.nodes)
const frames = Number(flags.frames)

if (findBrowser() === null) {
  console.error('SKIPPED: no Chromium')
  process.exit(small ? 1 : 0)
}

const browser = await openBrowser({ viewport: { width: WIDTH, height: HEIGHT } })
try {
  const drawn = await drawingFigures(await browser.context.newPage())
  const loaded = await loadFigures(await browser.context.newPage())
  const p95 = quantile(drawn.whole, 0.95)
  const longest = longestTask([...drawn.tasks, ...loaded.tasks])
  console.log(`flame graph, ${nodes.toLocaleString('en')} nodes, ${WIDTH} × ${HEIGHT}, ${drawn.whole.length} frames`)
  print('layout + draw calls', drawn.script)
  print('… and rasterising', drawn.whole)
  print('every rectangle', drawn.naive)
  const ratio = quantile(drawn.naive, 0.5) / quantile(drawn.whole, 0.5)
  console.log(`  ratio (median, rasterising included): ${ratio.toFixed(1)}× less time than every rectangle`)
  console.log(`  longest task of the main thread, zooming and panning: ${taskText(longestTask(drawn.tasks))}`)
  console.log(`  … of the page, from its address to a search: ${taskText(longestTask(loaded.tasks))}`)
  console.log(`  the graph is drawn ${loaded.ms.toFixed(0)} ms after the address`)
  if (flags.check && (p95 > 8 || longest.cpuMs > 50)) {
    console.error(`FAILED: p95 ${p95.toFixed(1)} ms (limit 8), longest task ${taskText(longest)} (limit 50 of CPU)`)
    process.exitCode = 1
  }
} finally {
  await browser.close()
}

async function drawingFigures(page: Page): Promise<PageFigures & { tasks: MainThreadTask[] }> {
  const bundle = await build({
    entryPoints: [join(HERE, 'flamegraph-page.ts')],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
  })
  await page.setContent(
    `<style>body{margin:0}#scroller{width:${WIDTH}px;height:${HEIGHT}px;overflow:hidden auto}
     .flame-canvas{display:block;position:sticky;top:0}</style><div id=scroller></div>`,
  )
  await page.addScriptTag({ content: bundle.outputFiles[0]!.text })
  await page.evaluate(`flameBench.prepare(${nodes})`)
  let figures: Omit<PageFigures, 'naive'> = { script: [], whole: [] }
  const tasks = await traceMainThread(page, async () => {
    figures = (await page.evaluate(`flameBench.run(${frames})`)) as typeof figures
  })
  const naive = (await page.evaluate(`flameBench.naive(${Math.min(20, frames)})`)) as number[]
  await page.close()
  return { ...figures, naive, tasks }
}

/** The real page: fetch, decode in the worker, first draw, a zoom and a search. */
async function loadFigures(page: Page): Promise<{ ms: number; tasks: MainThreadTask[] }> {
  const server = await startFakeServer()
  server.nodes = nodes
  let ms = 0
  const tasks = await traceMainThread(page, async () => {
    const began = performance.now()
    await page.goto(server.url)
    const canvas = page.locator('.flame-canvas')
    await canvas.waitFor()
    ms = performance.now() - began
    await page.waitForTimeout(300)
    await canvas.click({ position: { x: 100, y: 50 } })
    await page.waitForTimeout(400)
    await page.locator('#search').fill('json')
    await page.waitForTimeout(400)
    await page.locator('#search').fill('')
    await page.waitForTimeout(400)
  })
  await server.close()
  return { ms, tasks }
}

function longestTask(tasks: readonly MainThreadTask[]): MainThreadTask {
  return tasks.reduce((a, b) => (b.cpuMs > a.cpuMs ? b : a), { wallMs: 0, cpuMs: 0 })
}

function taskText({ cpuMs, wallMs }: MainThreadTask): string {
  return `${cpuMs.toFixed(0)} ms of CPU in ${wallMs.toFixed(0)} ms`
}

function print(title: string, ms: readonly number[]): void {
  const [p50, p95, most] = [0.5, 0.95, 1].map(q => `${quantile(ms, q).toFixed(2)} ms`.padStart(10))
  console.log(`  ${title.padEnd(22)} p50 ${p50}   p95 ${p95}   max ${most}`)
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0
}
