import { errors, isErrorCode, type ErrorBody } from '@ringmaster/protocol';

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

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
