import { Counter, Gauge, Summary, type Registry } from 'prom-client';

/** A second label of a metric, and all values that it can have. */
interface Label {
  readonly name: string;
  readonly values: readonly string[];
}

interface Entry {
  readonly metric: Counter | Gauge | Summary;
  /** Labels of the series that a job has of it, beside the job's own. */
  readonly series: readonly Readonly<Record<string, string>>[];
}

/** Metrics whose series are a job's: they begin and end with it, and their number is bounded by what is declared here. */
export class JobSeries {
  readonly #registry: Registry;
  readonly #entries: Entry[] = [];

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  counter(name: string, help: string, label: Label | null = null): Counter {
    const options = this.#options(`${name}_total`, help, label);
    return this.#add(new Counter(options), label);
  }

  gauge(name: string, help: string, label: Label | null = null): Gauge {
    return this.#add(new Gauge(this.#options(name, help, label)), label);
  }

  /** Sum and count of what is observed. */
  summary(name: string, help: string): Summary {
    const options = this.#options(name, help, null);
    return this.#add(new Summary({ ...options, percentiles: [] }), null);
  }

  /** Makes the counters of a job appear as zero, so that their first increase shows. */
  open(job: string): void {
    for (const { metric, series } of this.#entries) {
      if (metric instanceof Counter) for (const labels of series) metric.inc({ job, ...labels }, 0);
    }
  }

  /** Drops every series of a job. */
  forget(job: string): void {
    for (const { metric, series } of this.#entries)
      for (const labels of series) metric.remove({ job, ...labels });
  }

  #options(name: string, help: string, label: Label | null) {
    const labelNames = label === null ? ['job'] : ['job', label.name];
    return { name: `ringmaster_${name}`, help, labelNames, registers: [this.#registry] };
  }

  #add<Metric extends Entry['metric']>(metric: Metric, label: Label | null): Metric {
    const series = label === null ? [{}] : label.values.map((value) => ({ [label.name]: value }));
    this.#entries.push({ metric, series });
    return metric;
  }
}
