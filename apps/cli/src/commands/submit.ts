import { dirname } from 'node:path';
import type { Command } from 'commander';
import { awaitJob, requireSuccess } from '../await-job.js';
import { gather } from '../arguments.js';
import { Client } from '../client.js';
import { tryOut } from '../dry-run.js';
import { interruption } from '../interruption.js';
import { loadJobFile } from '../job-file.js';
import { locate } from '../location.js';
import { describeBase, settleBase } from '../names.js';
import { note, print, printJson } from '../output.js';
import { clusterOptions, jsonOption, type JsonOption } from '../verb.js';

interface SubmitOptions extends JsonOption {
  readonly set?: readonly string[];
  readonly wait?: true;
  readonly dryRun?: true;
}

export function define(verb: Command): void {
  jsonOption(clusterOptions(verb))
    .option('--set <path=value>', 'override a key of the job file; may be repeated', gather)
    .option('--wait', 'wait until the job has ended, as the verb wait does')
    .option(
      '--dry-run',
      'check the job as submitting it would, print its whole specification as JSON, and submit nothing; with --json also the memory that it takes of each worker',
    )
    .addHelpText(
      'after',
      `
Paths in a job file are relative to it; the file - is the standard input. docs/reference/job-file.md lists every key.`,
    )
    .action(async (path: string, { set, wait, dryRun, json, ...where }: SubmitOptions) => {
      const client = new Client(locate(where));
      const read = loadJobFile(path, set);
      if (dryRun) {
        const judged = await tryOut(client, read, dirname(path), where.url === undefined);
        const { spec, check, memory } = judged;
        printJson(
          json ? { spec, after: check?.after ?? null, base: check?.base ?? null, memory } : spec,
        );
        return;
      }
      const spec = await settleBase(client, read, dirname(path));
      const submitted = await client.submit(spec);
      const { id, base } = submitted;
      if (!json) print(id);
      if (base !== null) note(`It starts from ${describeBase(base)}.`);
      const signal = interruption(`job ${id} goes on.`);
      const job = wait ? await awaitJob(client, id, null, signal) : submitted;
      if (json) printJson(job);
      if (wait) requireSuccess(job);
    });
}
