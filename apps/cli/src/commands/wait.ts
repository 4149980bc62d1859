import type { Command } from 'commander';
import { duration } from '../arguments.js';
import { awaitJob, requireSuccess } from '../await-job.js';
import { Client } from '../client.js';
import { interruption } from '../interruption.js';
import { locate } from '../location.js';
import { print, printJson } from '../output.js';
import { clusterOptions, jsonOption, type JsonOption } from '../verb.js';

interface WaitOptions extends JsonOption {
  readonly timeout?: number;
}

export function define(verb: Command): void {
  jsonOption(clusterOptions(verb))
    .option('--timeout <time>', 'give up after this long, such as 30s or 10m', duration)
    .addHelpText(
      'after',
      `
Progress is on stderr. Ctrl-C ends the waiting and not the job.
Exit codes: 0 succeeded, 1 failed, 4 no such job, 5 cancelled, 124 timed out, 130 interrupted.`,
    )
    .action(async (id: string, { json, timeout, ...where }: WaitOptions) => {
      const client = new Client(locate(where));
      const signal = interruption(`job ${id} goes on.`);
      const job = await awaitJob(client, id, timeout ?? null, signal);
      if (json) printJson(job);
      else print(job.state);
      requireSuccess(job);
    });
}
