// ringmaster VERB … (see `ringmaster --help`)
import { CommanderError } from 'commander';
import { commandLine } from './command-line.js';
import { reportFailure } from './failure.js';

// A reader that has seen enough, such as head, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await commandLine().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else process.exitCode = reportFailure(error);
}
// An interrupted verb may have left a request behind that would keep the process.
if (process.exitCode === 130 || process.exitCode === 124) process.exit();
