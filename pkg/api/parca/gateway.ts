/** REST as grpc-gateway has it: each route is one RPC, its request in the query string or the body, its answer as JSON. */
import type { DescMessage } from '@bufbuild/protobuf'
import { RequestError } from '../../base/errors.ts'
import type { Call, UnaryService } from '../call.ts'
import { ProfileStoreService } from '../gen/parca/profilestore/v1alpha1/profilestore_pb.js'
import { QueryService } from '../gen/parca/query/v1alpha1/query_pb.js'
import { ScrapeService } from '../gen/parca/scrape/v1alpha1/scrape_pb.js'
import { type Handler, queryOf } from '../http.ts'
import { messageFromBody, messageFromQuery, messageToJson } from './json.ts'

export interface GatewayServices {
  readonly query: UnaryService<typeof QueryService>
  readonly store: UnaryService<typeof ProfileStoreService>
  readonly targets: UnaryService<typeof ScrapeService>
}

export function gatewayHandlers({ query, store, targets }: GatewayServices, messageSizeLimit: number) {
  const { method: q } = QueryService
  const { method: p } = ProfileStoreService
  const get = (method: Method, run: Run) => handler(messageFromQueryAndPath, method, run, messageSizeLimit)
  const post = (method: Method, run: Run) => handler(messageFromRequestBody, method, run, messageSizeLimit)
  return {
    'GET /api/profiles/query_range': get(q.queryRange, query.queryRange),
    'GET /api/profiles/query': get(q.query, query.query),
    'GET /api/profiles/series': get(q.series, query.series),
    'GET /api/profiles/types': get(q.profileTypes, query.profileTypes),
    'GET /api/profiles/labels': get(q.labels, query.labels),
    'GET /api/profiles/labels/:label_name/values': get(q.values, query.values),
    'POST /api/profiles/share': post(q.shareProfile, query.shareProfile),
    'GET /api/profiles/has_profile_data': get(q.hasProfileData, query.hasProfileData),
    'POST /api/profiles/writeraw': post(p.writeRaw, store.writeRaw),
    'POST /api/profiles/writearrow': post(p.writeArrow, store.writeArrow),
    'GET /api/targets': get(ScrapeService.method.targets, targets.targets),
  } satisfies Record<string, Handler>
}

interface Method {
  readonly input: DescMessage
  readonly output: DescMessage
}
// Each pair below is one method and its own implementation; the message types are erased where they meet.
type Run = (request: never, call: Call) => Promise<object>
type Read = (desc: DescMessage, request: Parameters<Handler>[0]) => unknown

function handler(read: Read, method: Method, run: Run, messageSizeLimit: number): Handler {
  return async (request, response, call) => {
    const answer = await run(read(method.input, request) as never, call)
    const text = messageToJson(method.output, answer)
    if (text.length > messageSizeLimit) {
      throw new RequestError(
        'resource_exhausted',
        `the answer has ${text.length} bytes, over --message-size-limit of ${messageSizeLimit}`,
      )
    }
    response.setHeader('content-type', 'application/json')
    response.end(text)
  }
}

const messageFromQueryAndPath: Read = (desc, request) => {
  const params = queryOf(request)
  for (const [name, value] of Object.entries(request.params)) params.set(name, String(value))
  return messageFromQuery(desc, params)
}

const messageFromRequestBody: Read = (desc, request) => messageFromBody(desc, request.body as Buffer | undefined)
