import { RingmasterError, type JoinRequest } from '@ringmaster/protocol';

/** Clocks that are farther apart would have logs and traces of several machines tell another story than what happened. */
const MOST_SECONDS_APART = 30;

/** What a machine that wants to join is compared with. */
export interface Company {
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Kinds of processor of the workers that are here. */
  readonly processors: readonly string[];
}

/** Why a machine cannot compute beside the others; null if it can. */
export function unfitness(
  { version, host, processor, time }: JoinRequest,
  company: Company,
): RingmasterError | null {
  if (version !== company.version) {
    const detail = { worker: version, coordinator: company.version };
    return new RingmasterError('VERSION_MISMATCH', detail);
  }
  const seconds = Math.round((time - company.nowMs) / 1000);
  if (Math.abs(seconds) > MOST_SECONDS_APART)
    return new RingmasterError('CLOCK_DIFFERS', { host, seconds });
  const [expected] = company.processors;
  if (expected === undefined || company.processors.includes(processor)) return null;
  return new RingmasterError('PROCESSOR_DIFFERS', { host, found: processor, expected });
}
