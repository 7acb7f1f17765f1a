/**
 * A question, whichever protocol carried it. Services are written against this, so that gRPC, gRPC-web, Connect and
 * REST answer alike.
 */
import type { DescMessage, DescMethodUnary, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import type { QueryStats } from '../query/result.ts'

export interface Call {
  /** Aborts when the client goes away or its deadline passes. */
  readonly signal: AbortSignal
  /** What the answer took to read; goes out beside it. */
  stats(stats: QueryStats): void
}

export type UnaryMethod<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  call: Call,
) => Promise<MessageInitShape<O>>

/** Every unary method of a service. Rejects with `RequestError`. */
export type UnaryService<S extends DescService> = {
  [M in keyof S['method'] as S['method'][M] extends DescMethodUnary
    ? M
    : never]: S['method'][M] extends DescMethodUnary<infer I, infer O> ? UnaryMethod<I, O> : never
}

export const STATS_HEADER = 'decima-query-stats'

export function formatStats(stats: QueryStats): string {
  return JSON.stringify(stats)
}
