import { Metrics } from '@ringmaster/coordinator/metrics';
import { jobStates, workerStates } from '@ringmaster/protocol';
import { z } from 'zod';

/** What prom-client knows of a metric and does not declare. */
const metricSchema = z.object({ labelNames: z.array(z.string()) });

/** Of the process itself: memory, processor time, event loop. */
const ofProcess = /^ringmaster_(process|nodejs)_/;

/** The reference page of metrics, from those that a coordinator registers. */
export async function metricsPage(): Promise<string> {
  const zero = <Key extends string>(keys: readonly Key[]) =>
    Object.fromEntries(keys.map((key) => [key, 0])) as Record<Key, number>;
  const { registry } = new Metrics(() => ({
    workers: zero(workerStates),
    slots: zero(['free', 'busy']),
    storage: null,
    jobs: zero(jobStates),
  }));
  const known = await registry.getMetricsAsJSON();
  const rows = known
    .filter(({ name }) => !ofProcess.test(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, help, type }) => {
      const { labelNames } = metricSchema.parse(registry.getSingleMetric(name));
      const labels = labelNames.map((label) => `\`${label}\``).join(', ');
      return `| \`${name}\` | ${String(type)} | ${labels} | ${help} |`;
    });
  return [
    '# Metrics',
    '',
    'A coordinator exports these at `/metrics` in the text format of Prometheus, without a token. Units are base units:',
    'seconds, bytes. The label `job` is the id of a job, whose series end with the first scrape after it does; `worker` is the',
    'id of a worker, whose series end with the last job that it takes part in. `docs/guides/monitoring.md` tells how they',
    'are read.',
    '',
    '| metric | type | labels | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
    'Those whose names begin with `ringmaster_process_` and `ringmaster_nodejs_` are of the coordinator itself: memory,',
    'processor time, open files, event loop.',
    '',
  ].join('\n');
}
