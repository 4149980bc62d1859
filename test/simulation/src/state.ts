import type { Position } from '@ringmaster/protocol';

export const STEPS = 30;
const EVALUATE_EVERY = 8;
export const CHECKPOINT_EVERY = 7;

/**
 * A model state: how far it has come, and a number that everything went into which made it. A step adds what each
 * microbatch is worth in that state, as the real one adds int32 gradients.
 */
export interface State {
  readonly step: number;
  readonly evaluations: number;
  readonly value: number;
}

export const FIRST: State = { step: 0, evaluations: 0, value: 1 };

/** What microbatches are worth together; addition wraps and is associative. */
export function contribution({ value }: State, microbatches: readonly number[]): number {
  return microbatches.reduce((sum, microbatch) => (sum + mix(value, microbatch + 1)) | 0, 0);
}

/** The state after a step with that sum. */
export function stepped({ step, evaluations, value }: State, sum: number): State {
  return { step: step + 1, evaluations, value: mix(value, sum) };
}

export function evaluated({ step, evaluations, value }: State): State {
  return { step, evaluations: evaluations + 1, value: mix(value, -1) };
}

export function evaluationIsDue({ step, evaluations }: State): boolean {
  return evaluations < Math.floor(step / EVALUATE_EVERY);
}

/** Attempts that the step from this state takes. */
export function attemptsOf({ value, step }: State): number {
  return step === 0 || value % 5 === 0 ? 2 : 1;
}

export function positionOf({ step, evaluations, value }: State): Position {
  return { step, evaluations, stateHash: hashOf(value) };
}

export function hashOf(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0').repeat(8);
}

/** Negative where `a` has not come as far as `b`. */
export function compare(
  a: Pick<State, 'step' | 'evaluations'>,
  b: Pick<State, 'step' | 'evaluations'>,
): number {
  return a.step - b.step || a.evaluations - b.evaluations;
}

/** The state at the end of a run of so many microbatches a step that nothing disturbs. */
export function finalState(microbatches: number): State {
  const all = Array.from({ length: microbatches }, (_, microbatch) => microbatch);
  let state = FIRST;
  while (state.step < STEPS || evaluationIsDue(state)) {
    state = evaluationIsDue(state) ? evaluated(state) : stepped(state, contribution(state, all));
  }
  return state;
}

function mix(a: number, b: number): number {
  let hash = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b ^ 0x27d4eb2f, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
