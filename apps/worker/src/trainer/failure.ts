import {
  faultOf,
  RingmasterError,
  type ErrorBody,
  type ErrorCode,
  type TrainerMessage,
} from '@ringmaster/protocol';
import { z } from 'zod';

const rank = z.int().min(0);

/** What errors of the ring tell of their neighbour. */
const peerSchema = z.looseObject({ peer: rank });

/** What errors of an audit tell of the ranks that a majority holds to be wrong. */
const auditCodes: ReadonlySet<string> = new Set<ErrorCode>(['STATE_DIVERGED', 'AUDIT_MISMATCH']);
const ranksSchema = z.looseObject({ ranks: z.array(rank) });

/** What a trainer says when it cannot go on in a generation; 0 before the first. */
export function failure(
  generation: number,
  step: number,
  error: unknown,
): Extract<TrainerMessage, { type: 'failed' }> {
  const body = errorBody(error);
  return {
    type: 'failed',
    generation,
    step,
    fatal: faultOf(body.code) === 'job',
    blames: blamed(error),
    error: body,
  };
}

function blamed(error: unknown): number[] {
  if (RingmasterError.is(error) && auditCodes.has(error.code))
    return ranksSchema.parse(error.detail).ranks;
  const peer = peerIn(error);
  return peer === null ? [] : [peer];
}

/** The rank that an error of the ring holds to be at fault, or null. */
export function peerIn(error: unknown): number | null {
  if (!(error instanceof RingmasterError)) return null;
  const { data } = peerSchema.safeParse(error.detail);
  return data?.peer ?? null;
}

/** The form in which any failure crosses to the coordinator. */
export function errorBody(error: unknown): ErrorBody {
  if (error instanceof RingmasterError) return error.toBody();
  const reason = error instanceof Error ? error.message : String(error);
  return new RingmasterError('INTERNAL', { reason }).toBody();
}
