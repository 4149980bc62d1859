import type { Command } from 'commander';
import { isFinal, ringmasterHome, type IncidentView, type JobView } from '@ringmaster/protocol';
import { Client } from '../client.js';
import {
  formatCount,
  formatFigure,
  formatSeconds,
  note,
  pairs,
  print,
  printJson,
  table,
} from '../output.js';
import { readingVerb, verb, type HomeOption, type JsonOption } from '../verb.js';

export function jobsCommand(program: Command): void {
  readingVerb(program, 'jobs', 'List the jobs, newest first').action(
    async ({ home, json }: JsonOption) => {
      const jobs = await new Client(ringmasterHome(home)).jobs();
      if (json) printJson(jobs);
      else
        print(table('ID NAME KIND STATE STEP LOSS TOKENS/S ETA WORKERS'.split(' '), jobs.map(row)));
    },
  );
}

export function jobCommand(program: Command): void {
  readingVerb(program, 'job <id>', 'Show one job; a name means the newest of that name').action(
    async (id: string, { home, json }: JsonOption) => {
      const client = new Client(ringmasterHome(home));
      const job = await client.job(id);
      if (json) printJson(job);
      else print(describe(job, await client.incidents(job.id)));
    },
  );
}

export function cancelCommand(program: Command): void {
  verb(program, 'cancel <id>', 'Cancel a job').action(async (id: string, { home }: HomeOption) => {
    const job = await new Client(ringmasterHome(home)).cancel(id);
    note(`Job ${job.id} is ${job.state}.`);
  });
}

function row(job: JobView) {
  const { tokensPerSecond } = job.throughput;
  const running = !isFinal(job.state);
  return [
    ...[job.id, job.name, job.kind, job.state],
    job.steps === null ? String(job.step) : `${job.step}/${job.steps}`,
    formatFigure(job.loss),
    tokensPerSecond === null ? null : formatCount(tokensPerSecond),
    job.etaSeconds === null || !running ? null : formatSeconds(job.etaSeconds),
    running ? job.workers.length : null,
  ];
}

function describe(job: JobView, incidents: readonly IncidentView[]): string {
  const { tokensPerSecond } = job.throughput;
  const { evaluation, result, error } = job;
  const figures = (metrics: Readonly<Record<string, number>>) =>
    Object.entries(metrics)
      .map(([name, value]) => `${name} ${formatFigure(value) ?? ''}`)
      .join('  ');
  const text = pairs([
    ['id', job.id],
    ['name', job.name],
    ['kind', job.kind],
    ['state', job.state],
    ['progress', job.progress],
    ['step', job.steps === null ? String(job.step) : `${job.step} of ${job.steps}`],
    ['loss', formatFigure(job.loss)],
    [
      'validation',
      evaluation === null
        ? null
        : `loss ${formatFigure(evaluation.loss) ?? ''}  ${figures(evaluation.metrics)}  at step ${evaluation.step}`,
    ],
    ['tokens/s', tokensPerSecond === null ? null : formatCount(tokensPerSecond)],
    ['ETA', job.etaSeconds === null || isFinal(job.state) ? null : formatSeconds(job.etaSeconds)],
    ['workers', job.workers.join(', ')],
    ['generation', job.generation],
    ['priority', job.priority],
    ['after', job.after.join(', ')],
    ['created', job.createdAt],
    ['started', job.startedAt],
    ['ended', job.endedAt],
    ['state hash', result?.stateHash ?? null],
    ['model', result?.model ?? null],
    ['metrics', result === null ? null : figures(result.metrics)],
    ['error', error === null ? null : `${error.code}: ${error.message}`],
    ['remedy', error?.remedy ?? null],
  ]);
  const told = incidents.map(({ at, what }) => `${at}  ${what}`);
  return told.length === 0 ? text : `${text}\n\nincidents\n${told.join('\n')}`;
}
