/** The sheet of keys. */
import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

export const helpOpen = signal(false)

const KEYS: readonly (readonly [string, string])[] = [
  ['/', 'search functions'],
  ['n  N', 'next, previous match'],
  ['← ↓ ↑ →  h j k l', 'walk the graph'],
  ['Enter', 'zoom to the frame'],
  ['Esc  Backspace', 'zoom back'],
  ['Home', 'to the root'],
  ['+  −', 'widen, narrow the view'],
  ['1  2  3', 'flame graph, table, both'],
  ['i', 'invert: root at the top or the bottom'],
  ['t', 'light or dark'],
  ['r', 'refresh'],
  ['?', 'this sheet'],
  ['click', 'zoom; a striped block opens too'],
  ['double click', 'the whole graph'],
  ['drag', 'pan; Ctrl + wheel zooms'],
]

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null)
  const open = helpOpen.value
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal()
    if (!open && dialog.current?.open) dialog.current.close()
  }, [open])
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => (helpOpen.value = false)}>
      <header>
        <h2 id="help-title">Keys</h2>
        <button type="button" class="button" onClick={() => (helpOpen.value = false)}>
          Close
        </button>
      </header>
      <dl>
        {KEYS.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              {keys.split('  ').map(key => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  )
}
