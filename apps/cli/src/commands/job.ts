import { writeFile } from 'node:fs/promises';
import { fileReason, isDiskFull } from '@ringmaster/base';
import { RingmasterError, type JobView } from '@ringmaster/protocol';
import { Option, type Command } from 'commander';
import { wholeNumber } from '../arguments.js';
import { Client } from '../client.js';
import { describeJob } from '../describe-job.js';
import { describeLedger } from '../describe-ledger.js';
import { describeProfile } from '../describe-profile.js';
import { reasonOf } from '../failure.js';
import { locate } from '../location.js';
import { note, print, printJson } from '../output.js';
import { traceOf } from '../trace.js';
import { clusterOptions, jsonOption, subverb, type JsonOption } from '../verb.js';

interface JobOptions extends JsonOption {
  readonly spec?: true;
  readonly curve?: true;
  readonly ledger?: number;
  readonly profile?: true;
  readonly trace?: string;
}

const MOST_STEPS = 999_999_999;

export function define(verb: Command): void {
  const alone = ['spec', 'curve', 'ledger', 'profile', 'trace'];
  const instead = (flags: string, description: string) => {
    const option = new Option(flags, description);
    return option.conflicts(alone.filter((other) => other !== option.attributeName()));
  };
  jsonOption(clusterOptions(verb.enablePositionalOptions()))
    .addOption(instead('--spec', 'print its whole specification as JSON instead'))
    .addOption(instead('--curve', 'draw its loss by step instead'))
    .addOption(
      instead('--ledger <step>', 'show which samples this step consumes instead').argParser(
        wholeNumber(1, MOST_STEPS),
      ),
    )
    .option('--profile', 'show where the time of its newest steps went, by rank, instead')
    .option('--trace <file>', 'write that as a trace for Perfetto or chrome://tracing')
    .action(async (id: string, { json, ...options }: JobOptions) => {
      const client = new Client(locate(options));
      const { value, text } = await answer(client, id, options);
      if (json) printJson(value);
      else print(await text());
    });
  jsonOption(
    clusterOptions(
      subverb(
        verb,
        'remove <ids...>',
        'Remove ended jobs with their curves, logs and checkpoints; their models stay',
      ),
    ),
  ).action(async (references: readonly string[], { json, ...where }: JsonOption) => {
    const client = new Client(locate(where));
    const removed: JobView[] = [];
    for (const reference of references) {
      const view = await client.job(reference);
      await client.remove('jobs', view.id);
      removed.push(view);
      if (!json) note(`Job ${view.name} (${view.id}) is removed.`);
    }
    if (json) printJson(removed);
  });
}

interface Answer {
  readonly value: unknown;
  /** The value as text, for people. */
  readonly text: () => string | Promise<string>;
}

async function answer(client: Client, id: string, options: JobOptions): Promise<Answer> {
  const { spec, curve, ledger, profile, trace } = options;
  if (spec) {
    const value = await client.spec(id);
    return { value, text: () => JSON.stringify(value, null, 2) };
  }
  if (curve) {
    const value = await client.steps(id);
    const { drawCurve } = await import('../curve.js');
    return { value, text: () => drawCurve(value) };
  }
  if (ledger !== undefined) {
    const value = await client.ledger(id, ledger);
    return { value, text: () => describeLedger(value) };
  }
  if (profile || trace !== undefined) {
    const value = await client.profile(id);
    if (trace !== undefined) await writeTrace(trace, JSON.stringify(traceOf(value)));
    return { value, text: () => describeProfile(value) };
  }
  const value = await client.job(id);
  return { value, text: async () => describeJob(value, await client.incidents(value.id)) };
}

/** @throws FILE_NOT_WRITABLE, DISK_FULL */
async function writeTrace(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (cause) {
    if (isDiskFull(cause)) throw new RingmasterError('DISK_FULL', { path }, { cause });
    const reason = fileReason(cause) ?? reasonOf(cause);
    throw new RingmasterError('FILE_NOT_WRITABLE', { path, reason }, { cause });
  }
}
