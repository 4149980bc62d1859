import { Option, type Command } from 'commander';
import { isFinal, jobStates, type JobState, type JobView } from '@ringmaster/protocol';
import { wholeNumber } from '../arguments.js';
import { Client } from '../client.js';
import { locate } from '../location.js';
import {
  formatAge,
  formatCount,
  formatFigure,
  formatSeconds,
  note,
  print,
  printJson,
  table,
} from '../output.js';
import { clusterOptions, jsonOption, type JsonOption } from '../verb.js';

const LISTED_JOBS = 200;
const MOST_JOBS = 100_000;

interface JobsOptions extends JsonOption {
  readonly limit: number;
  readonly state?: JobState;
  readonly kind?: string;
  readonly name?: string;
}

export function define(verb: Command): void {
  jsonOption(clusterOptions(verb))
    .addOption(new Option('--state <state>', 'only jobs in this state').choices(jobStates))
    .option('--kind <kind>', 'only jobs of this kind, such as pretrain')
    .option('--name <name>', 'only jobs of this name')
    .option('--limit <count>', 'how many to list', wholeNumber(1, MOST_JOBS), LISTED_JOBS)
    .action(async ({ json, limit, state, kind, name, ...where }: JobsOptions) => {
      const jobs = await new Client(locate(where)).jobs({ limit, state, kind, name });
      const heading = 'ID NAME KIND STATE STEP LOSS TOKENS/S ETA WORKERS AGE'.split(' ');
      if (json) printJson(jobs);
      else print(table(heading, jobs.map(row)));
      if (jobs.length === limit) note(`These are the newest ${limit}; --limit lists more.`);
    });
}

/** The state; of what is being prepared, with how much of the present phase is done. */
function stateOf({ state, preparation }: JobView): string {
  const bytes = preparation?.bytes ?? null;
  if (bytes === null || bytes.total === 0) return state;
  return `${state} (${preparation?.phase ?? ''} ${Math.floor((100 * bytes.done) / bytes.total)}%)`;
}

function row(job: JobView) {
  const { tokensPerSecond } = job.throughput;
  const running = !isFinal(job.state);
  return [
    job.id,
    job.name,
    job.kind,
    stateOf(job),
    job.steps === null ? String(job.step) : `${job.step}/${job.steps}`,
    formatFigure(job.loss),
    tokensPerSecond === null ? null : formatCount(tokensPerSecond),
    job.etaSeconds === null || job.state !== 'running' ? null : formatSeconds(job.etaSeconds),
    running ? job.workers.length : null,
    formatAge(job.createdAt, Date.now()),
  ];
}
