import { faultPoint } from '../faults/fault-point.js';
import { accumulate } from './accumulate.js';
import type { StepAudit } from './audit.js';
import type { Arena } from './memory.js';
import type { Run } from './run.js';
import type { Session } from './session.js';
import type { Stopwatch } from './stopwatch.js';

/**
 * Computes this rank's microbatches of one attempt. An audited one comes first, while the arena holds nothing else, so
 * that its checksum can be taken; what was only computed for that is cleared away again.
 */
export async function computeShare(
  run: Run,
  session: Session,
  arena: Arena,
  exponents: Int32Array | null,
  audit: StepAudit,
  watch: Stopwatch,
): Promise<void> {
  const { step } = run;
  const { share } = session;
  // Until a gradient of this attempt is in the arena it holds those of an earlier one, which the first one replaces.
  let isFresh = false;
  const compute = async (microbatch: number) => {
    await session.breathe();
    faultPoint('compute', run);
    const replace = !isFresh;
    isFresh = accumulate(run, arena, { step, microbatch, exponents, replace }, watch) || isFresh;
  };
  const empty = () => {
    if (!isFresh) run.kernels.zero(arena.offset, run.layout.length);
    isFresh = true;
  };
  const audited = exponents === null ? null : audit.microbatch;
  if (audited !== null) {
    await compute(audited);
    watch.timeSync('compute', () => {
      empty();
      audit.witness(arena);
    });
    if (!share.includes(audited)) {
      run.lanes.clear(arena.lanes);
      isFresh = false;
    }
  }
  for (const microbatch of share) {
    if (microbatch !== audited) await compute(microbatch);
  }
  if (exponents !== null) {
    watch.timeSync('compute', () => {
      empty();
      audit.sign(arena);
    });
  }
}
