import type { Context } from '../commands.js';
import { FIRST_RING_MS } from '../deadlines.js';
import { breakRing, withoutRing } from '../faults/breaking.js';
import { quarantine, withoutMajority } from '../faults/divergence.js';
import { resolveTrouble } from '../faults/trouble.js';
import { preparedBy, type Generation, type Prepared } from '../generation.js';
import type { Run, Trainer } from '../run.js';
import { isParking, park } from './parking.js';
import { chooseSource } from './source.js';
import { issue, start } from './start.js';

/**
 * Forms a ring where there is none: issues a generation of everyone who is ready, and starts it once all have promised.
 * What that brings to light (who is at fault, whose state differs) may break it at once; then the next is formed.
 */
export function form(run: Run, context: Context): Run {
  const issued = issueIfDue(run, context);
  const { ring } = issued;
  if (ring?.told !== null) return issued;
  const prepared = preparedBy(ring);
  if (prepared === null) return issued;
  const settled = resolveTrouble(issued, ring, context);
  if (settled.state === 'failed') return settled;
  if (settled.ring === null) return form(settled, context);
  if (isParking(settled)) return park(settled, ring, prepared, context);
  const begun = begin(settled, ring, prepared, context);
  return begun.ring === null && begun.state !== 'failed' ? form(begun, context) : begun;
}

function issueIfDue(run: Run, context: Context): Run {
  const ready = run.trainers.filter((trainer) => trainer.ready);
  const seated = ready.some((trainer) => trainer.seated);
  const enough = ready.length >= run.limits.min;
  const { ring } = run;
  if (ring !== null) {
    const waits = ring.told === null && ring.members.length < run.limits.min;
    const more = enough && run.leave === null;
    return waits && more ? issueAfterFailure(withoutRing(run, ring), ready, context) : run;
  }
  if (context.now < run.formAfter || ready.length === 0) return run;
  // Survivors too few for a ring promise all the same: they hold the state until others come.
  if (seated) return issueAfterFailure(run, ready, context);
  if (!enough || run.leave !== null) return { ...run, enoughSince: null };
  const since = run.enoughSince ?? context.now;
  const all = ready.length === run.trainers.length;
  if (!all && context.now - since < FIRST_RING_MS) return { ...run, enoughSince: since };
  return issueAfterFailure({ ...run, enoughSince: null }, ready, context);
}

function issueAfterFailure(run: Run, trainers: readonly Trainer[], context: Context): Run {
  const ids = trainers.map(({ id }) => id);
  const issued = issue(run, null, ids, [], context);
  return { ...issued.run, ring: issued.generation };
}

function begin(run: Run, ring: Generation, prepared: readonly Prepared[], context: Context): Run {
  const source = chooseSource(prepared, run.checkpoints, run.distrust);
  if (source.type === 'diverged') {
    const { step } = source.position;
    return source.minority === null
      ? withoutMajority(run, ring, step, context)
      : breakRing(quarantine(run, ring, source.minority, step, context), context);
  }
  const { begin: beginning } = source;
  const started = start(run, ring, beginning, context);
  const step = 'position' in beginning ? beginning.position.step : 0;
  return {
    ...started.run,
    step,
    began: step,
    ring: started.generation,
    observed: { ...run.observed, heard: context.now },
  };
}
