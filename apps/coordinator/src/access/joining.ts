import { RingmasterError, type JoinRequest } from '@ringmaster/protocol';
import { z } from 'zod';

/** Clocks that are farther apart would have logs and traces of several machines tell another story than what happened. */
const MOST_SECONDS_APART = 30;

/** What a machine that wants to join is compared with. */
export interface Company {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Kinds of processor of the workers that are here. */
  readonly processors: readonly string[];
}

/** What every version of a message by which somebody joins has had, and will have. */
const greeting = z.looseObject({ version: z.string() });

/**
 * That something was said by another version, whose messages need not be those that are known here; null where it was not,
 * or does not say.
 */
export function versionMismatch(said: unknown, coordinator: string): RingmasterError | null {
  const worker = greeting.safeParse(said).data?.version;
  if (worker === undefined || worker === coordinator) return null;
  return new RingmasterError('VERSION_MISMATCH', { worker, coordinator });
}

/** Why a machine cannot compute beside the others; null if it can. */
export function unfitness(
  { host, processor, time }: JoinRequest,
  company: Company,
): RingmasterError | null {
  const seconds = Math.round((time - company.nowMs) / 1000);
  if (Math.abs(seconds) > MOST_SECONDS_APART)
    return new RingmasterError('CLOCK_DIFFERS', { host, seconds });
  const [expected] = company.processors;
  if (expected === undefined || company.processors.includes(processor)) return null;
  return new RingmasterError('PROCESSOR_DIFFERS', { host, found: processor, expected });
}
