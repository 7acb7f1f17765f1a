/** Faults for tests: what may go wrong with one request, drawn from a seed so that a run can be had again. */
import type { Random } from '../base/ports.ts'
import type { Operation } from './errors.ts'

export type Fault =
  | { readonly kind: 'refuse' } // 503 before anything happened
  | { readonly kind: 'reset' } // the connection breaks before anything happened
  | { readonly kind: 'lose-answer' } // it is done, and nobody hears of it
  | { readonly kind: 'cut' } // half of the body arrives
  | { readonly kind: 'delay'; readonly ms: number }

export interface FaultRequest {
  readonly operation: Operation
  readonly key: string
}

/** null = all goes well. */
export type FaultPlan = (request: FaultRequest) => Fault | null

export interface FaultRates {
  /** Share of requests in [0, 1]; together at most 1. */
  readonly refuse?: number
  readonly reset?: number
  readonly loseAnswer?: number
  readonly cut?: number
  readonly delay?: number
  readonly delayMs?: number
}

export function seededFaults(random: Random, rates: FaultRates): FaultPlan {
  const table: readonly (readonly [number, Fault])[] = [
    [rates.refuse ?? 0, { kind: 'refuse' }],
    [rates.reset ?? 0, { kind: 'reset' }],
    [rates.loseAnswer ?? 0, { kind: 'lose-answer' }],
    [rates.cut ?? 0, { kind: 'cut' }],
    [rates.delay ?? 0, { kind: 'delay', ms: rates.delayMs ?? 20 }],
  ]
  return () => {
    let at = random.next()
    for (const [share, fault] of table) {
      if (at < share) return fault
      at -= share
    }
    return null
  }
}
