import { z } from 'zod';

/** Environment variable of a worker, which its trainers inherit: the directory in which faults are armed. */
export const FAULTS_VARIABLE = 'RINGMASTER_FAULTS';

/** Places in a trainer's life where it can be made to fail, in the order in which a run passes them. */
export const faultPoints = [
  'bound',
  'prepared',
  'link',
  'linked',
  'transfer',
  'offered',
  'compute',
  'bucket',
  'accumulated',
  'all-reduce',
  'all-reducing',
  'reduced',
  'applying',
  'applied',
  'evaluate',
  'evaluated',
  'checkpoint-begun',
  'checkpoint-blobs',
  'checkpoint-manifest',
  'model',
  'finished',
] as const;

export type FaultPoint = (typeof faultPoints)[number];

/**
 * - `kill`, `stop`: SIGKILL or SIGSTOP to itself.
 * - `exit`: an orderly end with code 1.
 * - `throw`: an error at that place.
 * - `delay`: the thread does nothing for a while.
 * - `pace`: it does so whenever it comes by, until the file is removed.
 * - `flip`: one bit of the memory at hand (state or gradients) changes.
 */
const actionSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('kill') }),
  z.object({ type: z.literal('stop') }),
  z.object({ type: z.literal('exit') }),
  z.object({ type: z.literal('throw') }),
  z.object({ type: z.literal('delay'), milliseconds: z.int().positive() }),
  z.object({ type: z.literal('pace'), milliseconds: z.int().positive() }),
  z.object({ type: z.literal('flip'), bit: z.int().min(0) }),
]);

/** A fault, armed as the file `POINT.json`. Whoever comes by first takes it, so it happens once, but for `pace`. */
export const faultSchema = z.object({
  action: actionSchema,
  /** Only from this step on. */
  fromStep: z.int().min(0).default(0),
  /** How often the place is passed unharmed before: the k-th microbatch, or chunk. */
  passes: z.int().min(0).default(0),
});

export type Fault = z.infer<typeof faultSchema>;
export type FaultAction = Fault['action'];
