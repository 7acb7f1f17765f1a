/** The selection as pprof: a file, or the line for a terminal. */
import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { pprofUrl } from './api.ts'
import { usePopover } from './popover.ts'
import { chosen, profileType, query } from './state.ts'

export function Download() {
  const { open, root, button } = usePopover()
  const copied = useSignal(false)
  const line = useRef<HTMLInputElement>(null)
  const asked = query.value
  const url = 'error' in asked || profileType.value === null ? null : pprofUrl(asked.text, chosen.value)

  const copy = async (): Promise<void> => {
    line.current?.select()
    try {
      await navigator.clipboard.writeText(line.current?.value ?? '')
      copied.value = true
    } catch {
      // Not a secure context: the line is selected, and the keyboard copies it.
    }
  }
  return (
    <div class="download" ref={root}>
      <button
        type="button"
        class="button"
        disabled={url === null}
        ref={button}
        title="Download, or open in go tool pprof"
        aria-haspopup="dialog"
        aria-expanded={open.value}
        onClick={() => {
          open.value = !open.value
          copied.value = false
        }}
      >
        pprof
      </button>
      {open.value && url !== null && (
        <div class="popover download-choices" role="dialog" aria-label="Download as pprof">
          <a class="button" href={url} download="profile.pb.gz">
            Download profile.pb.gz
          </a>
          <label for="pprof-line">or in a terminal</label>
          <div class="copy-row">
            <input
              id="pprof-line"
              class="field code"
              readOnly
              ref={line}
              value={`go tool pprof "${shellQuoted(url)}"`}
            />
            <button type="button" class="button" onClick={() => void copy()}>
              {copied.value ? 'Copied' : 'Copy'}
            </button>
          </div>
        </div>
      )}
    </div>
  )
}

/** Within double quotes of a POSIX shell. */
function shellQuoted(text: string): string {
  return text.replace(/[\\"$`]/g, '\\$&')
}
