/**
 * grpc.reflection, v1 and v1alpha (the same messages under two names): which services there are and the descriptors of
 * their files, straight from the generated code.
 */
import { createRegistry, type DescFile, type MessageInitShape, type Registry, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { Code, type ServiceImpl } from '@connectrpc/connect'
import type {
  ServerReflection,
  ServerReflectionRequest,
  ServerReflectionResponseSchema,
} from '../gen/grpc/reflection/v1/reflection_pb.js'

type Response = MessageInitShape<typeof ServerReflectionResponseSchema>

interface Descriptors {
  readonly files: ReadonlyMap<string, DescFile> // by name with `.proto`
  readonly symbols: Registry
  readonly services: readonly string[]
}

export function reflection(
  files: readonly DescFile[],
  services: readonly string[],
): Pick<ServiceImpl<typeof ServerReflection>, 'serverReflectionInfo'> {
  const all = withDependencies(files)
  const descriptors = {
    files: new Map(all.map(file => [`${file.name}.proto`, file])),
    symbols: createRegistry(...all),
    services,
  }
  return {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        yield {
          validHost: request.host,
          originalRequest: request,
          messageResponse: answer(request.messageRequest, descriptors),
        }
      }
    },
  }
}

function answer(
  asked: ServerReflectionRequest['messageRequest'],
  { files, symbols, services }: Descriptors,
): Response['messageResponse'] {
  switch (asked.case) {
    case 'listServices':
      return { case: 'listServicesResponse', value: { service: services.map(name => ({ name })) } }
    case 'fileByFilename':
      return fileAnswer(files.get(asked.value), asked.value)
    case 'fileContainingSymbol':
      return fileAnswer(fileOf(symbols, asked.value), asked.value)
    case 'allExtensionNumbersOfType':
      return symbols.getMessage(asked.value) === undefined
        ? notFound(asked.value)
        : { case: 'allExtensionNumbersResponse', value: { baseTypeName: asked.value, extensionNumber: [] } }
    case 'fileContainingExtension':
      return notFound(`extension ${asked.value.extensionNumber} of ${asked.value.containingType}`)
    default:
      return { case: 'errorResponse', value: { errorCode: Code.InvalidArgument, errorMessage: 'nothing was asked' } }
  }
}

/** A symbol is a message, an enum, a service, or a member of one. */
function fileOf(symbols: Registry, symbol: string): DescFile | undefined {
  const found = symbols.get(symbol) ?? symbols.get(symbol.slice(0, Math.max(0, symbol.lastIndexOf('.'))))
  return found?.kind === 'extension' ? undefined : found?.file
}

function fileAnswer(file: DescFile | undefined, name: string): Response['messageResponse'] {
  if (file === undefined) return notFound(name)
  const descriptors = withDependencies([file]).map(each => toBinary(FileDescriptorProtoSchema, each.proto))
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto: descriptors } }
}

function notFound(what: string): Response['messageResponse'] {
  return { case: 'errorResponse', value: { errorCode: Code.NotFound, errorMessage: `not found: ${what}` } }
}

/** The files and all they import, each once, the asked first. */
function withDependencies(files: readonly DescFile[]): DescFile[] {
  const seen = new Set<DescFile>(files)
  for (const file of seen) for (const dependency of file.dependencies) seen.add(dependency)
  return [...seen]
}
