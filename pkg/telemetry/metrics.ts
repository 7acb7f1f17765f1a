/**
 * The metrics of the server, for `/metrics`. Names begin with `decima_`; `process_*` and `nodejs_*` come from prom-client,
 * `grpc_server_*` and `objstore_*` keep the names that dashboards know. A metric may have an alias: the same values
 * under a second name, which is how Parca's are served.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry, Summary } from 'prom-client'

export interface MetricOptions<L extends string = string> {
  readonly name: string
  readonly help: string
  readonly labels?: readonly L[]
  /** A second name for the same values. */
  readonly alias?: string
}

export interface Metrics {
  /** `total`: what has been counted elsewhere, read when somebody looks; it never falls. */
  counter<L extends string = never>(options: MetricOptions<L> & { readonly total?: () => number }): Counter<L>
  /** `collect` sets the gauge when somebody looks. */
  gauge<L extends string = never>(
    options: MetricOptions<L> & { readonly collect?: (gauge: Gauge<L>) => void },
  ): Gauge<L>
  histogram<L extends string = never>(options: MetricOptions<L> & { readonly buckets: readonly number[] }): Histogram<L>
  /** Quantiles over the last ten minutes. */
  summary<L extends string = never>(options: MetricOptions<L>): Summary<L>
  /** The text format of Prometheus. */
  render(): Promise<{ readonly contentType: string; readonly body: string }>
}

const NAMES = /^(decima|grpc_server|objstore)_[a-z0-9_]+$/
const ALIASES = /^parca_[a-z0-9_]+$/

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const aliases = new Map<string, string>()

  function common<L extends string>({ name, help, labels = [], alias }: MetricOptions<L>) {
    if (!NAMES.test(name)) throw new Error(`BUG: metric name ${name}`)
    if (alias !== undefined) {
      if (!ALIASES.test(alias)) throw new Error(`BUG: metric alias ${alias}`)
      aliases.set(alias, name)
    }
    return { name, help, labelNames: [...labels], registers: [registry] }
  }

  return {
    counter<L extends string>(options: MetricOptions<L> & { readonly total?: () => number }): Counter<L> {
      const { total } = options
      if (total === undefined) return new Counter<L>(common(options))
      let seen = 0
      return new Counter<L>({
        ...common(options),
        collect() {
          const now = total()
          this.inc(now - seen)
          seen = now
        },
      })
    },
    gauge<L extends string>(options: MetricOptions<L> & { readonly collect?: (gauge: Gauge<L>) => void }): Gauge<L> {
      const { collect } = options
      if (collect === undefined) return new Gauge<L>(common(options))
      return new Gauge<L>({
        ...common(options),
        collect() {
          collect(this)
        },
      })
    },
    histogram: options => new Histogram({ ...common(options), buckets: [...options.buckets] }),
    summary: options =>
      new Summary({
        ...common(options),
        percentiles: [0.01, 0.05, 0.5, 0.9, 0.99],
        maxAgeSeconds: 600,
        ageBuckets: 5,
        pruneAgedBuckets: false,
      }),
    async render() {
      let body = await registry.metrics()
      for (const [alias, name] of aliases)
        body += `\n${renamed(await registry.getSingleMetricAsString(name), name, alias)}\n`
      return { contentType: registry.contentType, body }
    },
  }
}

/** Names stand at the beginning of a line or after `# HELP ` and `# TYPE `. */
function renamed(text: string, from: string, to: string): string {
  return text.replace(new RegExp(`^(# (?:HELP|TYPE) )?${from}(?=[ {_])`, 'gm'), (_, comment = '') => `${comment}${to}`)
}
