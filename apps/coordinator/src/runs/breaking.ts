import { backOffMs } from './deadlines.js';
import type { Generation } from './generation.js';
import type { Run, Trainer } from './run.js';
import type { Happening, Turn } from './turn.js';

/**
 * The run without its ring, which a new generation will replace. What was planned on top of it cannot come true any
 * more, since the promise that comes next ends that too.
 */
export function breakRing(run: Run, turn: Turn): Run {
  if (run.ring === null) return run;
  const breaks = run.breaks + 1;
  return {
    ...withoutRing(run, run.ring),
    breaks,
    formAfter: turn.now + backOffMs(breaks),
  };
}

/** The same where nothing has failed. */
export function withoutRing(run: Run, { generation, members }: Generation): Run {
  const ranks = members.map(({ trainer }) => trainer);
  return { ...run, ring: null, planned: [], previous: { generation, ranks }, saving: null };
}

/** The run without a trainer that is no more, or has no place in it any more. */
export function withoutTrainer(run: Run, id: string): Run {
  const { [id]: _, ...trainers } = run.observed.trainers;
  return {
    ...run,
    trainers: run.trainers.filter((trainer) => trainer.id !== id),
    observed: { ...run.observed, trainers },
  };
}

/** Ends a trainer that is not needed any more. */
export function end(run: Run, id: string, turn: Turn): Run {
  turn.commands.push({ type: 'end', trainer: id });
  return withoutTrainer(run, id);
}

/** Takes note of a failure that becomes an incident. */
export function happen(
  run: Run,
  trainer: Trainer,
  what: string,
  turn: Turn,
  more: Partial<Happening> = {},
): void {
  const { step } = run;
  const none = { lastLines: [], remarks: [], broke: null };
  turn.happenings.push({ trainer, run, step, what, ...none, ...more });
}

/** When a trainer was last heard of. */
export function lastHeard(run: Run, { id, since }: Trainer): number {
  return run.observed.trainers[id]?.heard ?? since;
}
