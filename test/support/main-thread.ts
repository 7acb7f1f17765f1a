/**
 * Tasks of a page's main thread, from Chromium's own trace: wall time, and CPU time, which does not grow when other
 * programs want the processor too.
 */
import type { Page } from 'playwright-core'

export interface MainThreadTask {
  readonly wallMs: number
  readonly cpuMs: number
}

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly dur?: number
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/** Traces while `run` runs. Tasks of every renderer's main thread are counted: open one page only. */
export async function traceMainThread(page: Page, run: () => Promise<void>): Promise<MainThreadTask[]> {
  const session = await page.context().newCDPSession(page)
  const events: TraceEvent[] = []
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'] },
  })
  try {
    await run()
  } finally {
    const complete = new Promise<void>(resolve => session.once('Tracing.tracingComplete', () => resolve()))
    await session.send('Tracing.end')
    await complete
    await session.detach()
  }
  const main = new Set(
    events
      .filter(e => e.ph === 'M' && e.name === 'thread_name' && e.args?.name === 'CrRendererMain')
      .map(e => `${e.pid} ${e.tid}`),
  )
  return events
    .filter(e => e.name === 'RunTask' && e.ph === 'X' && main.has(`${e.pid} ${e.tid}`))
    .map(e => ({ wallMs: (e.dur ?? 0) / 1000, cpuMs: (e.tdur ?? e.dur ?? 0) / 1000 }))
}
