import { learningRateAt } from '@ringmaster/model';
import { RingmasterError, type StepReport } from '@ringmaster/protocol';
import { faultPoint } from '../../faults/fault-point.js';
import type { Run } from '../run/run.js';
import type { Session } from '../session/session.js';
import { StepAudit } from './audit.js';
import { GradientSum } from './gradient-sum.js';
import { reportIn } from './lanes.js';
import { computeShare } from './share.js';
import { Stopwatch } from './stopwatch.js';
import { judge, type Verdict } from './verdict.js';

/**
 * One optimizer step.
 *
 * Every microbatch of the step is computed by exactly one rank; its gradient, a sum over its units, is quantised with
 * one power of two a tensor and added into the int32 arena. The ring sums the arenas, bucket by bucket, and behind them
 * the lanes in which each microbatch reports itself. From the lanes all ranks conclude the same: repeat with other
 * exponents, leave the weights alone, or turn the sum into floats once and update. Now and then the ranks also audit
 * each other, which may name one of them but never changes a byte.
 * @throws TRAINING_NON_FINITE, STATE_DIVERGED, AUDIT_MISMATCH; whatever the ring throws
 */
export async function trainStep(run: Run, session: Session): Promise<StepReport> {
  const { step } = run;
  const { shares, share } = session;
  const watch = new Stopwatch();
  const audit = new StepAudit(run, session);
  let exponents = run.exponents();
  let [ringBytes, ringSeconds] = [0, 0];
  for (let attempt = 1; ; attempt++) {
    const arena = run.nextArena();
    const sum = new GradientSum(run, session, arena, {
      step,
      attempt,
      gradients: exponents !== null,
    });
    await computeShare(run, session, { arena, exponents, audit, sum, watch });
    faultPoint('accumulated', run, run.memory.shared.int32(arena.offset, run.layout.length));
    const { lanes, bytesSent, waitSeconds, ...ring } = await watch.time('send', () => sum.finish());
    watch.move('send', 'wait', waitSeconds);
    ringBytes += bytesSent;
    ringSeconds += ring.ringSeconds;
    if (exponents !== null && audit.mustRepeat(lanes.control)) continue;
    const microbatches = lanes.microbatches.map(reportIn);
    const verdict = judge(microbatches, exponents, run.history());
    if (verdict.kind === 'retry') {
      exponents = verdict.exponents;
      continue;
    }
    const learningRate = learningRateAt(step, run.steps, run.spec.optimizer);
    const gradientNorm = watch.timeSync('update', () =>
      run.conclude(arena, verdict, exponents, learningRate),
    );
    faultPoint('applied', run, run.state.parts[0]);
    const nonFinite = verdict.kind === 'skip' ? notFinite(run, shares, verdict) : null;
    return {
      step: run.step,
      loss: verdict.kind === 'apply' ? verdict.lossSum / verdict.weight : null,
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
      ...(audit.result === undefined ? {} : { audit: audit.result }),
      microbatches: share.length,
      startedAt: watch.startedAt,
      seconds: watch.total(),
      phases: watch.phases(),
      ringBytes,
      ringSeconds,
      ...(session.link === null ? {} : { link: session.link }),
    };
  }
}

/** @throws TRAINING_NON_FINITE where the job file allows no more steps without an update */
function notFinite(
  run: Run,
  shares: Session['shares'],
  { microbatch, tensor: index }: Extract<Verdict, { kind: 'skip' }>,
): StepReport['nonFinite'] {
  const tensor = index === 'loss' ? 'loss' : (run.layout.tensors[index]?.name ?? '');
  const rank = shares.findIndex((share) => share.includes(microbatch));
  const { policy, limit } = run.spec.nonFinite;
  const { step, nonFiniteInARow: inARow } = run.state.counters;
  if (policy === 'fail' || inARow >= limit) {
    const detail = { step: step - 1, microbatch, tensor, rank, inARow };
    throw new RingmasterError('TRAINING_NON_FINITE', detail);
  }
  return { microbatch, tensor, rank };
}
