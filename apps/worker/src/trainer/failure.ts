import {
  RingmasterError,
  type ErrorBody,
  type ErrorCode,
  type TrainerMessage,
} from '@ringmaster/protocol';
import { z } from 'zod';

/** What errors of the ring tell of their neighbour. */
const peerSchema = z.looseObject({ peer: z.int().min(0) });

/** Errors that are functions of the specification and the data: anybody's next attempt would end the same way. */
const fatalCodes: ReadonlySet<string> = new Set<ErrorCode>([
  'DATA_LABELS_MISSING',
  'DATA_SPLIT_EMPTY',
  'JOB_FILE_INVALID',
  'MODEL_CONFIG_INVALID',
  'MODEL_CONFIG_UNSUPPORTED',
  'MODEL_TENSOR_SHAPE',
  'MODEL_TOO_LARGE',
  'MODEL_UNUSABLE',
  'TRAINING_NON_FINITE',
]);

/** What a trainer says when it cannot go on in a generation; 0 before the first. */
export function failure(
  generation: number,
  step: number,
  error: unknown,
): Extract<TrainerMessage, { type: 'failed' }> {
  const body = errorBody(error);
  const peer = peerIn(error);
  return {
    ...{ type: 'failed', generation, step, fatal: fatalCodes.has(body.code) },
    blames: peer === null ? [] : [peer],
    error: body,
  };
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
