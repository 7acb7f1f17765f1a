/** How much memory the server may use: what the flag says, else 75 % of the cgroup's limit, else 60 % of the machine's. */
import { totalmem } from 'node:os'
import { formatSize } from '../../pkg/config/units.ts'

export const SMALLEST_MEMORY_LIMIT = 256 * 1024 * 1024
const OF_CGROUP = 0.75
const OF_MACHINE = 0.6

export interface MachineMemory {
  /** Bytes; null when nothing limits the process. */
  readonly cgroupLimit: number | null
  readonly total: number
}

export interface MemoryLimit {
  readonly bytes: number
  /** Where the number comes from, for the log. */
  readonly source: string
}

export function machineMemory(): MachineMemory {
  const total = totalmem()
  // Without a limit the kernel reports none, or a number larger than the machine.
  const constrained = process.constrainedMemory()
  return { total, cgroupLimit: constrained > 0 && constrained < total ? constrained : null }
}

/** Throws with the number when it is too little to run in. `flag` null = by itself. */
export function resolveMemoryLimit(flag: number | null, machine: MachineMemory): MemoryLimit {
  const limit = chooseLimit(flag, machine)
  if (limit.bytes >= SMALLEST_MEMORY_LIMIT) return limit
  const mib = Math.floor(limit.bytes / (1024 * 1024))
  throw new Error(
    `the memory limit is ${mib}MiB (${limit.source}), below the ${formatSize(SMALLEST_MEMORY_LIMIT)} that Decima needs: raise it, or set --memory-limit`,
  )
}

function chooseLimit(flag: number | null, { cgroupLimit, total }: MachineMemory): MemoryLimit {
  if (flag !== null) return { bytes: flag, source: '--memory-limit' }
  if (cgroupLimit !== null) return { bytes: Math.floor(cgroupLimit * OF_CGROUP), source: '75% of the cgroup limit' }
  return { bytes: Math.floor(total * OF_MACHINE), source: '60% of RAM' }
}
