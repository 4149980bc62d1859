import type { Command } from 'commander';
import { stateInWords } from '@ringmaster/protocol';
import { Client } from './client.js';
import { locate } from './location.js';
import { note, printJson } from './output.js';
import { clusterOptions, jsonOption, type JsonOption } from './verb.js';

/** Makes a verb one that asks something of a job, and tells what becomes of it. */
export function askAction(verb: Command, request: 'cancel' | 'pause' | 'resume'): Command {
  return jsonOption(clusterOptions(verb)).action(
    async (reference: string, { json, ...where }: JsonOption) => {
      const job = await new Client(locate(where)).ask(reference, request);
      const isUnderWay = request === 'pause' && job.state !== 'paused';
      const what = isUnderWay ? 'is being paused' : stateInWords(job.state);
      if (json) printJson(job);
      else note(`Job ${job.id} ${what}.`);
    },
  );
}
