/** What opens over the page closes by Escape, which gives the focus back, and by a press outside. */
import { type Signal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

export function usePopover() {
  const open: Signal<boolean> = useSignal(false)
  const root = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    const element = root.current!
    const onPress = (event: Event): void => {
      if (!element.contains(event.target as Node)) open.value = false
    }
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || !open.value) return
      open.value = false
      button.current?.focus()
      event.stopPropagation()
    }
    addEventListener('pointerdown', onPress)
    element.addEventListener('keydown', onKey)
    return () => {
      removeEventListener('pointerdown', onPress)
      element.removeEventListener('keydown', onKey)
    }
  }, [])
  const close = (): void => {
    open.value = false
    button.current?.focus()
  }
  return { open, root, button, close }
}
