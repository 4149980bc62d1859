import { accessErrors } from './access.js';
import { clusterErrors } from './cluster.js';
import { dataErrors } from './data.js';
import type { ErrorEntry, Fault } from './define.js';
import { jobErrors } from './job.js';
import { modelErrors } from './model.js';
import { ringErrors } from './ring.js';
import { servingErrors } from './serving.js';
import { taskErrors } from './task.js';
import { vectorErrors } from './vectors.js';

/** Every error that a user can meet, by code. The reference page of errors is generated from this table. */
export const errors = {
  ...jobErrors,
  ...clusterErrors,
  ...accessErrors,
  ...dataErrors,
  ...modelErrors,
  ...taskErrors,
  ...vectorErrors,
  ...servingErrors,
  ...ringErrors,
} as const;

export type ErrorCode = keyof typeof errors;

/** The detail that the message of an error code is made from. */
export type ErrorDetail<Code extends ErrorCode> = Parameters<(typeof errors)[Code]['message']>[0];

/** Whose fault an error with this code is; null where it may be that of the machine on which it was met. */
export function faultOf(code: string): Fault | null {
  if (!isErrorCode(code)) return null;
  const { fault }: { readonly fault?: Fault } = errors[code];
  return fault ?? null;
}

/** What crosses the API for an error. */
export interface ErrorBody {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
  readonly detail: unknown;
}

/** An error with a code, a one-line message and a remedy. Thrown for what a user or the environment can cause. */
export class RingmasterError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'RingmasterError';
  readonly code: Code;
  readonly detail: ErrorDetail<Code>;
  readonly status: number;
  readonly exit: number;
  readonly remedy: string;

  /** @param options `remedy` replaces the registered one, by one that knows more of the place. */
  constructor(
    code: Code,
    detail: ErrorDetail<Code>,
    options?: ErrorOptions & { readonly remedy?: string },
  ) {
    const definition = errors[code] as unknown as ErrorEntry<ErrorDetail<Code>>;
    super(definition.message(detail), options);
    this.code = code;
    this.detail = detail;
    this.status = definition.status;
    this.exit = definition.exit;
    this.remedy = options?.remedy ?? definition.remedy;
  }

  /** Whether an error has one of these codes; any code, where none are named. */
  static is<Code extends ErrorCode>(
    error: unknown,
    ...codes: readonly Code[]
  ): error is RingmasterError<Code> {
    if (!(error instanceof RingmasterError)) return false;
    const { code } = error as RingmasterError;
    return codes.length === 0 || codes.some((each) => each === code);
  }

  /** The error of a body that crossed a thread or a process, where its detail was what its code wants. */
  static fromBody({ code, detail }: Pick<ErrorBody, 'code' | 'detail'>): RingmasterError {
    return new RingmasterError(code, detail as ErrorDetail<ErrorCode>);
  }

  /** The form that the API answers with. */
  toBody(): ErrorBody {
    return { code: this.code, message: this.message, remedy: this.remedy, detail: this.detail };
  }
}

/** Whether `value` is a known error code, for bodies that arrive from another process. */
export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(errors, value);
}
