import type { Context } from '../commands.js';
import { backOffMs } from '../deadlines.js';
import type { Generation } from '../generation.js';
import type { Run, Trainer } from '../run.js';

/**
 * The run without its ring, which a new generation will replace. What was planned on top of it cannot come true any
 * more, since the promise that comes next ends that too.
 */
export function breakRing(run: Run, context: Context): Run {
  if (run.ring === null) return run;
  const breaks = run.breaks + 1;
  return {
    ...withoutRing(run, run.ring),
    breaks,
    formAfter: context.now + backOffMs(breaks),
  };
}

/** The run without its ring, where nothing has failed. */
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
export function end(run: Run, id: string, context: Context): Run {
  context.commands.push({ type: 'end', trainer: id });
  return withoutTrainer(run, id);
}

/** When a trainer was last heard of. */
export function lastHeard(run: Run, { id, since }: Trainer): number {
  return run.observed.trainers[id]?.heard ?? since;
}
