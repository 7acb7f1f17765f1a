/** parca.query.v1alpha1.QueryService over the query engine. */
import { RequestError } from '../../base/errors.ts'
import type { LabelRequest, QueryEngine, RangeSeries } from '../../query/engine.ts'
import type { UnaryService } from '../call.ts'
import type { LabelsRequest, QueryService, ValuesRequest } from '../gen/parca/query/v1alpha1/query_pb.js'
import { int64, queryResponseOf } from './report.ts'
import { reportRequestOf } from './selection.ts'
import { durationNanos, optionalRange, requiredRange, timestampOf } from './time.ts'

const NO_DATA =
  'No data found for the query, try a different query or time range or no data has been written to be queried yet.'
const NO_PROFILE = 'could not find profile at requested time and selectors'

export function queryService(engine: QueryEngine): UnaryService<typeof QueryService> {
  return {
    async profileTypes(request, call) {
      const { value, stats } = await engine.profileTypes(optionalRange(request.start, request.end), call.signal)
      call.stats(stats)
      return { types: value.map(type => ({ ...type })) }
    },

    async hasProfileData(_request, call) {
      const { value, stats } = await engine.profileTypes(null, call.signal)
      call.stats(stats)
      return { hasData: value.length > 0 }
    },

    async labels(request, call) {
      const { value, stats } = await engine.labelNames(labelRequestOf(request), call.signal)
      call.stats(stats)
      return { labelNames: [...value] }
    },

    async values(request, call) {
      if (request.labelName === '') throw new RequestError('invalid_argument', 'label_name: cannot be blank.')
      const { value, stats } = await engine.labelValues(request.labelName, labelRequestOf(request), call.signal)
      call.stats(stats)
      return { labelValues: [...value] }
    },

    async queryRange(request, call) {
      if (request.query === '') throw new RequestError('invalid_argument', 'query: cannot be blank.')
      const range = requiredRange(request.start, request.end)
      const stepNanos = durationNanos(request.step)
      if (stepNanos < 0n) throw new RequestError('invalid_argument', 'step: must not be negative.')
      const asked = { query: request.query, range, stepNanos, sumBy: request.sumBy, timesPeriod: true }
      const { value, stats } = await named(NO_DATA, engine.range(asked, call.signal))
      if (value.length === 0) throw new RequestError('not_found', NO_DATA)
      call.stats(stats)
      return { series: value.map(seriesOf) }
    },

    async query(request, call) {
      const asked = reportRequestOf(request)
      const { value, stats } = await named(NO_PROFILE, engine.report(asked, call.signal))
      call.stats(stats)
      return queryResponseOf(value)
    },

    async series() {
      throw new RequestError('unimplemented', 'Series is not implemented')
    },

    async shareProfile() {
      throw new RequestError(
        'unimplemented',
        'ShareProfile is not implemented: Decima sends no profile to another server',
      )
    },
  }
}

/** Clients know these answers by their text. */
async function named<T>(text: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (thrown) {
    if (thrown instanceof RequestError && thrown.code === 'not_found') {
      throw new RequestError('not_found', text, { cause: thrown })
    }
    throw thrown
  }
}

function labelRequestOf(request: LabelsRequest | ValuesRequest): LabelRequest {
  const profileType = request.profileType ?? ''
  return {
    range: optionalRange(request.start, request.end),
    profileType: profileType === '' ? null : profileType,
    matchers: request.match,
  }
}

function seriesOf(series: RangeSeries) {
  return {
    labelset: { labels: series.labels.map(label => ({ ...label })) },
    periodType: { ...series.periodType },
    sampleType: { ...series.sampleType },
    samples: series.points.map(point => ({
      timestamp: timestampOf(point.timeNanos),
      value: int64(point.value, 'value'),
      valuePerSecond: point.valuePerSecond,
      duration: int64(point.durationNanos, 'duration'),
      count: Math.min(point.count, 0x7fff_ffff),
    })),
  }
}
