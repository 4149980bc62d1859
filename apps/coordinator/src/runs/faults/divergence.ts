import { recordFailure, type Context } from '../commands.js';
import type { Generation } from '../generation.js';
import { trainerOf, type Checkpoint, type Run } from '../run.js';
import { breakRing, end } from './breaking.js';
import { withExcluded, withStrike } from './exclusion.js';

/**
 * Quarantines the minority of a ring whose ranks hold different bytes: ends its trainers, and keeps the run away from
 * their workers.
 */
export function quarantine(
  run: Run,
  ring: Generation,
  ranks: readonly number[],
  step: number,
  context: Context,
): Run {
  let next: Run = { ...run, divergences: run.divergences + 1 };
  for (const rank of ranks) {
    const trainer = trainerOf(next, ring.members[rank]?.trainer ?? '');
    if (trainer === undefined) continue;
    const what = 'holds other bytes than the majority of its ring, and was quarantined,';
    recordFailure({ ...run, ring }, trainer, what, context, {
      step,
      broke: { heard: run.observed.heard, known: context.now },
      remarks: [
        'The same state on another worker has another hash: test the memory and the processor of this one.',
      ],
    });
    next = end(withExcluded(next, trainer.worker), trainer.id, context);
  }
  // Rank 0 writes the checkpoints: what it wrote since the newest audit may be of a wrong state.
  return ranks.includes(0) ? withBelievable(next, context) : next;
}

/**
 * Breaks a ring whose ranks hold different bytes without a majority: the run goes back to the newest checkpoint that an
 * audit has confirmed.
 */
export function withoutMajority(run: Run, ring: Generation, step: number, context: Context): Run {
  const believed = withBelievable(run, context);
  const { checkpoints } = believed;
  const trainer = trainerOf(run, ring.members[0]?.trainer ?? '');
  const newest = checkpoints.at(-1);
  const back = newest === undefined ? 'the beginning' : `step ${newest.position.step}`;
  if (trainer !== undefined) {
    recordFailure(
      { ...run, ring },
      trainer,
      'is in a ring whose ranks hold different bytes',
      context,
      {
        step,
        broke: { heard: run.observed.heard, known: context.now },
        remarks: [`No majority of ranks agrees: the run goes back to ${back}.`],
      },
    );
  }
  const divergences = run.divergences + 1;
  const broken = breakRing({ ...believed, divergences, trouble: null }, context);
  return withStrike({ ...broken, distrust: true }, step, 'its ranks hold different bytes');
}

/** The run without the checkpoints that no audit covers. */
function withBelievable(run: Run, context: Context): Run {
  const checkpoints = believable(run);
  for (const checkpoint of run.checkpoints) {
    if (!checkpoints.includes(checkpoint))
      context.commands.push({ type: 'drop-checkpoint', checkpoint });
  }
  return { ...run, checkpoints };
}

/**
 * Checkpoints of states that an audit has confirmed, which are believed after ranks came to differ. Where no audits are
 * made, nothing better than the newest is known.
 */
function believable({ checkpoints, audited, limits }: Run): Checkpoint[] {
  if (limits.auditEvery === 0) return [...checkpoints];
  return checkpoints.filter(({ position }) => position.step <= audited);
}
