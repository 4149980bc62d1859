import type { IncidentView, JobView, RingLink } from '@ringmaster/protocol';
import { describeEarlyStopping } from './describe-early-stopping.js';
import { describeIncident } from './describe-incident.js';
import { describePreparation, describePreparers } from './describe-preparation.js';
import { describeBase } from './names.js';
import { formatBytes, formatCount, formatFigure, formatSeconds, pairs, table } from './output.js';

const INCIDENTS_TOLD = 5;
/** How much longer than the median a rank must compute to be called slow. */
const SLOW = 1.3;
/** Seconds by which it must do so: less is what a busy machine does to anybody. */
const NOTICEABLE = 0.02;

/** Everything that is known of a job, for people. */
export function describeJob(job: JobView, incidents: readonly IncidentView[]): string {
  const { tokensPerSecond } = job.throughput;
  const { evaluation, result, error } = job;
  const text = pairs([
    ['id', job.id],
    ['name', job.name],
    ['kind', job.kind],
    ['state', job.state],
    ['progress', job.preparation === null ? job.progress : describePreparation(job.preparation)],
    ['prepared by', describePreparers(job.preparers)],
    ['step', job.steps === null ? String(job.step) : `${job.step} of ${job.steps}`],
    ['parameters', describeParameters(job)],
    ['memory', job.memory === null ? null : `${formatBytes(job.memory.bytes)} a worker`],
    ['stopped early', describeEarlyStopping(job)],
    ['loss', formatFigure(job.loss)],
    [
      'validation',
      evaluation === null
        ? null
        : `loss ${formatFigure(evaluation.loss) ?? ''}  ${figures(evaluation.metrics)}  at step ${evaluation.step}`,
    ],
    ['tokens/s', tokensPerSecond === null ? null : formatCount(tokensPerSecond)],
    [
      'ETA',
      job.etaSeconds === null || job.state !== 'running' ? null : formatSeconds(job.etaSeconds),
    ],
    ['workers', job.workers.join(', ')],
    ['generation', job.generation],
    ['incidents', incidents.length],
    ['priority', job.priority],
    ['after', job.after.join(', ')],
    ['base', job.base === null ? null : describeBase(job.base)],
    ['created', job.createdAt],
    ['started', job.startedAt],
    ['ended', job.endedAt],
    ['state hash', result?.stateHash ?? null],
    ['model', result?.model ?? null],
    ['metrics', result === null ? null : figures(result.metrics)],
    ['error', error === null ? null : `${error.code}: ${error.message}`],
    ['remedy', error?.remedy ?? null],
  ]);
  const told = incidents.slice(0, INCIDENTS_TOLD).map(describeIncident);
  return [
    text,
    ...(job.ranks.length === 0 ? [] : [describeRanks(job)]),
    ...(told.length === 0 ? [] : [`newest incidents\n\n${told.join('\n\n')}`]),
  ].join('\n\n');
}

/** How many parameters there are; where some are frozen, how much less is summed and sent for each step. */
function describeParameters({ parameters }: JobView): string | null {
  if (parameters === null) return null;
  const { trained, frozen } = parameters;
  if (frozen === 0) return formatCount(trained);
  const bytes = (elements: number) => formatBytes(4 * elements);
  return `${formatCount(trained)} trained, ${formatCount(frozen)} frozen: gradients of ${bytes(trained)} a step, of ${bytes(trained + frozen)} without freezing`;
}

/** What each rank does in a step, in milliseconds, and who holds the others up. */
function describeRanks({ ranks }: JobView): string {
  const ms = (seconds: number) => (seconds * 1000).toFixed(1);
  const rows = ranks.map(({ rank, worker, microbatches, phases }) => [
    rank,
    worker,
    microbatches,
    ...[phases.compute, phases.quantise, phases.send, phases.wait, phases.update].map(ms),
  ]);
  const heading = 'RANK WORKER MICROBATCHES COMPUTE QUANTISE SEND WAIT UPDATE'.split(' ');
  const sentences = [describeStraggler(ranks), describeLinks(ranks)];
  return [table(heading, rows), ...sentences.filter((text) => text !== null)].join('\n');
}

/** The slowest rank in a sentence, if the others wait for it. */
function describeStraggler(ranks: JobView['ranks']): string | null {
  const sorted = [...ranks].sort((a, b) => a.phases.compute - b.phases.compute);
  const slowest = sorted.at(-1);
  const median = sorted[(sorted.length - 1) >> 1]?.phases.compute ?? 0;
  if (slowest === undefined || ranks.length < 2) return null;
  const { compute } = slowest.phases;
  if (compute < SLOW * median || compute < median + NOTICEABLE) return null;
  const times = (compute / Math.max(median, 1e-9)).toFixed(1);
  return `Rank ${slowest.rank} on worker ${slowest.worker} computes ${times} times as long as the median: the others wait for it.`;
}

/** Why a rank cannot read its neighbour's memory. */
const REASONS: Readonly<Record<Exclude<RingLink, 'memory'>, string>> = {
  'other-host': 'is on another host',
  'other-container': 'is in another container of its host',
  'not-offered': 'has no room in /dev/shm',
  'not-readable': 'runs as another user',
  'too-large': 'has more memory than there is room to map',
};

/** Which neighbours do not share memory, and why, in a sentence; that all do. Null where nothing is known of them. */
function describeLinks(ranks: JobView['ranks']): string | null {
  const known = ranks.filter(({ link }) => link !== null);
  if (known.length === 0) return null;
  const apart = known.flatMap(({ rank, link }) =>
    link === null || link === 'memory' ? [] : [{ rank, reason: REASONS[link] }],
  );
  if (apart.length === 0) return 'Every rank reads the memory of the rank before it.';
  const before = (rank: number) => (rank + ranks.length - 1) % ranks.length;
  const told = apart.map(({ rank, reason }) => `rank ${before(rank)} ${reason}`);
  const rest = known.length - apart.length;
  return `Through sockets, for they share no memory with the rank after them: ${told.join(', ')}. ${rest} of ${known.length} read memory.`;
}

function figures(metrics: Readonly<Record<string, number>>): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${formatFigure(value) ?? ''}`)
    .join('  ');
}
