import { endingGeneration } from './beat/beat.js';
import { passOverUserSignals } from '@ringmaster/base';
import { launchSchema, trainerCommandSchema, type TrainerMessage } from '@ringmaster/protocol';
import { Runtime } from '@ringmaster/tensorflow';
import { pino } from 'pino';
import { z } from 'zod';
import { openArtifacts } from '../artifacts/artifacts.js';
import { holdCache } from '../artifacts/cache.js';
import { failure } from './failure.js';
import { loadRun } from './run/load.js';
import { numericsOf } from './run/numerics.js';
import { portsOf } from './run/ports.js';
import { ringPlaceSchema } from './session/listening.js';
import { Trainer } from './trainer.js';

/** The first message of the agent: what to train, where artifacts are, fetched ones are kept and how many bytes, where rings listen. */
const firstMessageSchema = z.object({
  type: z.literal('launch'),
  launch: launchSchema,
  artifacts: z.object({
    url: z.string(),
    directory: z.string(),
    cluster: z.string(),
    token: z.string().nullable(),
    fingerprint: z.string().nullable(),
  }),
  cache: z.string(),
  cacheLimit: z.number().nullable(),
  ring: ringPlaceSchema,
});

const send = (message: TrainerMessage) => {
  process.send?.(message);
};

passOverUserSignals();

// A trainer whose agent is gone has nobody to train for. Nothing of it is worth an orderly end, which TensorFlow's and
// the ring's threads would only be in the way of.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

// A process that waits for its run has TensorFlow loaded by then. What is wrong is told when there is one.
setImmediate(() => {
  try {
    Runtime.open();
  } catch {
    // It is opened again for the run.
  }
});

process.once('message', (first: unknown) => {
  const { launch, artifacts: location, cache, cacheLimit, ring } = firstMessageSchema.parse(first);
  const log = pino({ base: { job: launch.job, trainer: launch.trainer, pid: process.pid } });
  const waiting: unknown[] = [];
  let receive = (message: unknown) => void waiting.push(message);
  process.on('message', (message) => {
    receive(message);
  });
  const begin = async () => {
    const artifacts = openArtifacts(location, cache);
    if (artifacts.source.kind === 'remote') await holdCache(cache, cacheLimit);
    const run = await loadRun(launch, artifacts, log);
    const numerics = await numericsOf(run);
    const ports = portsOf(run, { place: ring, ending: endingGeneration }, send, log);
    const trainer = new Trainer(ports, send, log);
    receive = (message) => {
      trainer.handle(trainerCommandSchema.parse(message));
    };
    send({
      type: 'ready',
      steps: run.steps,
      numerics,
      parameters: {
        trained: run.layout.parameterCount,
        frozen: run.loaded.frozen.parameterCount,
      },
    });
    waiting.forEach(receive);
  };
  begin().catch((error: unknown) => {
    log.fatal({ err: error }, 'cannot load the run');
    send(failure(0, 0, error));
  });
});
