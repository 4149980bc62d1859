import { faultPoint } from '../../faults/fault-point.js';
import type { Arena } from '../run/memory-layout.js';
import type { Run } from '../run/run.js';
import type { Session } from '../session/session.js';
import { accumulate } from './accumulate.js';
import type { StepAudit } from './audit.js';
import type { GradientSum } from './gradient-sum.js';
import type { Stopwatch } from './stopwatch.js';

export interface ShareOfAttempt {
  readonly arena: Arena;
  /** Null while calibrating: nothing is summed. */
  readonly exponents: Int32Array | null;
  readonly audit: StepAudit;
  readonly sum: GradientSum;
  readonly watch: Stopwatch;
}

/**
 * Computes this rank's microbatches of one attempt. An audited one comes first, while the arena holds nothing else, so
 * that its checksum can be taken; what was only computed for that is cleared away again. The last one completes the sum
 * of each tensor as it goes. Nothing is being quantised any more when this is over, however it ends.
 */
export async function computeShare(
  run: Run,
  session: Session,
  attempt: ShareOfAttempt,
): Promise<void> {
  try {
    await computeMicrobatches(run, session, attempt);
  } finally {
    run.memory.quantiser.abandon();
  }
}

async function computeMicrobatches(
  run: Run,
  session: Session,
  { arena, exponents, audit, sum, watch }: ShareOfAttempt,
): Promise<void> {
  const { step } = run;
  const { kernels, lanes, quantiser } = run.memory;
  const { share } = session;
  // Until a gradient of this attempt is in the arena it holds those of an earlier one, which the first one replaces.
  let isFresh = false;
  const current = () => {
    session.assertCurrent();
  };
  const compute = async (microbatch: number, completes: GradientSum | null) => {
    await session.breathe();
    faultPoint('compute', run);
    const how = { exponents, replace: !isFresh, completes: exponents === null ? null : completes };
    isFresh = accumulate(run, arena, { step, microbatch, ...how }, watch, current) || isFresh;
  };
  const settle = () => {
    watch.timeSync('quantise', () => {
      quantiser.drain();
    });
  };
  const empty = () => {
    if (!isFresh) kernels.zero(arena.offset, arena.length);
    isFresh = true;
  };
  const audited = exponents === null ? null : audit.microbatch;
  if (audited !== null) {
    await compute(audited, null);
    watch.timeSync('compute', () => {
      settle();
      empty();
      audit.witness(arena);
    });
    if (!share.includes(audited)) {
      lanes.clear(arena.lanes);
      isFresh = false;
    }
  }
  const others = share.filter((microbatch) => microbatch !== audited);
  for (const microbatch of others)
    await compute(microbatch, microbatch === others.at(-1) ? sum : null);
  watch.timeSync('compute', () => {
    settle();
    if (exponents === null) return;
    empty();
    audit.sign(arena);
  });
}
