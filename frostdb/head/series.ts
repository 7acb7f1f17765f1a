/**
 * The head's series: distinct (profile type, labels), numbered in order of arrival. They lie in shared memory as JSON,
 * one text a series, so that a reader in another thread decodes just those it has not seen.
 */

import { type Column, int32Column, push, reserve, uint8Column } from '../../pkg/base/column.ts'
import type { Label, Labels } from '../../pkg/labels/labels.ts'
import type { ProfileType } from '../../pkg/profile/type.ts'

export interface Series {
  readonly type: ProfileType
  readonly labels: Labels
}

export interface SeriesInterner {
  readonly bytes: Column<Uint8Array>
  readonly offsets: Column<Int32Array> // length + 1
  readonly ids: Map<string, number>
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function createSeries(): SeriesInterner {
  const series: SeriesInterner = { bytes: uint8Column(), offsets: int32Column(), ids: new Map() }
  push(series.offsets, 0)
  return series
}

export function seriesCount(series: SeriesInterner): number {
  return series.offsets.length - 1
}

export function encodeSeries({ type, labels }: Series): string {
  const flat: string[] = []
  for (const { name, value } of labels) flat.push(name, value)
  const { name, sampleType, sampleUnit, periodType, periodUnit, delta } = type
  return JSON.stringify([[name, sampleType, sampleUnit, periodType, periodUnit, delta], flat])
}

export function decodeSeries(text: string): Series {
  const [t, flat] = JSON.parse(text) as [[string, string, string, string, string, boolean], string[]]
  const labels: Label[] = []
  for (let i = 0; i < flat.length; i += 2) labels.push({ name: flat[i]!, value: flat[i + 1]! })
  const [name, sampleType, sampleUnit, periodType, periodUnit, delta] = t
  return { type: { name, sampleType, sampleUnit, periodType, periodUnit, delta }, labels }
}

/** The id of the series, new or known. `text` is from `encodeSeries`. */
export function internSeries(series: SeriesInterner, text: string): number {
  const known = series.ids.get(text)
  if (known !== undefined) return known
  const id = seriesCount(series)
  const encoded = encoder.encode(text)
  reserve(series.bytes, encoded.length).set(encoded, series.bytes.length)
  series.bytes.length += encoded.length
  push(series.offsets, series.bytes.length)
  series.ids.set(text, id)
  return id
}

export function seriesText(bytes: Uint8Array, offsets: Int32Array, id: number): string {
  return decoder.decode(bytes.subarray(offsets[id]!, offsets[id + 1]!))
}
