/** Listen addresses as Go writes them: `:7070`, `127.0.0.1:7070`, `[::1]:7070`. */

export interface ListenAddress {
  /** null = all of them. */
  readonly host: string | null
  /** 0 = any free one. */
  readonly port: number
}

/** null when `text` is none. A bare number is a port. */
export function parseListenAddress(text: string): ListenAddress | null {
  const found = /^(?:(\[[0-9a-fA-F:.]+(?:%\w+)?\]|[^[\]:/\s]*):)?(\d{1,5})$/.exec(text)
  if (found === null) return null
  const port = Number(found[2])
  if (port > 65_535) return null
  const host = (found[1] ?? '').replace(/^\[|\]$/g, '')
  return { host: host === '' ? null : host, port }
}

/** `host:port` under which this machine reaches what listens there. */
export function reachableAddress({ host, port }: ListenAddress): string {
  const reachable = host === null || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return reachable.includes(':') ? `[${reachable}]:${port}` : `${reachable}:${port}`
}
