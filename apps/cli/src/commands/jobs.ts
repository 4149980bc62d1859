import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { isFinal, type JobView } from '@ringmaster/protocol';
import { wholeNumber } from '../arguments.js';
import { Client } from '../client.js';
import { describeJob } from '../describe-job.js';
import { describeLedger } from '../describe-ledger.js';
import { describeProfile } from '../describe-profile.js';
import { locate, type ClusterOption } from '../location.js';
import {
  formatCount,
  formatFigure,
  formatSeconds,
  note,
  print,
  printJson,
  table,
} from '../output.js';
import { traceOf } from '../trace.js';
import { clusterVerb, readingVerb, type JsonOption } from '../verb.js';

interface JobOptions extends JsonOption {
  readonly ledger?: number;
  readonly profile?: true;
  readonly trace?: string;
}

const MOST_STEPS = 999_999_999;
const LISTED_JOBS = 200;
const MOST_JOBS = 100_000;

export function jobsCommand(program: Command): void {
  readingVerb(program, 'jobs', 'List the jobs, newest first')
    .option('--limit <count>', 'how many to list', wholeNumber(1, MOST_JOBS), LISTED_JOBS)
    .action(async ({ json, limit, ...where }: JsonOption & { readonly limit: number }) => {
      const jobs = await new Client(locate(where)).jobs(limit);
      if (json) printJson(jobs);
      else
        print(table('ID NAME KIND STATE STEP LOSS TOKENS/S ETA WORKERS'.split(' '), jobs.map(row)));
      if (jobs.length === limit) note(`These are the newest ${limit}; --limit lists more.`);
    });
}

export function jobCommand(program: Command): void {
  readingVerb(program, 'job <id>', 'Show one job; a name means the newest of that name')
    .option(
      '--ledger <step>',
      'show which samples this step consumes instead',
      wholeNumber(1, MOST_STEPS),
    )
    .option('--profile', 'show where the time of its newest steps went, by rank, instead')
    .option('--trace <file>', 'write that as a trace for Perfetto or chrome://tracing')
    .action(async (id: string, options: JobOptions) => {
      const { json, ledger, profile, trace, ...where } = options;
      const client = new Client(locate(where));
      if (ledger !== undefined) {
        const view = await client.ledger(id, ledger);
        if (json) printJson(view);
        else print(describeLedger(view));
        return;
      }
      if (profile || trace !== undefined) {
        const view = await client.profile(id);
        if (trace !== undefined) await writeFile(trace, JSON.stringify(traceOf(view)));
        if (json) printJson(view);
        else print(describeProfile(view));
        return;
      }
      const job = await client.job(id);
      if (json) printJson(job);
      else print(describeJob(job, await client.incidents(job.id)));
    });
}

export function cancelCommand(program: Command): void {
  asking(program, 'cancel', 'Cancel a job');
}

export function pauseCommand(program: Command): void {
  asking(program, 'pause', 'Pause a job: its state is saved and its slots are free').addHelpText(
    'after',
    '\nIt ends with the same bytes as if it had never been paused.',
  );
}

export function resumeCommand(program: Command): void {
  asking(program, 'resume', 'Have a paused job go on where it was');
}

function asking(program: Command, verb: 'cancel' | 'pause' | 'resume', summary: string): Command {
  return clusterVerb(program, `${verb} <id>`, summary).action(
    async (id: string, where: ClusterOption) => {
      const job = await new Client(locate(where)).ask(id, verb);
      const isUnderWay = verb === 'pause' && job.state !== 'paused';
      note(isUnderWay ? `Job ${job.id} is being paused.` : `Job ${job.id} is ${job.state}.`);
    },
  );
}

function row(job: JobView) {
  const { tokensPerSecond } = job.throughput;
  const running = !isFinal(job.state);
  return [
    ...[job.id, job.name, job.kind, job.state],
    job.steps === null ? String(job.step) : `${job.step}/${job.steps}`,
    formatFigure(job.loss),
    tokensPerSecond === null ? null : formatCount(tokensPerSecond),
    job.etaSeconds === null || job.state !== 'running' ? null : formatSeconds(job.etaSeconds),
    running ? job.workers.length : null,
  ];
}
