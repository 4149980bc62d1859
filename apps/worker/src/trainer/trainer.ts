import {
  RingmasterError,
  type ErrorBody,
  type TrainerCommand,
  type TrainerMessage,
} from '@ringmaster/protocol';
import type { Logger } from 'pino';
import { CheckpointWriter, loadCheckpoint } from './checkpoint.js';
import { evaluateInRing } from './evaluate.js';
import { writeModel } from './model-artifact.js';
import { Reporter } from './reporter.js';
import type { Run } from './run.js';
import { GenerationEnded, Session } from './session.js';
import { trainStep } from './step.js';

type Prepare = Extract<TrainerCommand, { type: 'prepare' }>;
type Start = Extract<TrainerCommand, { type: 'start' }>;

/**
 * A trainer's life in generations. Invariants:
 * - Commands are handled one after another, in the order in which they came.
 * - PREPARE is a promise: once `prepared` is sent, nothing of an older generation is applied.
 * - The state changes only inside a step, synchronously, after the generation was seen to be current.
 */
export class Trainer {
  readonly #run: Run;
  readonly #send: (message: TrainerMessage) => void;
  readonly #log: Logger;
  readonly #checkpoints: CheckpointWriter;
  #commands: Promise<void> = Promise.resolve();
  #session: Session | null = null;
  #steps: Promise<void> = Promise.resolve();

  constructor(run: Run, send: (message: TrainerMessage) => void, log: Logger) {
    this.#run = run;
    this.#send = send;
    this.#log = log;
    this.#checkpoints = new CheckpointWriter(run, send, log);
  }

  /** Takes a command; it is carried out after those before it. */
  handle(command: TrainerCommand): void {
    this.#commands = this.#commands.then(async () => {
      const { generation } = command;
      try {
        if (command.type === 'prepare') await this.#prepare(command);
        else await this.#start(command);
      } catch (error) {
        this.#fail(generation, error);
      }
    });
  }

  async #prepare({ generation, rank, size }: Prepare): Promise<void> {
    if (this.#session !== null && generation <= this.#session.generation) return;
    await this.#session?.end();
    await this.#steps;
    const { step, launch } = this.#run;
    this.#session = await Session.open(this.#run, { job: launch.job, generation, rank, size });
    this.#log.info({ generation, rank, step }, 'prepared');
    this.#send({
      type: 'prepared',
      generation,
      endpoint: this.#session.endpoint,
      state: this.#run.isInitialised ? { step, stateHash: this.#run.stateHash() } : null,
    });
  }

  async #start(start: Start): Promise<void> {
    const session = this.#session;
    if (session?.generation !== start.generation) return;
    await this.#load(start);
    await session.connect(start.endpoints, start.shares[session.rank] ?? []);
    this.#log.info(
      { generation: start.generation, step: start.step, share: session.share },
      'started',
    );
    this.#steps = this.#train(session).catch((error: unknown) => {
      if (error instanceof GenerationEnded) return;
      this.#fail(session.generation, error);
    });
  }

  /** Brings the state to where the generation starts. */
  async #load({ source, step, stateHash }: Start): Promise<void> {
    const run = this.#run;
    const holds = run.isInitialised && run.step === step;
    if (source.from === 'specification') run.initialise();
    else if (source.from === 'checkpoint' && !(holds && run.stateHash() === stateHash)) {
      await loadCheckpoint(run, source.manifest);
    }
    if (stateHash === null) return;
    const actual = run.stateHash();
    if (run.step !== step || actual !== stateHash) {
      throw new RingmasterError('STATE_MISMATCH', { step, expected: stateHash, actual });
    }
  }

  async #train(session: Session): Promise<void> {
    const run = this.#run;
    const { checkpoint, evaluation } = run.spec;
    const reporter = new Reporter(this.#send, session.generation, session.rank);
    while (run.step < run.steps) {
      const report = await trainStep(run, session);
      reporter.step(report);
      const last = run.step === run.steps;
      if (evaluation !== undefined && (last || run.step % evaluation.every === 0)) {
        const result = await evaluateInRing(run, session);
        if (result !== null) reporter.evaluation(result);
      }
      if (session.rank === 0 && !last && run.step % checkpoint.every === 0) {
        this.#checkpoints.write(session.generation);
      }
    }
    reporter.flush();
    await this.#finish(session);
  }

  /** Rank 0 judges the model on the test split and makes it durable; the others have nothing left to do. */
  async #finish(session: Session): Promise<void> {
    const run = this.#run;
    const { step } = run;
    await this.#checkpoints.settled();
    const metrics = session.rank === 0 ? run.task.judge(run.model, 'test') : {};
    session.assertCurrent();
    const model = session.rank === 0 ? await writeModel(run, metrics) : null;
    const { generation, rank } = session;
    this.#send({
      type: 'finished',
      generation,
      rank,
      step,
      stateHash: run.stateHash(),
      model,
      metrics,
    });
  }

  #fail(generation: number, error: unknown): void {
    this.#log.error({ generation, step: this.#run.step, err: error }, 'failed');
    this.#send({
      type: 'failed',
      generation,
      step: this.#run.step,
      fatal: isFatal(error),
      error: errorBody(error),
    });
  }
}

/** Whether another attempt of the same step would end the same way. */
function isFatal(error: unknown): boolean {
  return error instanceof RingmasterError && error.code === 'TRAINING_NON_FINITE';
}

/** The form in which any failure crosses to the coordinator. */
export function errorBody(error: unknown): ErrorBody {
  if (error instanceof RingmasterError) return error.toBody();
  const reason = error instanceof Error ? error.message : String(error);
  return new RingmasterError('INTERNAL', { reason }).toBody();
}
