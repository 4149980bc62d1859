import type { TrainerMessage } from '@ringmaster/protocol';
import type { Logger } from 'pino';
import { faultPoint } from '../../faults/fault-point.js';
import type { Message } from '../membership/types.js';
import type { Session } from '../session/session.js';
import { finishModel } from './model-artifact.js';
import type { Run } from './run.js';

/** Time between signs of life while the run is concluded, which may take long. */
const ALIVE_MS = 5000;

/** Rank 0 judges the model on the test split and makes it durable; the others have nothing left to do. */
export async function finish(
  run: Run,
  session: Session,
  send: (message: TrainerMessage) => void,
  log: Logger,
): Promise<Message<'finished'>> {
  const { generation, rank } = session;
  const alive = setInterval(() => {
    send({ type: 'progress', generation, rank, steps: [], evaluations: [] });
  }, ALIVE_MS);
  const { metrics, model } = await conclude(run, session).finally(() => {
    clearInterval(alive);
  });
  session.assertCurrent();
  faultPoint('finished', run);
  tellEarlyStopping(run, log);
  return { type: 'finished', generation, rank, position: run.position(), model, metrics };
}

function tellEarlyStopping({ spec, state, step, steps, finalWeights }: Run, log: Logger): void {
  if (spec.earlyStopping === undefined || !state.counters.stopped) return;
  const { metric, patience } = spec.earlyStopping;
  log.info({ step, steps, metric, patience, weightsStep: finalWeights.step }, 'stopped early');
}

async function conclude(run: Run, session: Session) {
  if (session.rank !== 0) return { metrics: {}, model: null };
  return finishModel(run, session.rank, () => session.breathe());
}
