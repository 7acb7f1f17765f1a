/**
 * The whole of it: the real server with its default configuration profiles itself, and the page shows it. Times are
 * promises to people, so they are waited for, not measured.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { openBrowser, skipWithoutBrowser, type TestBrowser } from '../support/browser.ts'

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const skip = skipWithoutBrowser()

describe('the page of the real server', { skip }, () => {
  let server: ChildProcess
  let storage: string
  let url: string
  let browser: TestBrowser
  let page: Page
  const complaints: string[] = []
  let log = ''

  before(async () => {
    storage = await mkdtemp(join(tmpdir(), 'decima-page-'))
    const port = await freePort()
    url = `http://127.0.0.1:${port}/`
    server = spawn(
      process.execPath,
      [
        join(ROOT, 'cmd/decima/main.ts'),
        'serve',
        `--config-path=${join(ROOT, 'configs/parca.yaml')}`,
        `--http-address=127.0.0.1:${port}`,
        `--storage-path=${storage}`,
      ],
      { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    for (const stream of [server.stdout!, server.stderr!]) {
      stream.setEncoding('utf8').on('data', text => {
        log += text
      })
    }
    await until('ready', 60_000, () => log.includes('Server is ready to receive web requests.'))
    browser = await openBrowser({ reducedMotion: 'reduce' })
    page = await browser.context.newPage()
    page.on('console', message => {
      const isAnswer = message.text().startsWith('Failed to load resource')
      if (message.type() === 'error' && !isAnswer) complaints.push(message.text())
    })
    page.on('pageerror', error => complaints.push(String(error)))
    page.on('request', request => {
      if (!request.url().startsWith(url) && !request.url().startsWith('data:')) complaints.push(request.url())
    })
  })

  after(async () => {
    await browser?.close()
    if (server !== undefined && server.exitCode === null) {
      const ended = new Promise(resolve => server.once('exit', resolve))
      server.kill('SIGTERM')
      await ended
    }
    await rm(storage, { recursive: true, force: true })
  })

  async function until(what: string, ms: number, isTrue: () => boolean | Promise<boolean>): Promise<void> {
    for (let waited = 0; waited < ms; waited += 50) {
      if (await isTrue()) return
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    assert.fail(`not within ${ms} ms: ${what}\n${log}`)
  }

  async function oldestCpuProfile(): Promise<number> {
    const asked = new URL('api/profiles/query_range', url)
    asked.searchParams.set('query', 'process_cpu:cpu:nanoseconds:cpu:nanoseconds:delta{}')
    asked.searchParams.set('start', new Date(Date.now() - 600_000).toISOString())
    asked.searchParams.set('end', new Date().toISOString())
    asked.searchParams.set('step', '1s')
    const answer = (await (await fetch(asked)).json()) as { series?: { samples: { timestamp: string }[] }[] }
    const times = (answer.series ?? []).flatMap(one => one.samples.map(sample => Date.parse(sample.timestamp)))
    return Math.min(Date.now(), ...times)
  }

  const param = (name: string): string | null => new URL(page.url()).searchParams.get(name)
  const crumbs = (): Promise<string[]> => page.locator('.crumb').allTextContents()

  test('a flame graph of Decima itself is there within 20 seconds of ready', async () => {
    await page.goto(`${url}?v=1&range=1m`)
    await page.locator('.flame-canvas').waitFor({ timeout: 20_000 })
    await until('CPU time with a value', 20_000, async () =>
      /^CPU time [\d.]+ (ms|s|min)/.test((await page.locator('.flame h2').allTextContents()).join()),
    )
    assert.ok((await page.locator('.top tbody button').count()) > 3)
  })

  test('every target is up within 30 seconds', async () => {
    await page.getByRole('link', { name: 'Targets' }).click()
    await until('all up', 30_000, async () => {
      const badges = await page.locator('.badge').allTextContents()
      return badges.length > 0 && badges.every(text => text === 'up')
    })
    await page.goBack()
    await page.locator('.flame-canvas').waitFor()
  })

  test('a span, a zoom and a search; the address shows the same again', async () => {
    // A profile counts at its start and arrives at its end: the span must be over for its graph to stay the same.
    await until('profiles old enough', 60_000, async () => Date.now() - (await oldestCpuProfile()) > 20_000)
    await page.getByRole('button', { name: 'Refresh' }).click()
    await until('drawn', 10_000, async () => (await page.locator('[aria-busy=true]').count()) === 0)
    const plot = (await page.locator('.plot .u-over').boundingBox())!
    await page.mouse.move(plot.x + plot.width * 0.2, plot.y + 40)
    await page.mouse.down()
    await page.mouse.move(plot.x + plot.width * 0.86, plot.y + 60, { steps: 5 })
    await page.mouse.up()
    await until('a span', 5000, () => param('span') !== null)
    await until('its graph', 10_000, async () => (await page.locator('.flame-canvas').count()) === 1)
    await page.locator('.flame-canvas').click({ position: { x: 30, y: 30 } })
    await until('zoomed', 5000, async () => (await crumbs()).length === 2)
    const zoomed = await crumbs()
    await page.keyboard.press('/')
    await page.keyboard.type('e')
    await until('matches', 5000, async () =>
      /functions? · /.test((await page.locator('.search-count').allTextContents()).join()),
    )
    const count = await page.locator('.search-count').allTextContents()
    const headline = await page.locator('.flame h2').allTextContents()
    await page.reload()
    await until('the same', 10_000, async () => (await crumbs()).join() === zoomed.join())
    assert.deepEqual(await page.locator('.search-count').allTextContents(), count)
    assert.deepEqual(await page.locator('.flame h2').allTextContents(), headline)
  })

  test('labels are completed from what is stored', async () => {
    await page.locator('#selector').click()
    await page.keyboard.type('job="')
    await until('values', 5000, async () =>
      (await page.locator('.offers [role=option]').allTextContents()).includes('decima'),
    )
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await until('asked', 5000, () => param('q') === 'job="decima"')
    await page.locator('.flame-canvas').waitFor()
  })

  test('the pprof of the selection is a gzip file', async () => {
    await page.getByRole('button', { name: 'pprof', exact: true }).click()
    const href = (await page.getByRole('link', { name: 'Download profile.pb.gz' }).getAttribute('href'))!
    const bytes = new Uint8Array(await (await fetch(href)).arrayBuffer())
    assert.deepEqual([...bytes.subarray(0, 2)], [0x1f, 0x8b])
    await page.keyboard.press('Escape')
  })

  test('what the server refuses is shown in its words', async () => {
    await page.goto(`${url}?v=1&q=job=~%22(%22`)
    await page.getByText('This cannot be answered as asked').first().waitFor()
    await page.goto(`${url}?v=1&q=job=%22decim%22`)
    await page.getByText('No series has job="decim" in this range.').waitFor()
  })

  test('no policy violation, no error, no request to elsewhere', () => assert.deepEqual(complaints, []))
})

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>(resolve => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise(resolve => probe.close(resolve))
  return port
}
