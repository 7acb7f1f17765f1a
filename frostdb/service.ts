/** Which label names the service of a series: the first of a list that is there. */
import { type Labels, labelValue } from '../pkg/labels/labels.ts'

export const DEFAULT_SERVICE_LABELS: readonly string[] = [
  'service_name',
  'service',
  'app_kubernetes_io_name',
  'app',
  'container',
  'job',
]

/** The empty string when none is there. */
export function serviceOf(labels: Labels, names: readonly string[]): string {
  for (const name of names) {
    const value = labelValue(labels, name)
    if (value !== '') return value
  }
  return ''
}
