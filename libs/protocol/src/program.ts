import { RingmasterError } from './errors/registry.js';
import { isDiskFull, systemCode } from './file-errors.js';

/** An error as a user is told it: what happened, what to do next, and the exit code of the program. */
export interface ToldError {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly exit: number;
}

/**
 * What a user is told of whatever was thrown. Errors that tell themselves are known by their form and not by their class:
 * a program that is bundled and the libraries beside it have a copy of the class each.
 */
export function toldError(error: unknown): ToldError {
  if (isTold(error)) return error;
  if (isDiskFull(error)) return new RingmasterError('DISK_FULL', { path: pathOf(error) });
  const reason = error instanceof Error ? error.message : String(error);
  return new RingmasterError('INTERNAL', { reason });
}

function isTold(error: unknown): error is Error & ToldError {
  if (!(error instanceof Error)) return false;
  const { code, remedy, exit } = error as Partial<ToldError>;
  return typeof code === 'string' && typeof remedy === 'string' && typeof exit === 'number';
}

function pathOf(error: unknown): string {
  return error instanceof Error && 'path' in error ? String(error.path) : 'a file';
}

/**
 * Runs a program of the command line to its end. Whatever it throws, wherever, becomes one error on stderr and the exit
 * code of that error, and never a stack trace (unless DEBUG is set and it is a defect). A reader of its output that has
 * seen enough, such as head, ends it quietly; so does a terminal that is gone.
 * @param spell How a text is written for the user, such as with the name by which this program was called.
 */
export async function runProgram(
  main: () => Promise<void>,
  spell: (text: string) => string = (text) => text,
): Promise<void> {
  const report = (error: unknown): number => {
    const { code, message, remedy, exit } = toldError(error);
    process.stderr.write(spell(`ringmaster: ${code}: ${message}\n  ${remedy}\n`));
    if (code === 'INTERNAL' && error instanceof Error && process.env['DEBUG'] !== undefined)
      process.stderr.write(`${error.stack ?? ''}\n`);
    return exit;
  };
  process.stdout.on('error', (error: Error) => {
    if (systemCode(error) === 'EPIPE') process.exit();
    process.exit(report(isDiskFull(error) ? outputFull(error) : error));
  });
  // Nobody is left to be told.
  process.stderr.on('error', () => undefined);
  process.on('uncaughtException', (error) => {
    process.exit(report(error));
  });
  try {
    await main();
  } catch (error) {
    process.exitCode = report(error);
  }
}

function outputFull(cause: Error): RingmasterError {
  return new RingmasterError('DISK_FULL', { path: 'standard output' }, { cause });
}
