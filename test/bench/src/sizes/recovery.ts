import { detection } from '@ringmaster/protocol';
import { killTrainers } from '../recovery/failures.js';
import { ObservedRun } from '../recovery/run.js';
import type { Shape } from '../train/shapes.js';
import type { Side } from '../train/sides.js';

/** What the loss of one of two ranks costs. */
export interface Survived {
  /** From the kill, or from the start of what replaces the ranks, to the end of the first step thereafter. */
  readonly seconds: number;
  /** The same without that step. */
  readonly beyond: number;
}

/** Kills the trainer of one of two workers: the other goes on by itself until it is there again. */
export async function survive(shape: Shape, characters: number): Promise<Survived> {
  const { model, vocabulary, sequences } = shape;
  const { architecture: _, ...sizes } = model;
  const batch = { sequences, microbatches: 2 };
  const job = { model: sizes, vocabulary, batch, characters };
  const run = await ObservedRun.start(job, 2, detection.leaseMs);
  try {
    const [failure] = await killTrainers(run, 1);
    const recovery = failure?.recovery ?? null;
    if (failure === undefined || recovery === null)
      throw new Error('the job does not tell its recovery');
    const { detect, abort, form, transfer } = recovery;
    return { seconds: failure.seconds, beyond: detect + abort + form + transfer };
  } finally {
    await run.end();
  }
}

/**
 * What PyTorch's launcher does when a rank is lost, and so all are: another process takes the newest checkpoint. Steps
 * made since then, which are lost, are not counted.
 */
export async function resume(start: () => Promise<Side>): Promise<Survived> {
  const started = performance.now();
  const side = await start();
  try {
    await side.takeTurn({ steps: 1 });
    const seconds = (performance.now() - started) / 1000;
    const next = await side.takeTurn({ steps: 1 });
    return { seconds, beyond: seconds - next.seconds };
  } finally {
    await side.end();
  }
}
