import { RingmasterError, type StepReport } from '@ringmaster/protocol';
import { accumulate } from './accumulate.js';
import type { Run } from './run.js';
import type { Session } from './session.js';
import { Stopwatch } from './stopwatch.js';
import { judge } from './verdict.js';

/** Steps in a row without an update, for a value that is not finite, after which the job fails. */
const NON_FINITE_LIMIT = 3;

/**
 * One optimizer step.
 *
 * Every microbatch of the step is computed by exactly one rank; its gradient, a sum over its units, is quantised with
 * one power of two a tensor and added into the int32 arena. The ring sums the arenas and, in the same message, the
 * lanes in which each microbatch reports itself. From the lanes all ranks conclude the same: repeat with other
 * exponents, leave the weights alone, or turn the sum into floats once and update.
 */
export async function trainStep(run: Run, session: Session): Promise<StepReport> {
  const { step } = run;
  const watch = new Stopwatch();
  let exponents = run.exponents();
  let ringBytes = 0;
  for (let attempt = 1; ; attempt++) {
    const arena = run.nextArena();
    for (const microbatch of session.share) {
      await session.breathe();
      const input = run.task.trainMicrobatch(step, microbatch);
      accumulate(run, arena, { step, microbatch, input, exponents }, watch);
    }
    const { microbatches, ring } = await session.sum(arena, {
      ...{ step, attempt, gradients: exponents !== null },
    });
    watch.add('wait', ring.waitSeconds);
    watch.add('send', ring.seconds - ring.waitSeconds);
    ringBytes += ring.bytesSent;
    const verdict = judge(microbatches, exponents, run.history());
    if (verdict.kind === 'retry') {
      exponents = verdict.exponents;
      continue;
    }
    const learningRate = run.learningRate(step);
    const gradientNorm = watch.timeSync('update', () =>
      run.conclude(arena, verdict, exponents, learningRate),
    );
    const { nonFiniteInARow } = run.state.counters;
    if (verdict.kind === 'skip' && nonFiniteInARow >= NON_FINITE_LIMIT) {
      const { microbatch } = verdict;
      const tensor =
        verdict.tensor === 'loss' ? 'loss' : (run.layout.tensors[verdict.tensor]?.name ?? '');
      throw new RingmasterError('TRAINING_NON_FINITE', {
        step,
        microbatch,
        tensor,
        inARow: nonFiniteInARow,
      });
    }
    return {
      step: run.step,
      loss: verdict.kind === 'apply' ? verdict.lossSum / verdict.counted : null,
      counted: verdict.kind === 'apply' ? verdict.counted : 0,
      tokens: microbatches.reduce((sum, lane) => sum + (lane.counts[1] ?? 0), 0),
      ledger: { samples: 0, digest: 0 },
      learningRate,
      gradientNorm,
      attempts: attempt,
      nonFinite: null,
      microbatches: session.share.length,
      seconds: watch.total(),
      phases: watch.phases(),
      ringBytes,
    };
  }
}
