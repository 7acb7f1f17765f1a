/**
 * Replay: the segments that no block holds yet become heads again, one per generation, exactly as they were.
 * Damage is cut or skipped, counted, and named by file and offset. What was read is synced before it counts: the process
 * before may have died between write and sync, and from now on repeats are answered and records lean on it.
 */
import type { Disk, Log } from '../../pkg/base/ports.ts'
import { createHead, type Head } from '../head/head.ts'
import { applyRecord, createReplay, type Repeat } from './record.ts'
import { decodeSegmentHeader, readSegment, SEGMENT_HEADER_BYTES, segmentName, segmentNumber } from './segment.ts'

export interface ReplayResult {
  /** Oldest first. */
  readonly heads: readonly { readonly head: Head; readonly firstSegment: number }[]
  readonly repeats: readonly Repeat[]
  readonly nextSegment: number
  readonly segments: number
  readonly bytes: number
  readonly records: number
  /** Records that were damaged in the middle of a segment, and profiles lost with them. */
  readonly damaged: number
  readonly lostProfiles: number
}

export interface ReplayOptions {
  readonly disk: Disk
  readonly log: Log
  readonly directory: string
  /** Segments below this number are in blocks: they are removed. */
  readonly from: number
  readonly keepAddresses: boolean
  progress?(done: { readonly segments: number; readonly of: number }): void
}

export async function replayWal(options: ReplayOptions): Promise<ReplayResult> {
  const { disk, log, directory } = options
  const numbers: number[] = []
  let highest = options.from - 1
  for (const name of await disk.list(directory)) {
    const number = segmentNumber(name)
    if (number === null) continue
    highest = Math.max(highest, number)
    if (number < options.from) await disk.remove(`${directory}/${name}`)
    else numbers.push(number)
  }
  numbers.sort((a, b) => a - b)

  const heads: { head: Head; firstSegment: number }[] = []
  const repeats: Repeat[] = []
  let replay = createReplay()
  let bytesRead = 0
  let records = 0
  let damaged = 0
  let lostProfiles = 0
  const pathOf = (number: number): string => `${directory}/${segmentName(number)}`
  const read = async (number: number): Promise<Uint8Array> => {
    const file = await disk.openAppend(pathOf(number))
    await file.datasync().finally(() => file.close())
    return disk.read(pathOf(number))
  }
  let next = numbers.length === 0 ? new Uint8Array(0) : await read(numbers[0]!)
  for (const [index, number] of numbers.entries()) {
    const path = pathOf(number)
    let bytes = next
    bytesRead += bytes.length
    const following = numbers[index + 1]
    if (following !== undefined) {
      next = await read(following)
      const previous = decodeSegmentHeader(next)?.previous ?? null
      if (previous?.number === number) bytes = bytes.subarray(0, previous.bytes)
    }
    const header = decodeSegmentHeader(bytes)
    if (header === null || header.number !== number) {
      if (bytes.length >= SEGMENT_HEADER_BYTES) {
        damaged++
        log.error('log segment has no readable header, skipped', { segment: path, bytes: bytes.length })
      } else if (bytes.length > 0) {
        log.warn('log segment ends torn, cut', { segment: path, offset: 0, bytes: bytes.length })
      }
      continue
    }
    let current = heads.at(-1)
    if (current === undefined || current.head.generation !== header.generation) {
      lostProfiles += replay.lostProfiles
      current = { head: createHead(header.generation, options), firstSegment: number }
      replay = createReplay()
      heads.push(current)
    }
    for (const part of readSegment(bytes)) {
      if (part.kind === 'record') {
        for (const repeat of applyRecord(current.head, part.payload, replay)) repeats.push(repeat)
        records++
      } else if (part.torn) {
        log.warn('log segment ends torn, cut', { segment: path, offset: part.offset, bytes: part.end - part.offset })
      } else {
        damaged++
        log.error('log record is damaged, skipped', {
          segment: path,
          offset: part.offset,
          bytes: part.end - part.offset,
        })
      }
    }
    options.progress?.({ segments: index + 1, of: numbers.length })
  }
  lostProfiles += replay.lostProfiles
  return {
    heads,
    repeats,
    nextSegment: highest + 1,
    segments: numbers.length,
    bytes: bytesRead,
    records,
    damaged,
    lostProfiles,
  }
}
