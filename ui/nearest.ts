/** Existing values near one that does not exist, for a person who mistyped. */

/** The five values that share most with what was asked: by common beginning, then by length. */
export function nearest(values: readonly string[], wanted: string): string[] {
  const common = (value: string): number => {
    let n = 0
    while (n < value.length && n < wanted.length && value[n]!.toLowerCase() === wanted[n]!.toLowerCase()) n++
    return n
  }
  return [...values]
    .sort((a, b) => common(b) - common(a) || Math.abs(a.length - wanted.length) - Math.abs(b.length - wanted.length))
    .slice(0, 5)
}
