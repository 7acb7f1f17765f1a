/** The page in a real Chromium against made-up data: every step of a person, the keyboard, the states, the promises. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { openBrowser, skipWithoutBrowser, type TestBrowser } from '../support/browser.ts'
import { type FakeServer, startFakeServer } from '../support/fake-server.ts'

const skip = skipWithoutBrowser()

describe('the page', { skip }, () => {
  let server: FakeServer
  let browser: TestBrowser
  let axe: string
  /** What must stay empty whatever is done: policy violations, errors, requests to elsewhere. */
  const complaints: string[] = []

  before(async () => {
    server = await startFakeServer()
    browser = await openBrowser({ reducedMotion: 'reduce' })
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    browser.context.on('request', request => {
      if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(server.url)) complaints.push(request.url())
    })
    browser.context.on('console', message => {
      const isAnswer = message.text().startsWith('Failed to load resource')
      if (message.type() === 'error' && !isAnswer) complaints.push(message.text())
    })
    browser.context.on('weberror', error => complaints.push(String(error.error())))
    await browser.context.addInitScript(`
      addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI))
    `)
  })

  after(async () => {
    await browser?.close()
    await server?.close()
  })

  async function open(path = ''): Promise<Page> {
    server.mode = 'data'
    const page = await browser.context.newPage()
    await page.goto(server.url + path)
    return page
  }

  async function openGraph(path = ''): Promise<Page> {
    const page = await open(path)
    await page.locator('.flame-canvas').waitFor()
    return page
  }

  const param = (page: Page, name: string): string | null => new URL(page.url()).searchParams.get(name)

  async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
    for (let i = 0; i < 200; i++) {
      if (await isTrue()) return
      await new Promise(resolve => setTimeout(resolve, 25))
    }
    assert.fail(`never: ${what}`)
  }

  const shown = async (locator: Locator): Promise<string> => (await locator.allInnerTexts()).join('\n')
  /** Waits until an element shows the text: what a step changes is drawn a moment later. */
  const says = (locator: Locator, want: string | RegExp): Promise<void> =>
    until(`${locator} says ${want}`, async () => {
      const text = await shown(locator)
      return typeof want === 'string' ? text === want : want.test(text)
    })
  const crumbs = (page: Page): Promise<string[]> => page.locator('.crumb').allTextContents()
  const clickFrame = (page: Page, x: number, row: number): Promise<void> =>
    page.locator('.flame-canvas').click({ position: { x, y: row * 20 + 10 } })

  test('CPU time is chosen first, and everything is there', async () => {
    const page = await openGraph()
    assert.equal(await page.locator('#type').inputValue(), 'process_cpu:cpu:nanoseconds:cpu:nanoseconds:delta')
    await says(page.locator('.flame h2'), /^CPU time .+ · .+ cores · 90 profiles$/)
    await says(page.locator('.series h2'), '1 series')
    await says(page.locator('.stats'), /11 ms.*1\.41 MiB read.*8\.40 MiB skipped/s)
    assert.equal(await page.title(), 'CPU time · Decima')
    await page.close()
  })

  test('dragging over the series chooses a span; it is in the address and can be cleared', async () => {
    const page = await openGraph()
    const plot = (await page.locator('.plot .u-over').boundingBox())!
    await page.mouse.move(plot.x + plot.width * 0.25, plot.y + 40)
    await page.mouse.down()
    await page.mouse.move(plot.x + plot.width * 0.5, plot.y + 60, { steps: 5 })
    await page.mouse.up()
    await until('a span in the address', () => param(page, 'span') !== null)
    const [from, to] = param(page, 'span')!.split('-').map(Number) as [number, number]
    assert.ok(Math.abs(to - from - 225_000) < 3000, `a quarter of 15 minutes, not ${to - from} ms`)
    await until('the span is shaded', async () => {
      const shade = (await page.locator('.u-select').boundingBox())!
      return Math.abs(shade.width - plot.width / 4) < 6
    })
    await until('the graph of the span is asked for', () =>
      server.asked.some(
        path => path.startsWith('/api/v1/flamegraph') && path.includes(`start=${(from / 1000).toFixed(3)}`),
      ),
    )
    await page.setViewportSize({ width: 1600, height: 900 })
    await until('the shade follows the width', async () => {
      const wide = (await page.locator('.plot .u-over').boundingBox())!
      const shade = (await page.locator('.u-select').boundingBox())!
      return Math.abs(shade.width - wide.width / 4) < 6 && Math.abs(shade.x - wide.x - wide.width / 4) < 6
    })
    await page.getByRole('button', { name: 'Clear the span' }).click()
    assert.equal(param(page, 'span'), null)
    await page.goBack()
    assert.equal(param(page, 'span'), `${from}-${to}`)
    await page.locator('.chip').waitFor()
    await page.close()
  })

  test('series are summed as chosen', async () => {
    const page = await openGraph('?v=1&by=*')
    await says(page.locator('.series h2'), '6 series')
    await page.locator('.series select').selectOption('job')
    await says(page.locator('.series h2'), '3 series')
    assert.equal(param(page, 'by'), 'job')
    await page.goBack()
    await says(page.locator('.series h2'), '6 series')
    await page.close()
  })

  test('profiles of a point in time are shown as their mean', async () => {
    const page = await openGraph('?v=1&type=memory:inuse_space:bytes:space:bytes')
    await says(page.locator('.flame h2'), /^Memory in use [\d.]+ [KMG]iB · mean of 90 profiles$/)
    assert.equal(await page.locator('.series select').count(), 0)
    await page.close()
  })

  test('the span by keyboard', async () => {
    const page = await openGraph()
    await page.locator('.plot').focus()
    await page.keyboard.press('ArrowRight')
    const before = param(page, 'span')!
    await page.keyboard.press('Shift+ArrowRight')
    const after = param(page, 'span')!
    assert.equal(before.split('-')[0], after.split('-')[0])
    assert.ok(Number(after.split('-')[1]) > Number(before.split('-')[1]))
    await page.keyboard.press('Escape')
    assert.equal(param(page, 'span'), null)
    await page.close()
  })

  test('a click zooms, a reload shows the same, Back and Escape undo', async () => {
    const page = await openGraph()
    const flameQuestions = (): number => server.asked.filter(path => path.startsWith('/api/v1/flamegraph')).length
    const asked = flameQuestions()
    await clickFrame(page, 40, 1)
    await until('zoomed', async () => (await crumbs(page)).length === 2)
    const first = await crumbs(page)
    await clickFrame(page, 40, 2)
    await until('zoomed further', async () => (await crumbs(page)).length === 3)
    const second = await crumbs(page)
    const address = page.url()
    assert.equal(flameQuestions(), asked, 'zooming asks the server nothing')

    await page.reload()
    await page.locator('.flame-canvas').waitFor()
    assert.deepEqual(await crumbs(page), second)
    assert.equal(page.url(), address)

    await page.goBack()
    await until('one step back', async () => (await crumbs(page)).length === 2)
    assert.deepEqual(await crumbs(page), first)
    await page.locator('#flame-tree').focus()
    await page.keyboard.press('Escape')
    await until('the whole graph', async () => (await crumbs(page)).length === 1)
    await page.close()
  })

  test('a striped block says what it holds and opens', async () => {
    const page = await openGraph()
    const box = (await page.locator('.flame-canvas').boundingBox())!
    await page.mouse.move(box.x + box.width - 6, box.y + 30)
    await page.locator('.tooltip').waitFor()
    const said = await shown(page.locator('.tooltip-name'))
    assert.match(said, /^\d+ functions, [\d.]+ %$/)
    await clickFrame(page, box.width - 6, 1)
    await until('a run in the address', () => /~\d+$/.test(param(page, 'z') ?? ''))
    await page.close()
  })

  test('the tooltip has self, total and both shares', async () => {
    const page = await openGraph()
    const box = (await page.locator('.flame-canvas').boundingBox())!
    await page.mouse.move(box.x + 30, box.y + 30)
    const text = await shown(page.locator('.tooltip'))
    assert.match(text, /of selection\s+of total/)
    assert.match(text, /total\s+[\d.]+ m?s(\s+[\d.]+ %){2}/)
    assert.match(text, /self/)
    await page.mouse.move(5, 5)
    await page.locator('.tooltip').waitFor({ state: 'detached' })
    await page.close()
  })

  test('search counts, filters the table, changes no percentage, and is in the address', async () => {
    const page = await openGraph()
    const headline = await shown(page.locator('.flame h2'))
    await page.keyboard.press('/')
    await page.keyboard.type('marshal')
    await until('a count', async () =>
      /^\d+ functions · [\d.]+ % of total$/.test(await shown(page.locator('.search-count'))),
    )
    assert.equal(param(page, 's'), 'marshal')
    for (const name of await page.locator('.top tbody button').allTextContents()) assert.match(name, /marshal/i)
    await says(page.locator('.flame h2'), headline)

    await page.keyboard.press('Enter')
    await page.keyboard.press('n')
    const selected = page.locator('[role=treeitem][aria-selected=true]')
    await says(selected, /marshal/i)
    const before = await selected.getAttribute('id')
    await page.keyboard.press('n')
    assert.notEqual(await selected.getAttribute('id'), before)
    await page.keyboard.press('Shift+N')
    assert.equal(await selected.getAttribute('id'), before)

    await page.reload()
    await page.locator('.flame-canvas').waitFor()
    assert.equal(await page.locator('#search').inputValue(), 'marshal')
    await page.locator('#search').fill('no such thing')
    await says(page.locator('.search-count'), 'no match')
    await page.close()
  })

  test('arrows walk, Enter zooms, assistive technology hears where', async () => {
    const page = await openGraph()
    await page.locator('#flame-tree').focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    const tree = page.locator('#flame-tree')
    const active = (await tree.getAttribute('aria-activedescendant'))!
    const item = page.locator(`#${active}`)
    assert.equal(await item.getAttribute('aria-level'), '3')
    await says(item, /, total .+, [\d.]+ %, self /)
    await page.keyboard.press('l')
    assert.notEqual(await tree.getAttribute('aria-activedescendant'), active)
    await page.keyboard.press('h')
    assert.equal(await tree.getAttribute('aria-activedescendant'), active)
    await says(page.locator('.at-cursor'), / · [\d.]+ %, self /)
    await page.keyboard.press('Enter')
    await until('zoomed', async () => (await crumbs(page)).length === 3)
    await page.keyboard.press('Backspace')
    await until('zoomed back', async () => (await crumbs(page)).length === 1)
    await page.close()
  })

  test('keys that work everywhere', async () => {
    const page = await openGraph()
    const theme = (): Promise<string | null> => page.locator('html').getAttribute('data-theme')
    const was = await theme()
    await page.keyboard.press('t')
    assert.notEqual(await theme(), was)
    await page.reload()
    await page.locator('.flame-canvas').waitFor()
    assert.notEqual(await theme(), was, 'the choice is remembered')
    await page.keyboard.press('t')

    await page.keyboard.press('i')
    assert.equal(param(page, 'flip'), '1')
    await page.keyboard.press('1')
    assert.equal(param(page, 'view'), 'flame')
    assert.equal(await page.locator('.top').count(), 0)
    await page.keyboard.press('2')
    assert.equal(await page.locator('.flame-canvas').count(), 0)
    await page.keyboard.press('3')
    assert.equal(param(page, 'view'), null)

    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'hidden' })
    await page.close()
  })

  test('inverted, the root is at the bottom', async () => {
    const page = await openGraph('?v=1&flip=1&view=flame')
    const box = (await page.locator('.flame-canvas').boundingBox())!
    await page.mouse.move(box.x + 100, box.y + box.height - 8)
    await says(page.locator('.tooltip-name'), 'root')
    await page.close()
  })

  test('the selector completes names, operators and values', async () => {
    const page = await openGraph()
    await page.locator('#selector').click()
    await page.keyboard.type('jo')
    const offers = page.locator('.offers [role=option]')
    await until('a name', async () => (await offers.allTextContents()).join() === 'job')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await until('operators', async () => (await offers.allTextContents()).join() === '=,!=,=~,!~')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await until('values', async () => (await offers.allTextContents()).join() === 'api,cart,web')
    await page.keyboard.type('"ca')
    await until('fitting values', async () => (await offers.allTextContents()).join() === 'cart')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Tab')
    await until('asked', () => param(page, 'q') === 'job="cart"')
    await page.locator('.series select').selectOption('*')
    await says(page.locator('.series h2'), '2 series')
    await page.close()
  })

  test('a name with a dot is completed in quotes', async () => {
    const page = await openGraph()
    await page.locator('#selector').click()
    await page.keyboard.type('k8s')
    const offers = page.locator('.offers [role=option]')
    await until('a name', async () => (await offers.allTextContents()).join() === 'k8s.pod')
    await offers.first().click()
    assert.equal(await page.locator('#selector').inputValue(), '"k8s.pod"')
    await page.close()
  })

  test('time ranges: usual, free, absolute', async () => {
    const page = await openGraph()
    const button = page.locator('.range-button')
    await button.click()
    await page.getByRole('button', { name: 'Last 1 hour' }).click()
    assert.equal(param(page, 'range'), '1h')
    await says(button, 'Last 1h')
    await button.click()
    await page.locator('#range-free').fill('1 fortnight')
    await page.keyboard.press('Enter')
    await says(page.locator('.wrong'), /such as 90m/)
    await page.locator('#range-free').fill('90m')
    await page.keyboard.press('Enter')
    assert.equal(param(page, 'range'), '1h30m')
    await page.getByRole('button', { name: 'UTC' }).click()
    await button.click()
    await page.locator('#range-from').fill('2026-11-25T10:00:00')
    await page.locator('#range-to').fill('2026-11-25T11:30:00')
    await page.locator('#range-to').press('Enter')
    assert.equal(param(page, 'from'), String(Date.UTC(2026, 10, 25, 10)))
    await says(button, '2026-11-25 10:00:00 – 11:30:00 UTC')
    await page.goBack()
    await says(button, 'Last 1h30m')
    await page.close()
  })

  test('the table sorts, and a row marks its function in the graph', async () => {
    const page = await openGraph()
    const names = page.locator('.top tbody button')
    await page.getByRole('button', { name: 'Total', exact: true }).click()
    assert.equal(param(page, 'sort'), 'total')
    const first = (await names.allTextContents())[0]!
    await names.first().click()
    assert.equal(param(page, 'fn'), first)
    await says(page.locator('.search-count'), /^1 function · /)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('End')
    await until('the last row has the focus', () =>
      page.evaluate(() => document.activeElement?.closest('tr')?.nextElementSibling === null),
    )
    await page.close()
  })

  test('pprof: a file and a line for the terminal', async () => {
    const page = await openGraph('?v=1&q=job=%22api%22')
    await page.getByRole('button', { name: 'pprof' }).click()
    const line = await page.locator('#pprof-line').inputValue()
    assert.match(line, /^go tool pprof "http:\/\/127\.0\.0\.1:\d+\/api\/v1\/pprof\?query=.*&start=[\d.]+&end=[\d.]+"$/)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download profile.pb.gz' }).click(),
    ])
    assert.equal(download.suggestedFilename(), 'profile.pb.gz')
    await page.close()
  })

  test('targets: state, labels on demand, error, Back', async () => {
    const page = await openGraph('?v=1&view=flame')
    await page.getByRole('link', { name: 'Targets' }).click()
    await page.locator('.target-table').first().waitFor()
    assert.equal(new URL(page.url()).pathname, '/targets')
    assert.equal(await page.locator('.badge-up').count(), 5)
    await says(page.locator('.last-error').last(), /ECONNREFUSED/)
    await page.getByText('discovered').first().click()
    await page.getByText('__scheme__="http"').first().waitFor()
    await page.getByRole('button', { name: 'Down (1)' }).click()
    await until('one is left', async () => (await page.locator('.badge').count()) === 1)
    assert.equal(new URL(page.url()).search, '?v=1&down=1')
    await page.goBack()
    await until('all again', async () => (await page.locator('.badge').count()) === 6)
    await page.goBack()
    await page.locator('.flame-canvas').waitFor()
    assert.equal(param(page, 'view'), 'flame')
    await page.goForward()
    await page.reload()
    await page.locator('.target-table').first().waitFor()
    await page.close()
  })

  test('nothing found: the matcher that leaves nothing, and what there is', async () => {
    const page = await open('?v=1&q=job=%22cat%22')
    await page.getByText('No series has job="cat" in this range.').waitFor()
    await page.getByRole('button', { name: 'cart', exact: true }).click()
    assert.equal(param(page, 'q'), 'job="cart"')
    await page.locator('.flame-canvas').waitFor()
    await page.close()
  })

  test('a selector that cannot be read is underlined where it is wrong', async () => {
    const page = await open('?v=1&q=job=api')
    await page.locator('#selector-error').waitFor()
    await says(page.locator('#selector-error'), /string in quotes/)
    await says(page.locator('.selector-mark mark'), 'a')
    await page.close()
  })

  test('a type that is not stored', async () => {
    const page = await open('?v=1&type=gpu:kernel:count::')
    await page.getByText('No such profile type').waitFor()
    await page.close()
  })

  test('a fresh server: says so, and shows the first profiles when they come', async () => {
    server.mode = 'empty'
    const page = await browser.context.newPage()
    await page.goto(server.url)
    await page.getByText('No profiles yet').waitFor()
    server.mode = 'data'
    await page.locator('.flame-canvas').waitFor({ timeout: 10_000 })
    await page.close()
  })

  test('a starting server: says so and tries again', async () => {
    server.mode = 'starting'
    const page = await browser.context.newPage()
    await page.goto(server.url)
    await page.getByText('Decima is starting').waitFor()
    server.mode = 'data'
    await page.locator('.flame-canvas').waitFor({ timeout: 10_000 })
    await page.close()
  })

  test('a failing server: its words', async () => {
    const page = await openGraph()
    server.mode = 'broken'
    await page.getByRole('button', { name: 'Refresh' }).click()
    await page.getByText('a worker died').first().waitFor()
    server.mode = 'data'
    await page.getByRole('button', { name: 'Refresh' }).click()
    await page.locator('.flame-canvas').waitFor()
    await page.close()
  })

  test('on a phone the table comes first and nothing scrolls sideways', async () => {
    const page = await openGraph()
    await page.setViewportSize({ width: 390, height: 844 })
    await until('the table comes first', async () => {
      const table = (await page.locator('.top').boundingBox())!
      const graph = (await page.locator('.flame-graph').boundingBox())!
      return table.y < graph.y
    })
    await until('nothing sticks out', () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
    await page.close()
  })

  for (const scheme of ['light', 'dark'] as const) {
    for (const [title, path] of [
      ['explore', ''],
      ['zoomed and searched', '?v=1&s=json&view=both'],
      ['targets', 'targets'],
      ['nothing found', '?v=1&q=job=%22cat%22'],
      ['a wrong selector', '?v=1&q=job=api'],
    ] as const) {
      test(`axe finds nothing serious: ${title}, ${scheme}`, async () => {
        const page = await open()
        await page.emulateMedia({ colorScheme: scheme })
        await page.goto(server.url + path)
        await page.locator('.flame-canvas, .target-table, .note-box').first().waitFor()
        const session = await page.context().newCDPSession(page)
        await session.send('Page.setBypassCSP', { enabled: true })
        await page.evaluate(axe)
        const found = (await page.evaluate('axe.run()')) as {
          violations: { id: string; impact: string; nodes: { html: string }[] }[]
        }
        const bad = found.violations
          .filter(v => v.impact === 'serious' || v.impact === 'critical')
          .map(v => `${v.id}: ${v.nodes.map(n => n.html.slice(0, 160)).join(' | ')}`)
        assert.deepEqual(bad, [])
        await page.close()
      })
    }
  }

  test('no policy violation, no error, no request to elsewhere in all of this', () => assert.deepEqual(complaints, []))
})
