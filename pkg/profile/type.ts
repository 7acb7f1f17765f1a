/**
 * A profile type: what one sample value means, as `name:sample_type:sample_unit:period_type:period_unit[:delta]`.
 * Parts may be empty or hold any character but `:` and NUL.
 */
export interface ProfileType {
  readonly name: string
  readonly sampleType: string
  readonly sampleUnit: string
  readonly periodType: string
  readonly periodUnit: string
  /** The values cover the duration of the profile (a rate can be taken); else they hold at a point in time. */
  readonly delta: boolean
}

export function formatProfileType(t: ProfileType): string {
  const five = `${t.name}:${t.sampleType}:${t.sampleUnit}:${t.periodType}:${t.periodUnit}`
  return t.delta ? `${five}:delta` : five
}

/** The five or six parts of `text`, or null when it has another number of parts. A sixth part other than `delta` means not delta. */
export function parseProfileType(text: string): ProfileType | null {
  const parts = text.split(':')
  if (parts.length !== 5 && parts.length !== 6) return null
  const [name, sampleType, sampleUnit, periodType, periodUnit, last] = parts as [
    string,
    string,
    string,
    string,
    string,
    string?,
  ]
  return { name, sampleType, sampleUnit, periodType, periodUnit, delta: last === 'delta' }
}
