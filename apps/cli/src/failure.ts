import { errors, isErrorCode, RingmasterError, type ErrorBody } from '@ringmaster/protocol';

/** An error that another process told: its code may be one that this version does not know. */
export class RemoteFailure extends Error {
  override readonly name = 'RemoteFailure';
  readonly code: string;
  readonly remedy: string;
  readonly exit: number;

  constructor({ code, message, remedy }: Pick<ErrorBody, 'message' | 'remedy'> & { code: string }) {
    super(message);
    this.code = code;
    this.remedy = remedy;
    this.exit = isErrorCode(code) ? errors[code].exit : 1;
  }
}

/** Tells an error on stderr, as `ringmaster: CODE: message` and a line with the remedy, and returns the exit code. */
export function reportFailure(error: unknown): number {
  const known =
    error instanceof RingmasterError || error instanceof RemoteFailure
      ? (error as RingmasterError | RemoteFailure)
      : new RingmasterError('INTERNAL', { reason: reasonOf(error) });
  process.stderr.write(`ringmaster: ${known.code}: ${known.message}\n  ${known.remedy}\n`);
  if (known.code === 'INTERNAL' && error instanceof Error && process.env['DEBUG'] !== undefined) {
    process.stderr.write(`${error.stack ?? ''}\n`);
  }
  return known.exit;
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
