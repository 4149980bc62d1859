import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.js';
import { Client } from '../client.js';
import { describeJob } from '../describe-job.js';
import { describeLedger } from '../describe-ledger.js';
import { describeProfile } from '../describe-profile.js';
import { locate } from '../location.js';
import { print, printJson } from '../output.js';
import { traceOf } from '../trace.js';
import { clusterOptions, jsonOption, type JsonOption } from '../verb.js';

interface JobOptions extends JsonOption {
  readonly ledger?: number;
  readonly profile?: true;
  readonly trace?: string;
}

const MOST_STEPS = 999_999_999;

export function define(verb: Command): void {
  jsonOption(clusterOptions(verb))
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
