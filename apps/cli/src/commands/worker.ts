import { ringmasterHome } from '@ringmaster/base';
import type { Command } from 'commander';
import { byteSize, CACHE_LIMIT, wholeNumber } from '../arguments.js';
import { Client } from '../client.js';
import { exclusively } from '../cluster/exclusively.js';
import { endingWhatStarted } from '../cluster/launcher.js';
import { addWorker } from '../cluster/workers.js';
import { interruption } from '../interruption.js';
import { inHome } from '../location.js';
import { print } from '../output.js';
import { ringOptions, type RingOptions } from '../ring-options.js';
import { homeOption, type HomeOption } from '../verb.js';

interface WorkerOptions extends HomeOption, RingOptions {
  readonly threads: number;
  readonly cacheLimit?: string;
}

export function define(verb: Command): void {
  ringOptions(homeOption(verb))
    .option('--threads <k>', 'TensorFlow threads that it offers', wholeNumber(1, 256), 1)
    .option('--cache-limit <size>', CACHE_LIMIT, byteSize)
    .addHelpText('after', '\nPrints the id of the worker, which runs in the background.')
    .action(worker);
}

async function worker({ home: directory, ...options }: WorkerOptions): Promise<void> {
  const home = ringmasterHome(directory);
  const client = new Client(inHome(home));
  const signal = interruption('the worker has been ended.');
  await client.workers(); // Without a coordinator there is perhaps not even a home.
  await exclusively(home, signal, () =>
    endingWhatStarted(home, async (started) => {
      print(await addWorker({ ...options, home, client, signal, started }));
    }),
  );
}
