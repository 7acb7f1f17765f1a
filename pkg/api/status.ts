/**
 * One table of how a `RequestCode` reads in each protocol: gRPC's number and name, grpc-gateway's HTTP status.
 */
import { Code, ConnectError } from '@connectrpc/connect'
import { type RequestCode, RequestError } from '../base/errors.ts'

interface Status {
  readonly grpc: Code
  readonly name: string
  readonly http: number
}

const STATUS: Readonly<Record<RequestCode, Status>> = {
  canceled: { grpc: Code.Canceled, name: 'Canceled', http: 499 },
  invalid_argument: { grpc: Code.InvalidArgument, name: 'InvalidArgument', http: 400 },
  deadline_exceeded: { grpc: Code.DeadlineExceeded, name: 'DeadlineExceeded', http: 504 },
  not_found: { grpc: Code.NotFound, name: 'NotFound', http: 404 },
  already_exists: { grpc: Code.AlreadyExists, name: 'AlreadyExists', http: 409 },
  permission_denied: { grpc: Code.PermissionDenied, name: 'PermissionDenied', http: 403 },
  resource_exhausted: { grpc: Code.ResourceExhausted, name: 'ResourceExhausted', http: 429 },
  failed_precondition: { grpc: Code.FailedPrecondition, name: 'FailedPrecondition', http: 400 },
  out_of_range: { grpc: Code.OutOfRange, name: 'OutOfRange', http: 400 },
  unimplemented: { grpc: Code.Unimplemented, name: 'Unimplemented', http: 501 },
  internal: { grpc: Code.Internal, name: 'Internal', http: 500 },
  unavailable: { grpc: Code.Unavailable, name: 'Unavailable', http: 503 },
  unauthenticated: { grpc: Code.Unauthenticated, name: 'Unauthenticated', http: 401 },
}

export function grpcCode(code: RequestCode): number {
  return STATUS[code].grpc
}

export function httpStatus(code: RequestCode): number {
  return STATUS[code].http
}

export function grpcName(code: RequestCode): string {
  return STATUS[code].name
}

/** What a handler threw, as the caller may see it. An abort is `canceled`, whoever named it. */
export function toRequestError(thrown: unknown): RequestError {
  if (thrown instanceof RequestError) return thrown
  if (thrown instanceof ConnectError) {
    const found = Object.entries(STATUS).find(([, status]) => status.grpc === thrown.code)
    return new RequestError((found?.[0] as RequestCode | undefined) ?? 'internal', thrown.rawMessage, { cause: thrown })
  }
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return new RequestError('canceled', 'the client went away', { cause: thrown })
  }
  return RequestError.from(thrown)
}

export function toConnectError(error: RequestError): ConnectError {
  return new ConnectError(error.message, STATUS[error.code].grpc, undefined, undefined, error)
}
