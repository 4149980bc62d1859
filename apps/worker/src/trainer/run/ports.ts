import type { TrainerMessage } from '@ringmaster/protocol';
import type { Logger } from 'pino';
import { loadCheckpoint } from '../checkpoint/load.js';
import { CheckpointWriter } from '../checkpoint/writer.js';
import type { Ports } from '../ports.js';
import type { RingPlace } from '../session/listening.js';
import { Session } from '../session/session.js';
import { trainStep } from '../step/step.js';
import { evaluateInRing } from './evaluate.js';
import { finish } from './finish.js';
import type { Run } from './run.js';

/** The ports of one run, and what gives back all that they hold when nothing of the run is at work any more. */
export interface RunPorts extends Ports<Session> {
  close(): Promise<void>;
}

/**
 * The ports of a trainer that trains a run on TensorFlow, in rings of sockets.
 * @param place Where its rings are to listen.
 * @param ending The newest generation that is known to end every older one, before its command was read.
 */
export function portsOf(
  run: Run,
  { place, ending }: { readonly place: RingPlace; readonly ending: () => number },
  send: (message: TrainerMessage) => void,
  log: Logger,
): RunPorts {
  const checkpoints = new CheckpointWriter(run, send, log);
  return {
    run,
    checkpoints,
    now: () => performance.now(),
    open: (options) => new Session(run, place, options, ending),
    loadCheckpoint: (manifest) => loadCheckpoint(run, manifest),
    evaluate: (session) => evaluateInRing(run, session),
    step: (session) => trainStep(run, session),
    finish: (session) => finish(run, session, send, log),
    close: async () => {
      await checkpoints.close();
      await run.close();
    },
  };
}
