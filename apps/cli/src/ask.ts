import type { Command } from 'commander';
import { Client } from './client.js';
import { locate, type ClusterOption } from './location.js';
import { note } from './output.js';
import { clusterOptions } from './verb.js';

/** Makes a verb one that asks something of a job, and tells what becomes of it. */
export function askAction(verb: Command, request: 'cancel' | 'pause' | 'resume'): Command {
  return clusterOptions(verb).action(async (id: string, where: ClusterOption) => {
    const job = await new Client(locate(where)).ask(id, request);
    const isUnderWay = request === 'pause' && job.state !== 'paused';
    note(isUnderWay ? `Job ${job.id} is being paused.` : `Job ${job.id} is ${job.state}.`);
  });
}
