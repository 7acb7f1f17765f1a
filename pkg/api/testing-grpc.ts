/** An independent gRPC client, made from our .proto files at run time. For tests. */
import assert from 'node:assert/strict'
import path from 'node:path'
import * as grpc from '@grpc/grpc-js'
import * as loader from '@grpc/proto-loader'

const protos = path.join(import.meta.dirname, '../../proto')
const definitions = loader.loadSync(
  [
    'parca/query/v1alpha1/query.proto',
    'parca/profilestore/v1alpha1/profilestore.proto',
    'parca/scrape/v1alpha1/scrape.proto',
    'grpc/health/v1/health.proto',
    'grpc/reflection/v1/reflection.proto',
    'grpc/reflection/v1alpha/reflection.proto',
  ],
  { includeDirs: [protos], longs: String, enums: String, oneofs: true, keepCase: true, defaults: true },
)

// biome-ignore lint/suspicious/noExplicitAny: what a dynamic client answers has no type
export type Any = any

/** A client of one service, without limits of its own. */
export function clientOf(host: string, service: string): Any {
  const Client = grpc.makeGenericClientConstructor(definitions[service] as grpc.ServiceDefinition, service)
  const limit = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 }
  return new Client(host, grpc.credentials.createInsecure(), limit)
}

/** One unary call: the answer and its trailing metadata. */
export function ask(
  client: Any,
  method: string,
  request: object,
): Promise<{ value: Any; trailers: Record<string, Any> }> {
  return new Promise((resolve, reject) => {
    let value: Any
    const call = client[method](request, (error: Error | null, answer: Any) => {
      if (error !== null) reject(error)
      value = answer
    })
    call.on('status', (status: grpc.StatusObject) => resolve({ value, trailers: status.metadata.getMap() }))
  })
}

/** One unary call that must fail: the name of its status and the text. */
export async function refused(client: Any, method: string, request: object): Promise<[string, string]> {
  const error = await ask(client, method, request).then(
    () => assert.fail('it was answered'),
    (thrown: grpc.ServiceError) => thrown,
  )
  return [grpc.status[error.code]!, error.details]
}

/** A client of one method by its path, bytes in and out. */
export function rawClient(host: string, path: string): Any {
  const identity = (bytes: Buffer) => bytes
  const method = {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  }
  const Client = grpc.makeGenericClientConstructor({ Raw: method }, 'Raw')
  return new Client(host, grpc.credentials.createInsecure())
}
