import type { TrainerMessage } from '@ringmaster/protocol';
import { recordFailure, type Context } from './commands.js';
import { isEnd } from './generation.js';
import { hasPromised } from './ring/fence.js';
import { onSaveFailed } from './ring/parking.js';
import { isNewer } from './ring/source.js';
import type { Checkpoint, Run, Trainer } from './run.js';

type Message<Type extends TrainerMessage['type']> = Extract<TrainerMessage, { type: Type }>;

/** A trainer has made a state durable: of its own, as a ring retires, or since it was asked to. */
export function onCheckpointed(
  run: Run,
  trainer: Trainer,
  { generation, position, manifest, seconds }: Message<'checkpointed'>,
  context: Context,
): Run {
  if (isFenced(run, trainer, generation)) return run;
  return withCheckpoint(
    { ...run, checkpointsFail: false },
    { position, manifest },
    seconds,
    context,
  );
}

/** Keeps a checkpoint if it is the newest, and drops the oldest beyond what is kept. */
export function withCheckpoint(
  run: Run,
  checkpoint: Checkpoint,
  seconds: number | null,
  context: Context,
): Run {
  const newest = run.checkpoints.at(-1);
  if (run.distrust || (newest !== undefined && !isNewer(checkpoint.position, newest.position)))
    return run;
  // One of the same step takes its place in the store.
  const others = run.checkpoints.filter(
    ({ position }) => position.step !== checkpoint.position.step,
  );
  for (const old of run.checkpoints) {
    if (!others.includes(old)) context.commands.push({ type: 'drop-checkpoint', checkpoint: old });
  }
  context.commands.push({ type: 'keep-checkpoint', checkpoint, seconds });
  return withNewest({ ...run, checkpoints: [...others, checkpoint] }, run.limits.keep, context);
}

/** Drops all checkpoints but so many of the newest. */
export function withNewest(run: Run, count: number, context: Context): Run {
  const dropped = Math.max(0, run.checkpoints.length - count);
  for (const checkpoint of run.checkpoints.slice(0, dropped))
    context.commands.push({ type: 'drop-checkpoint', checkpoint });
  return { ...run, checkpoints: run.checkpoints.slice(dropped) };
}

/**
 * Training goes on without one checkpoint; several in a row are one incident. What is older than a checkpoint that was
 * made is told again, by a worker that does not know that it was heard.
 */
export function onCheckpointFailed(
  run: Run,
  trainer: Trainer,
  { generation, step, error }: Message<'checkpoint-failed'>,
  context: Context,
): Run {
  if (isFenced(run, trainer, generation)) return run;
  if (run.saving?.trainer === trainer.id || isEnd(run.ring))
    return onSaveFailed(run, error.message, context);
  if (step <= (run.checkpoints.at(-1)?.position.step ?? -1)) return run;
  if (!run.checkpointsFail)
    recordFailure(run, trainer, `could not write a checkpoint: ${error.message}`, context, {
      step,
    });
  return { ...run, checkpointsFail: true };
}

/** Forgets the newest checkpoint, which turned out to be damaged. */
export function withoutDamaged(run: Run, context: Context): Run {
  const newest = run.checkpoints.at(-1);
  if (newest === undefined) return run;
  context.commands.push({ type: 'drop-checkpoint', checkpoint: newest });
  return { ...run, checkpoints: run.checkpoints.slice(0, -1) };
}

/** Whether a trainer speaks of a generation that it has promised to have left. */
function isFenced(run: Run, trainer: Trainer, generation: number): boolean {
  if (run.saving?.trainer === trainer.id) return false;
  return hasPromised(run, trainer.id) && generation !== run.ring?.generation;
}
