/** What is scraped and how it goes, kept up to date while the page is seen. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import * as api from './api.ts'
import { ErrorNote, Note } from './notes.tsx'
import { go, state } from './state.ts'
import { formatAge, formatInstant } from './time.ts'
import { formatSeconds } from './units.ts'

const REFRESH_MS = 5000

export function Targets() {
  const list = useSignal<readonly api.Target[] | null>(null)
  const error = useSignal<api.ApiError | null>(null)
  const now = useSignal(Date.now())
  const onlyDown = state.value.down
  useEffect(() => {
    const stop = new AbortController()
    const ask = async (): Promise<void> => {
      if (document.hidden) return
      try {
        list.value = await api.targets(stop.signal)
        error.value = null
      } catch (thrown) {
        if (stop.signal.aborted) return
        error.value = thrown instanceof api.ApiError ? thrown : new api.ApiError('server', String(thrown))
      }
      now.value = Date.now()
    }
    void ask()
    const timer = setInterval(() => void ask(), REFRESH_MS)
    const clock = setInterval(() => (now.value = Date.now()), 1000)
    document.addEventListener('visibilitychange', ask)
    return () => {
      stop.abort()
      clearInterval(timer)
      clearInterval(clock)
      document.removeEventListener('visibilitychange', ask)
    }
  }, [])

  const all = list.value ?? []
  const up = all.filter(t => t.health === 'up')
  const down = all.filter(t => t.health === 'down')
  const listed = onlyDown ? down : all
  return (
    <main class="page targets">
      <section class="panel" aria-label="Targets">
        <header class="panel-head">
          <h2>
            Targets <span class="quiet number">{list.value && `${up.length} of ${all.length} up`}</span>
          </h2>
          <span class="spring" />
          <span class="note wide-only">one line per target and profile type; every {REFRESH_MS / 1000} s</span>
          <fieldset class="segments" aria-label="Which targets">
            <button type="button" class="button" aria-pressed={!onlyDown} onClick={() => go({ down: false })}>
              All
            </button>
            <button type="button" class="button" aria-pressed={onlyDown} onClick={() => go({ down: true })}>
              Down ({down.length})
            </button>
          </fieldset>
        </header>
        {error.value && <ErrorNote error={error.value} />}
        {list.value?.length === 0 && (
          <Note title="Nothing is scraped">
            <p>
              Add a job under <code>scrape_configs</code> in <code>parca.yaml</code>; it is read again when it changes.
            </p>
          </Note>
        )}
        {list.value && all.length > 0 && listed.length === 0 && <Note title="No target is down" />}
        {byPool(listed).map(([pool, members]) => (
          <Pool key={pool} pool={pool} members={members} now={now.value} />
        ))}
      </section>
    </main>
  )
}

function byPool(all: readonly api.Target[]): [string, api.Target[]][] {
  const pools = new Map<string, api.Target[]>()
  for (const target of all) {
    const pool = pools.get(target.scrapePool)
    if (pool) pool.push(target)
    else pools.set(target.scrapePool, [target])
  }
  return [...pools].sort(([a], [b]) => (a < b ? -1 : 1))
}

function Pool({ pool, members, now }: { pool: string; members: readonly api.Target[]; now: number }) {
  const up = members.filter(t => t.health === 'up').length
  return (
    <div class="pool">
      <h3>
        {pool}{' '}
        <span class="quiet number">
          {up} / {members.length} up
        </span>
      </h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by the keyboard */}
      <section class="scroll-x" tabIndex={0} aria-label={`Targets of ${pool}`}>
        <table class="target-table">
          <thead>
            <tr>
              <th scope="col">State</th>
              <th scope="col">Profile</th>
              <th scope="col">Endpoint</th>
              <th scope="col">Labels</th>
              <th scope="col">Last scrape</th>
              <th scope="col">Took</th>
              <th scope="col">Every</th>
              <th scope="col">Last error</th>
            </tr>
          </thead>
          <tbody>
            {members.map(target => (
              <TargetRow key={`${target.scrapeUrl} ${target.labels['__name__'] ?? ''}`} target={target} now={now} />
            ))}
          </tbody>
        </table>
      </section>
    </div>
  )
}

function TargetRow({ target, now }: { target: api.Target; now: number }) {
  const last = Date.parse(target.lastScrape)
  const scraped = last > 0 // Go's zero time is year 1
  const labels = Object.entries(target.labels).filter(([name]) => name !== '__name__')
  return (
    <tr>
      <td>
        <span class={`badge badge-${target.health}`}>{target.health}</span>
      </td>
      <td class="nowrap">{target.labels['__name__'] ?? '—'}</td>
      <td class="endpoint code">{target.scrapeUrl}</td>
      <td>
        <ul class="labels">
          {labels.map(([name, value]) => (
            <li key={name} class="code">
              {name}="{value}"
            </li>
          ))}
        </ul>
        <details>
          <summary>discovered</summary>
          <ul class="labels">
            {Object.entries(target.discoveredLabels ?? {}).map(([name, value]) => (
              <li key={name} class="code">
                {name}="{value}"
              </li>
            ))}
          </ul>
        </details>
      </td>
      <td class="nowrap number" title={scraped ? formatInstant(last, state.value.utc) : undefined}>
        {scraped ? formatAge(last, now) : 'never'}
      </td>
      <td class="nowrap number">{scraped ? formatSeconds(target.lastScrapeDuration) : '—'}</td>
      <td class="nowrap number">{target.scrapeInterval}</td>
      <td class="last-error">{target.lastError}</td>
    </tr>
  )
}
