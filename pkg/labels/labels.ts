/** A label of a series: any UTF-8 name, any value. */
export interface Label {
  readonly name: string
  readonly value: string
}

/** Sorted by name (UTF-16 code unit order), names distinct, no empty value: absent and empty are the same. */
export type Labels = readonly Label[]

/** Puts labels in order and drops empty values. Of one name given twice the first counts. */
export function sortLabels(labels: Iterable<Label>): Labels {
  const byName = new Map<string, string>()
  for (const { name, value } of labels) if (!byName.has(name)) byName.set(name, value)
  const out: Label[] = []
  for (const [name, value] of byName) if (value !== '') out.push({ name, value })
  return out.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The value of `name`, the empty string when absent. */
export function labelValue(labels: Labels, name: string): string {
  for (const label of labels) if (label.name === name) return label.value
  return ''
}

/** Label by label, by name and then by value; of two that begin alike the shorter comes first. */
export function compareLabels(a: Labels, b: Labels): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i]!.name !== b[i]!.name) return a[i]!.name < b[i]!.name ? -1 : 1
    if (a[i]!.value !== b[i]!.value) return a[i]!.value < b[i]!.value ? -1 : 1
  }
  return a.length - b.length
}
