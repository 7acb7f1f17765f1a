/**
 * Decoded pages of the stack and value columns, kept by a query thread: who looks at a fleet asks for the same pages
 * again and again. The least recently used go first.
 */

export interface DecodedPage {
  readonly stack: Int32Array
  /** The values as doubles where they are exact so, else their words, low first. */
  readonly values:
    | { readonly kind: 'doubles'; readonly doubles: Float64Array }
    | { readonly kind: 'words'; readonly words: Int32Array }
}

export interface PageCache {
  get(key: string): DecodedPage | undefined
  put(key: string, page: DecodedPage): void
}

const bytesOf = ({ stack, values }: DecodedPage): number =>
  stack.byteLength + (values.kind === 'doubles' ? values.doubles : values.words).byteLength

export function createPageCache(budget: number): PageCache {
  const pages = new Map<string, DecodedPage>() // oldest first
  let bytes = 0
  return {
    get(key) {
      const page = pages.get(key)
      if (page === undefined) return undefined
      pages.delete(key)
      pages.set(key, page)
      return page
    },
    put(key, page) {
      if (bytesOf(page) > budget) return
      bytes += bytesOf(page)
      pages.set(key, page)
      for (const [oldest, old] of pages) {
        if (bytes <= budget) return
        pages.delete(oldest)
        bytes -= bytesOf(old)
      }
    },
  }
}
