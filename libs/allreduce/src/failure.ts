import type { ErrorBody, ErrorCode, ErrorDetail } from '@ringmaster/protocol';

/**
 * What becomes a RingmasterError on the main thread. The ring thread loads no more code than it needs: what it
 * receives makes V8 collect its heap once or twice a step, and the error registry with its schemas would double it.
 */
export class RingFailure<Code extends ErrorCode = ErrorCode> extends Error {
  readonly body: Pick<ErrorBody, 'code' | 'detail'>;

  constructor(code: Code, detail: ErrorDetail<Code>) {
    super(code);
    this.body = { code, detail };
  }
}
