/** Profile types in words, and which one a fresh page shows. */
import { formatProfileType, type ProfileType } from '../pkg/profile/type.ts'

/** By `name:sample_type`, then by `sample_type:sample_unit` for names nobody foresaw. */
const KNOWN: Readonly<Record<string, string>> = {
  'process_cpu:cpu': 'CPU time',
  'process_cpu:samples': 'CPU samples',
  'parca_agent:samples': 'CPU samples (agent)',
  'parca_agent_cpu:samples': 'CPU samples (agent)',
  'parca_agent:wallclock': 'Off-CPU time (agent)',
  'memory:inuse_space': 'Memory in use',
  'memory:inuse_objects': 'Objects in use',
  'memory:alloc_space': 'Memory allocated',
  'memory:alloc_objects': 'Objects allocated',
  'memory:space': 'Memory in use',
  'memory:objects': 'Objects in use',
  'goroutine:goroutine': 'Goroutines',
  'goroutine:goroutines': 'Goroutines',
  'mutex:contentions': 'Mutex contentions',
  'mutex:delay': 'Mutex delay',
  'block:contentions': 'Blocking events',
  'block:delay': 'Blocking delay',
  'wall:wall': 'Wall time',
  'wall:samples': 'Wall samples',
  'fgprof:time': 'Wall time',
  'fgprof:samples': 'Wall samples',
}

export function profileTitle(type: ProfileType): string {
  const known = KNOWN[`${type.name}:${type.sampleType}`]
  if (known) return known
  const what = type.sampleType.replaceAll('_', ' ')
  return type.name === '' || type.name === type.sampleType ? what || type.name : `${type.name}: ${what}`
}

/** Whether its time per second is a number of cores. */
export function isCpu(type: ProfileType): boolean {
  return type.periodType === 'cpu' || type.sampleType === 'cpu' || type.name === 'process_cpu'
}

/** CPU time before CPU samples before the rest; then by title. */
export function sortTypes(types: readonly ProfileType[]): ProfileType[] {
  const rank = (t: ProfileType): number =>
    !isCpu(t) ? 2 : t.sampleUnit === 'nanoseconds' ? 0 : t.sampleType === 'samples' ? 1 : 1.5
  return [...types].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      profileTitle(a).localeCompare(profileTitle(b), 'en') ||
      (formatProfileType(a) < formatProfileType(b) ? -1 : 1),
  )
}
