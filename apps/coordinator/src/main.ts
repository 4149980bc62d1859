import { notifyServiceManager, onEndingSignals } from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';
import { startCoordinator } from './coordinator.js';
import { SAVE_MS } from './jobs/farewell.js';
import { parseOptions } from './options.js';

/*
 * node main.js [--home DIR] [--host ADDRESS] [--allowed-host NAME]… [--data-root DIR]…
 * [--port P] [--control-port P] [--lease MS] [--prepare-on both|coordinator|workers] [--secure]
 */

/** Tells in one line what went wrong and what to do, and ends with the exit code that belongs to it. */
function die(error: unknown): never {
  const known = RingmasterError.is(error)
    ? error
    : new RingmasterError('INTERNAL', {
        reason: error instanceof Error ? error.message : String(error),
      });
  process.stderr.write(`${known.code}: ${known.message}. ${known.remedy}\n`);
  process.exit(known.exit);
}

process.on('uncaughtException', die);
process.on('unhandledRejection', die);

const starting = Promise.resolve().then(() =>
  startCoordinator(parseOptions(process.argv.slice(2)), die, goDown),
);
starting
  .then(() => {
    notifyServiceManager('ready');
  })
  .catch(die);

function goDown(saveMs: number): void {
  notifyServiceManager('stopping');
  starting
    .then((coordinator) => coordinator.shutDown(saveMs))
    .then(() => process.exit(0))
    .catch(die);
}

// Asked once, it has jobs save their state; asked again, it waits for none.
onEndingSignals(
  () => {
    goDown(SAVE_MS);
  },
  () => {
    goDown(0);
  },
);
