import { ringmasterHome } from '@ringmaster/base';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.js';
import { Client } from '../client.js';
import { endingWhatStarted } from '../cluster/launcher.js';
import { addWorker } from '../cluster/workers.js';
import { interruption } from '../interruption.js';
import { inHome } from '../location.js';
import { print } from '../output.js';
import { homeOption, type HomeOption } from '../verb.js';

interface WorkerOptions extends HomeOption {
  readonly threads: number;
}

export function define(verb: Command): void {
  homeOption(verb)
    .option('--threads <k>', 'TensorFlow threads that it offers', wholeNumber(1, 256), 1)
    .addHelpText('after', '\nPrints the id of the worker, which runs in the background.')
    .action(worker);
}

async function worker({ home: directory, threads }: WorkerOptions): Promise<void> {
  const home = ringmasterHome(directory);
  const client = new Client(inHome(home));
  const signal = interruption('the worker has been ended.');
  await endingWhatStarted(home, async (started) => {
    print(await addWorker({ home, client, threads, signal, started }));
  });
}
