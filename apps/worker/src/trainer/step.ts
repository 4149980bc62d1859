import { learningRateAt } from '@ringmaster/model';
import { RingmasterError, type StepReport } from '@ringmaster/protocol';
import { faultPoint } from '../faults/fault-point.js';
import { accumulate } from './accumulate.js';
import { reportIn } from './microbatch.js';
import type { Run } from './run.js';
import type { Session } from './session.js';
import { Stopwatch } from './stopwatch.js';
import { judge, type Verdict } from './verdict.js';

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
      faultPoint('compute', run);
      accumulate(run, arena, { step, microbatch, rank: session.rank, exponents }, watch);
    }
    faultPoint('accumulated', run, run.memory.int32(arena.offset, run.layout.length));
    const reading = await session.sum(arena, {
      ...{ step, attempt, gradients: exponents !== null },
    });
    const { ring } = reading;
    watch.add('wait', ring.waitSeconds);
    watch.add('send', ring.seconds - ring.waitSeconds);
    ringBytes += ring.bytesSent;
    const microbatches = reading.microbatches.map(reportIn);
    const verdict = judge(microbatches, exponents, run.history());
    if (verdict.kind === 'retry') {
      exponents = verdict.exponents;
      continue;
    }
    const learningRate = learningRateAt(step, run.steps, run.spec.optimizer);
    const gradientNorm = watch.timeSync('update', () =>
      run.conclude(arena, verdict, exponents, learningRate),
    );
    faultPoint('applied', run, run.state.bytes);
    const nonFinite = verdict.kind === 'skip' ? whatWasNotFinite(run, verdict) : null;
    return {
      step: run.step,
      loss: verdict.kind === 'apply' ? verdict.lossSum / verdict.counted : null,
      counted: verdict.kind === 'apply' ? verdict.counted : 0,
      tokens: microbatches.reduce((sum, { tokens }) => sum + tokens, 0),
      ledger: {
        samples: microbatches.reduce((sum, { samples }) => sum + samples, 0),
        digest: microbatches.reduce((sum, { digest }) => (sum + digest) | 0, 0),
      },
      learningRate,
      gradientNorm,
      attempts: attempt,
      nonFinite,
      microbatches: session.share.length,
      seconds: watch.total(),
      phases: watch.phases(),
      ringBytes,
    };
  }
}

/** @throws TRAINING_NON_FINITE where the job file allows no more steps without an update */
function whatWasNotFinite(
  run: Run,
  { microbatch, tensor: index, rank }: Extract<Verdict, { kind: 'skip' }>,
): StepReport['nonFinite'] {
  const tensor = index === 'loss' ? 'loss' : (run.layout.tensors[index]?.name ?? '');
  const { policy, limit } = run.spec.nonFinite;
  const { step, nonFiniteInARow: inARow } = run.state.counters;
  if (policy === 'fail' || inARow >= limit) {
    const detail = { step: step - 1, microbatch, tensor, rank, inARow };
    throw new RingmasterError('TRAINING_NON_FINITE', detail);
  }
  return { microbatch, tensor, rank };
}
