/**
 * Go's `Regexp.Expand`: `$1`, `${1}`, `$name`, `${name}` stand for groups, `$$` for a dollar. A bare name is as long as it
 * can be, so `$1x` is the group named `1x`. A group that is not there is empty; a dollar that begins no name stays.
 */

export interface GroupSource {
  /** Text of a group by number; null when it does not exist or took no part. */
  group(index: number): string | null
  /** Number of a named group, or -1. */
  indexOf(name: string): number
}

const TEMPLATE = /\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu

export function expandTemplate(template: string, groups: GroupSource): string {
  if (!template.includes('$')) return template
  return template.replace(TEMPLATE, (whole: string, bare: string | undefined, braced: string | undefined) => {
    const name = bare ?? braced
    if (name === undefined) return whole.slice(1)
    const isNumber = /^(0|[1-9][0-9]{0,8})$/.test(name)
    const index = isNumber ? Number(name) : groups.indexOf(name)
    return index < 0 ? '' : (groups.group(index) ?? '')
  })
}
