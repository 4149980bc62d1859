import type { TrainerMessage } from '@ringmaster/protocol';
import { trainerCommandSchema, launchSchema } from '@ringmaster/protocol';
import { pino } from 'pino';
import { z } from 'zod';
import { openArtifacts } from '../artifacts/artifacts.js';
import { holdCache } from '../artifacts/cache.js';
import { endingGeneration } from './beat/beat.js';
import { failure } from './failure.js';
import { loadRun } from './run/load.js';
import { numericsOf } from './run/numerics.js';
import { portsOf } from './run/ports.js';
import { ringPlaceSchema } from './session/listening.js';
import { Trainer } from './trainer.js';

/** What begins a run: what to train, where artifacts are, fetched ones are kept and how many bytes, where rings listen. */
export const assignmentSchema = z.object({
  type: z.literal('launch'),
  run: z.int().positive(),
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

/** One run of a trainer's process, from its launch until nothing of it is left. */
export class Assignment {
  readonly #send: (message: TrainerMessage) => void;
  /** What frees what was made, the last first. */
  readonly #ends: (() => void | Promise<void>)[] = [];
  /** Commands that came before the run was loaded. */
  readonly #waiting: unknown[] = [];
  #receive = (message: unknown): void => void this.#waiting.push(message);
  #isOver = false;

  /** Begins to load the run. @param send Sends to the coordinator; not called any more once the run is closed */
  constructor(first: z.infer<typeof assignmentSchema>, send: (message: TrainerMessage) => void) {
    this.#send = (message) => {
      if (!this.#isOver) send(message);
    };
    const { job, trainer } = first.launch;
    const log = pino({ base: { job, trainer, pid: process.pid } });
    this.#begin(first, log).catch((error: unknown) => {
      log.fatal({ err: error }, 'cannot load the run');
      this.#send(failure(0, 0, error));
    });
  }

  /** Takes a command. */
  handle(message: unknown): void {
    this.#receive(message);
  }

  /** Frees everything of the run, which is loaded. */
  async close(): Promise<void> {
    this.#receive = () => undefined;
    for (const end of this.#ends.splice(0).reverse()) await end();
    this.#isOver = true;
  }

  async #begin(
    {
      run: number,
      launch,
      artifacts: location,
      cache,
      cacheLimit,
      ring,
    }: z.infer<typeof assignmentSchema>,
    log: pino.Logger,
  ): Promise<void> {
    const artifacts = openArtifacts(location, cache);
    if (artifacts.source.kind === 'remote') this.#ends.push(await holdCache(cache, cacheLimit));
    const run = await loadRun(launch, artifacts, log);
    const numerics = await numericsOf(run);
    const ending = () => endingGeneration(number);
    const ports = portsOf(run, { place: ring, ending }, this.#send, log);
    this.#ends.push(() => ports.close());
    const trainer = new Trainer(ports, this.#send, log);
    this.#ends.push(() => trainer.close());
    this.#receive = (message) => {
      trainer.handle(trainerCommandSchema.parse(message));
    };
    this.#send({
      type: 'ready',
      steps: run.steps,
      numerics,
      parameters: {
        trained: run.layout.parameterCount,
        frozen: run.loaded.frozen.parameterCount,
      },
    });
    this.#waiting.forEach(this.#receive);
  }
}
