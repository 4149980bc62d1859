import { RingmasterError } from '@ringmaster/protocol/errors';
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
  if (systemCode(error)?.startsWith('ERR_PARSE_ARGS_') === true)
    return new RingmasterError('USAGE', { reason: reasonOf(error) });
  if (isDiskFull(error)) return new RingmasterError('DISK_FULL', { path: pathOf(error) });
  return new RingmasterError('INTERNAL', { reason: reasonOf(error) });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isTold(error: unknown): error is Error & ToldError {
  if (!(error instanceof Error)) return false;
  const { code, remedy, exit } = error as Partial<ToldError>;
  return typeof code === 'string' && typeof remedy === 'string' && typeof exit === 'number';
}

function pathOf(error: unknown): string {
  return error instanceof Error && 'path' in error ? String(error.path) : 'a file';
}

/** Writes a text for the user as it is to be read, such as with the name by which the program was called. */
export type Spell = (text: string) => string;

/**
 * Makes one error on stderr and its exit code of whatever a program throws, wherever, and never a stack trace (unless
 * DEBUG is set and it is a defect). A reader of its output that has seen enough, such as head, ends it quietly; so does a
 * terminal that is gone.
 * @returns what tells an error, and returns its exit code
 */
export function guardProgram(spell: Spell = (text) => text): (error: unknown) => number {
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
  return report;
}

/** Runs a program of the command line to its end, guarded so. */
export async function runProgram(main: () => Promise<void>, spell?: Spell): Promise<void> {
  const report = guardProgram(spell);
  try {
    await main();
  } catch (error) {
    process.exitCode = report(error);
  }
}

function outputFull(cause: Error): RingmasterError {
  return new RingmasterError('DISK_FULL', { path: 'standard output' }, { cause });
}
