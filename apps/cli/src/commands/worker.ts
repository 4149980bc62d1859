import { ringmasterHome } from '@ringmaster/base';
import type { Command } from 'commander';
import { Client } from '../client.js';
import { checkCards } from '../cluster/cards.js';
import { exclusively } from '../cluster/exclusively.js';
import { endingWhatStarted } from '../cluster/launcher.js';
import { addWorker, LOCAL_ORPHAN_TIMEOUT } from '../cluster/workers.js';
import { interruption } from '../interruption.js';
import { inHome } from '../location.js';
import { print } from '../output.js';
import { homeOption, type HomeOption } from '../verb.js';
import { workerOptions, type WorkerOptions } from '../worker-options.js';

export function define(verb: Command): void {
  workerOptions(homeOption(verb), LOCAL_ORPHAN_TIMEOUT)
    .addHelpText('after', '\nPrints the id of the worker, which runs in the background.')
    .action(worker);
}

async function worker({ home: directory, ...options }: HomeOption & WorkerOptions): Promise<void> {
  const home = ringmasterHome(directory);
  await checkCards(options, 1);
  const client = new Client(inHome(home));
  const signal = interruption('the worker has been ended.');
  await client.workers(); // Without a coordinator there is perhaps not even a home.
  await exclusively(home, signal, () =>
    endingWhatStarted(home, async (started) => {
      print(await addWorker({ ...options, home, client, signal, started }));
    }),
  );
}
