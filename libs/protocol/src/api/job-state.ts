/**
 * - `queued`: accepted; waits for the jobs it comes after, or for slots.
 * - `preparing`: its data is being cleaned, tokenised and sharded.
 * - `starting`: trainers are loading, or a ring is being formed.
 * - `running`: steps are being made.
 * - `paused`: a user paused it; its state is in a checkpoint and its slots are free.
 * - `succeeded`: its model is durable.
 * - `failed`: it cannot go on; `error` says why.
 * - `cancelled`: a user ended it.
 */
export const jobStates = [
  'queued',
  'preparing',
  'starting',
  'running',
  'paused',
  'succeeded',
  'failed',
  'cancelled',
] as const;
export type JobState = (typeof jobStates)[number];

/** Whether a job in this state will never change again. */
export function isFinal(state: JobState): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled';
}

const inWords: Readonly<Record<JobState, string>> = {
  queued: 'is queued',
  preparing: 'is being prepared',
  starting: 'is starting',
  running: 'is running',
  paused: 'is paused',
  succeeded: 'has succeeded',
  failed: 'has failed',
  cancelled: 'was cancelled',
};

/** A state as the verb of a sentence whose subject is the job: `has succeeded`. */
export function stateInWords(state: JobState): string {
  return inWords[state];
}
