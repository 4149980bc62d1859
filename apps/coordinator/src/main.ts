import { RingmasterError } from '@ringmaster/protocol';
import { startCoordinator } from './coordinator.js';
import { parseOptions } from './options.js';

/*
 * node main.js [--home DIR] [--host ADDRESS] [--allowed-host NAME]… [--data-root DIR]…
 * [--port P] [--control-port P] [--lease MS] [--secure]
 */

/** Tells in one line what went wrong and what to do, and ends with the exit code that belongs to it. */
function die(error: unknown): never {
  const known =
    error instanceof RingmasterError
      ? (error as RingmasterError)
      : new RingmasterError('INTERNAL', {
          reason: error instanceof Error ? error.message : String(error),
        });
  process.stderr.write(`${known.code}: ${known.message}. ${known.remedy}\n`);
  process.exit(known.exit);
}

process.on('uncaughtException', die);
process.on('unhandledRejection', die);

const asked = new Promise<void>((resolve) => {
  process.on('SIGTERM', () => {
    resolve();
  });
  process.on('SIGINT', () => {
    resolve();
  });
  startCoordinator(parseOptions(process.argv.slice(2)), die, resolve)
    .then(async (coordinator) => {
      await asked;
      await coordinator.shutDown();
      process.exit(0);
    })
    .catch(die);
});
